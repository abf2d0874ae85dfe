"""Compiling: everything or nothing, the last good stays, a refusal is told once."""

import os
import shutil
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from v6 import clock
from v6.config.errors import ConfigError
from v6.paths import Paths
from v6.scheduler import calendar_file, compiled
from v6.scheduler.calendar_overrides import read_overrides
from v6.scheduler.compile import Outcome, check, compile_all
from v6.scheduler.nyse_calendar import NYSECalendar

ROOT = Path(__file__).resolve().parents[2]
GOOD_FRIDAY, TUESDAY = date(2026, 4, 3), date(2026, 12, 1)


@pytest.fixture(scope="session")
def todays_calendar() -> str:
    today = clock.now().date()
    return calendar_file.render(calendar_file.header(today, None), calendar_file.build(today, {}))


@pytest.fixture(scope="session")
def todays_futures() -> str:
    today = clock.now().date()
    return calendar_file.render(calendar_file.futures_header(today), calendar_file.build_futures(today))


@pytest.fixture
def compiled_once(paths: Paths, todays_calendar: str, todays_futures: str) -> Paths:
    """A home that was compiled; its calendars were kept, which saves asking pandas in every test."""
    paths.compiled.mkdir(parents=True)
    (paths.compiled / "calendar.txt").write_text(todays_calendar)
    (paths.compiled / "futures_calendar.txt").write_text(todays_futures)
    assert compile_all(paths).outcome == Outcome.COMPILED
    return paths


def site(paths: Paths, text: str) -> None:
    paths.production_config.write_text(text)


def calendar(paths: Paths) -> NYSECalendar:
    return NYSECalendar(paths.compiled / "calendar.txt")


def schedule(paths: Paths, environ: dict[str, str] | None = None) -> compiled.Schedule:
    return compiled.load(paths.compiled / "schedule.txt", environ)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_it_writes_calendar_schedule_sources_and_the_folders(paths: Paths) -> None:
    assert compile_all(paths).outcome == Outcome.COMPILED
    assert calendar(paths).closure_reason(GOOD_FRIDAY) == "Good Friday"
    assert next(iter(schedule(paths).tasks)) == "queue_option_contracts"
    assert files(paths.compiled / "sources") == {"default.yaml": paths.default_config.read_bytes()}
    for folder in ("logs/scheduler", "logs/tasks", "logs/cron", "var/slots/health_check", "var/leases", "var/locks"):
        assert (paths.home / folder).is_dir()


def test_places_are_absolute_so_that_the_gate_needs_no_guess(compiled_once: Paths) -> None:
    settings = schedule(compiled_once).settings
    assert settings["root"] == str(compiled_once.root)
    assert settings["log_directory"] == str(compiled_once.home / "logs")
    assert settings["python"] == sys.executable


def test_again_without_a_change_is_unchanged(compiled_once: Paths) -> None:
    before = (compiled_once.compiled / "schedule.txt").read_bytes()
    site(compiled_once, "ibkr: {prot: 1}\n")
    first, second = compile_all(compiled_once), compile_all(compiled_once)
    assert (first.outcome, second.outcome) == (Outcome.REFUSED, Outcome.REFUSED)  # whoever looked: nobody is told yet
    (compiled_once.compiled / "rejected" / "told").touch()
    assert compile_all(compiled_once).outcome == Outcome.REFUSED_AGAIN
    assert first.error.startswith("config/production.yaml: ibkr.prot: unknown key")
    assert (compiled_once.compiled / "schedule.txt").read_bytes() == before
    rejected = files(compiled_once.compiled / "rejected")
    assert rejected["production.yaml"] == b"ibkr: {prot: 1}\n"
    assert rejected["error.txt"].decode().strip() == first.error
    assert "production.yaml" not in files(compiled_once.compiled / "sources")


def test_another_broken_edit_is_new_again_and_a_good_one_clears_it(compiled_once: Paths) -> None:
    site(compiled_once, "ibkr: {prot: 1}\n")
    compile_all(compiled_once)
    site(compiled_once, "ibkr: {port: x}\n")
    assert compile_all(compiled_once).outcome == Outcome.REFUSED
    site(compiled_once, "ibkr: {port: 4001}\n")
    assert compile_all(compiled_once).outcome == Outcome.COMPILED
    assert not (compiled_once.compiled / "rejected").exists()


def test_a_moved_checkout_is_compiled_again(compiled_once: Paths, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.move(compiled_once.root, moved)
    paths = Paths(moved, compiled_once.home)
    assert compile_all(paths).outcome == Outcome.COMPILED
    assert schedule(paths).settings["root"] == str(moved)


def test_a_damaged_compiled_file_is_made_again(compiled_once: Paths) -> None:
    for name in ("calendar.txt", "schedule.txt"):
        (compiled_once.compiled / name).write_text("half a li")
        assert compile_all(compiled_once).outcome == Outcome.COMPILED
    assert calendar(compiled_once).is_trading_day(TUESDAY)


def test_what_others_must_not_read_is_copied_for_the_owner_only(compiled_once: Paths) -> None:
    compiled_once.dotenv.write_text("V6_ALERT_URLS=secret\n")
    compile_all(compiled_once)
    assert (compiled_once.compiled / "sources").stat().st_mode & 0o077 == 0


def test_switches_of_dotenv_are_lines_and_the_environment_beats_them(compiled_once: Paths) -> None:
    compiled_once.dotenv.write_text("SCHEDULER_ENABLE_ALL=false\nSCHEDULER_HEALTH_CHECK_ENABLED=yes\n")
    compile_all(compiled_once)
    text = (compiled_once.compiled / "schedule.txt").read_text()
    assert "env|SCHEDULER_ENABLE_ALL|0\nenv|SCHEDULER_HEALTH_CHECK_ENABLED|1\n" in text
    assert "task|queue_option_contracts|scripts/queue_option_contracts.py||1|" in text

    def enabled(**environ: str) -> list[str]:
        return [task.name for task in schedule(compiled_once, environ).tasks.values() if task.enabled]

    assert enabled() == ["health_check"]
    assert enabled(SCHEDULER_HEALTH_CHECK_ENABLED="0") == []
    session = {"run_market_session", "resume_market_session"}
    assert enabled(SCHEDULER_ENABLE_ALL="true") == [t for t in schedule(compiled_once).tasks if t not in session]
    with pytest.raises(compiled.ScheduleError, match="SCHEDULER_ENABLE_ALL: 'perhaps' is neither true nor false"):
        enabled(SCHEDULER_ENABLE_ALL="perhaps")


def test_the_market_session_is_on_the_schedule_only_while_the_connection_is_persistent(paths: Paths) -> None:
    def on() -> set[str]:
        assert not compile_all(paths).error
        return {task.name for task in schedule(paths).tasks.values() if task.enabled}

    session = {"run_market_session", "resume_market_session"}
    assert not session & on()
    paths.dotenv.write_text("IBKR_PERSISTENT_CONNECTION=true\n")
    assert session <= on()
    paths.dotenv.write_text("IBKR_PERSISTENT_CONNECTION=true\nSCHEDULER_RESUME_MARKET_SESSION_ENABLED=false\n")
    assert session & on() == {"run_market_session"}
    paths.dotenv.write_text("IBKR_PERSISTENT_CONNECTION=false\n")
    assert not session & on()


def test_the_callers_environment_is_not_compiled_in(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_ENABLE_ALL", "false")
    compile_all(paths)
    assert "env|" not in (paths.compiled / "schedule.txt").read_text()


def mine(keys: str) -> str:
    """A site with a task of its own, on a host whose TWS restarts at 23:45 New York."""
    window = "restart_windows: {daily_restart: {zone: America/New_York, start: '23:45', end: '00:05'}}"
    task = f"script: scripts/health_check.py, args: [x], description: x, timeout_seconds: 9, {keys}"
    return f"scheduler: {{{window}, tasks: {{mine: {{{task}}}}}}}\n"


@pytest.mark.parametrize(
    "keys",
    [
        "frequency: weekly, day: saturday, time: '10:00'",
        "frequency: weekly, day: saturday, time: '10:00', days: every, market_phase: market_open",
        "frequency: daily, time: '08:00', market_phase: market_open",
        "frequency: daily, time: close+15min, market_phase: market_open",
        "frequency: daily, time: '23:50', days: every, needs_gateway: true",
        "frequency: weekly, day: sunday, time: close+15min, days: every",
    ],
)
def test_a_task_whose_days_and_phase_never_meet_is_refused(paths: Paths, keys: str) -> None:
    """L04: weekend jobs behind a trading-day gate never ran. (The fifth lies in the daily restart window.)"""
    site(paths, mine(keys))
    with pytest.raises(ConfigError, match=r"production\.yaml: scheduler\.tasks\.mine: can never run"):
        check(paths)


def test_weekend_tasks_that_say_every_day_are_fine(paths: Paths) -> None:
    site(paths, mine("frequency: weekly, day: saturday, time: '10:00', days: every"))
    check(paths)


OVERRIDES = """
- date: "2026-12-01"
  reason: National day of mourning
  close: null
- date: "2026-12-02"
  reason: Power failure announced
  close: "13:00"
- date: "2026-04-03"
  reason: Opened after all
  close: "13:00"
"""


def test_a_closure_announced_late_is_merged_with_its_reason(compiled_once: Paths) -> None:
    compiled_once.calendar_overrides.write_text(OVERRIDES)
    assert compile_all(compiled_once).outcome == Outcome.COMPILED
    merged = calendar(compiled_once)
    assert merged.closure_reason(TUESDAY) == "National day of mourning"
    early = merged.session(TUESDAY + timedelta(days=1))
    assert early is not None
    assert early.early
    assert merged.is_trading_day(GOOD_FRIDAY)
    compiled_once.calendar_overrides.unlink()
    assert compile_all(compiled_once).outcome == Outcome.COMPILED
    assert calendar(compiled_once).is_trading_day(TUESDAY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {date: 2026-12-01, reason: mourning, close: null}", "2026-12-01 means different things"),
        (
            "- {date: '2026-13-01', reason: mourning, close: null}",
            "overrides.yaml: [0].date: '2026-13-01' is not a date",
        ),
        ("- {date: '2026-12-05', reason: mourning, close: null}", "allowed: a weekday"),
        ("- {date: '2026-12-01', reason: mourning, close: '14:00'}", "overrides.yaml: [0].close"),
        ("- {date: '2026-12-01', reason: mourning}", "overrides.yaml: [0].close"),
        ("- {date: '2026-12-01', close: null}", "overrides.yaml: [0].reason"),
        (
            "- {date: '2026-12-01', reason: aaa, close: null}\n- {date: '2026-12-01', reason: bbb, close: null}",
            "listed twice",
        ),
        ("2026: x", "a key must be a word"),
        ("closed: x", "must be a list"),
    ],
)
def test_a_wrong_override_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_overrides(text, "overrides.yaml")
    assert message in str(error.value)


def test_the_calendar_fails_before_it_runs_out() -> None:
    """L05: it must not end unnoticed."""
    last = calendar_file.last_day(date(2026, 11, 21))
    assert last == date(2028, 12, 31)
    calendar_file.require_days_left(last, last - timedelta(days=60))
    with pytest.raises(ConfigError, match="59 days"):
        calendar_file.require_days_left(last, last - timedelta(days=59))


def test_in_a_new_year_the_calendar_reaches_further(compiled_once: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    year_later = time.time() + 366 * 86400
    monkeypatch.setenv("V6_CLOCK_OFFSET", str(year_later - time.time()))
    before = calendar(compiled_once).last
    assert compile_all(compiled_once).outcome == Outcome.COMPILED
    assert calendar(compiled_once).last.year == before.year + 1


def test_another_version_of_the_authority_makes_the_calendar_again(
    compiled_once: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_file.metadata, "version", lambda _: "99.0")
    assert compile_all(compiled_once).outcome == Outcome.COMPILED
    assert "pandas_market_calendars 99.0 covers" in (compiled_once.compiled / "calendar.txt").read_text()


def test_where_the_two_authorities_disagree_a_person_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closure that only one package knows yet is refused until an override says which is right."""
    from v6.scheduler import market_calendars

    real = market_calendars.deviations
    monkeypatch.setattr(
        market_calendars,
        "deviations",
        lambda first, last: {day: found for day, found in real(first, last).items() if day != GOOD_FRIDAY},
    )
    with pytest.raises(ConfigError, match="2026-04-03: exchange_calendars has it closed"):
        calendar_file.build(date(2026, 3, 1), {})
    override = read_overrides("- {date: '2026-04-03', reason: Good Friday, close: null}\n", "x")
    assert calendar_file.build(date(2026, 3, 1), override)[GOOD_FRIDAY].reason == "Good Friday"


def module(home: Path, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "v6.scheduler.compile"],
        env={"PATH": os.environ["PATH"], "V6_HOME": str(home), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.integration
def test_the_command_says_what_it_did_and_exits_0_or_2(home: Path) -> None:
    done = []
    for edit in ("", "", "ibkr: {prot: 1}\n", "ibkr: {prot: 1}\n"):
        if done and done[-1][1] == "refused":
            (home / "var" / "compiled" / "rejected" / "told").touch()
        (home / "config").mkdir(exist_ok=True)
        (home / "config" / "production.yaml").write_text(edit)
        process = module(home)
        out, err = process.communicate(timeout=120)
        done.append((process.returncode, out.strip(), "unknown key" in err))
    assert done == [
        (0, "compiled", False),
        (0, "unchanged", False),
        (2, "refused", True),
        (2, "refused again", True),
    ]


@pytest.mark.integration
def test_three_gates_at_once_compile_once(home: Path) -> None:
    processes = [module(home) for _ in range(3)]
    words = sorted(process.communicate(timeout=120)[0].strip() for process in processes)
    assert words == ["compiled", "unchanged", "unchanged"]


@pytest.mark.integration
def test_l09_a_reader_between_two_edits_never_lacks_a_task(compiled_once: Paths) -> None:
    """The configuration is a text file; what is made from it takes the old one's place at once."""
    known, counted = set(schedule(compiled_once).tasks), []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            counted.append(set(schedule(compiled_once).tasks) == known)

    reader = threading.Thread(target=read)
    reader.start()
    for minute in range(0, 60, 12):
        site(compiled_once, f"scheduler: {{tasks: {{validate_positions: {{minute: {minute}}}}}}}\n")
        assert compile_all(compiled_once).outcome == Outcome.COMPILED
    over.set()
    reader.join()
    assert len(counted) > 5
    assert all(counted)


def test_the_reader_of_the_schedule_is_light(compiled_once: Paths) -> None:
    """The supervisor starts with it: standard library, and of that nothing slow."""
    program = (
        "import sys; from v6.scheduler import compiled; compiled.load(sys.argv[1]);"
        "print(*sorted(m for m in sys.modules if m in "
        "('typing', 'dataclasses', 'logging', 'asyncio', 'pydantic', 'yaml', 'zoneinfo', 're', 'datetime')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {program}",
         str(compiled_once.compiled / "schedule.txt")],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == ""
