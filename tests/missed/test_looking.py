"""A whole look: found, recorded once, told in one message, made up; and what people see of it."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from small_home import CALENDAR, CHECK, COLLECT, STATISTICS, TASKS, Home, ny, scheduler_of
from typer.testing import CliRunner

from v6.cli import app
from v6.cli import missed as command
from v6.cron.present import Present
from v6.journal import events, missed
from v6.missed import catch_up, find, looking, telling
from v6.missed.causes import Cause, Missed
from v6.paths import Paths
from v6.runner import notices, why
from v6.scheduler import schedule_text

Look = Callable[[str], looking.Found]
STATISTICS_TASK = "calculate_daily_statistics"


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been started: the processes themselves are tested with the gate."""
    started: list[str] = []
    monkeypatch.setattr(catch_up, "start", lambda site, wanted, environ: started.extend(one.task for one in wanted))
    return started


@pytest.fixture
def look(small: Home, made_up: list[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    monkeypatch.setattr(find, "site_of", lambda paths, db, environ: small.site)

    def at(wall: str) -> looking.Found:
        small.at(wall)
        return looking.look(small.paths, small.db, small.now)

    return at


def alerts(small: Home) -> list[events.Alert]:
    found = events.alerts_since(small.db, ny("2026-11-01 00:00"))
    return [alert for alert in found if alert.key.startswith("missed:")]


def recorded(small: Home) -> list[missed.MissedSlot]:
    return missed.between(small.db, ny("2026-11-01 00:00"), ny("2026-12-01 00:00"))


def test_the_first_look_finds_nothing_and_the_next_what_was_due_since(small: Home, look: Look) -> None:
    assert look("17:46").first
    small.checked("17:45", "19:30")

    found = look("19:31")

    assert [(one.task, str(one.cause)) for one in found.missed] == [
        (STATISTICS_TASK, "line_ignored"),
        ("validate_data_quality", "line_ignored"),
    ]
    assert [(one.task, one.catch_up) for one in recorded(small)] == [
        (STATISTICS_TASK, "started"),
        ("validate_data_quality", "started"),
    ]


def test_what_was_found_is_made_up_told_and_found_no_more(small: Home, look: Look, made_up: list[str]) -> None:
    look("17:46")
    small.checked("17:45", "19:30")
    look("19:31")
    again = look("19:46")

    assert again.missed == ()
    assert made_up == [STATISTICS_TASK, "validate_data_quality"]
    (alert,) = alerts(small)
    assert alert.severity == "failure"
    assert alert.title == "2 slots missed of 2 tasks: cron started other tasks, but not this one"
    assert f"  {STATISTICS_TASK} 11-24 18:00: started" in alert.body


def test_a_line_that_stays_ignored_is_told_again_after_hours_only(small: Home, look: Look) -> None:
    small.schedule({"health_check": CHECK, "collect_option_snapshots": COLLECT})
    look("09:00")
    for wall in ("10:00", "10:15", "10:30", "16:15"):
        small.checked("09:00", wall)
        look(wall)

    told = alerts(small)

    assert [f"{alert.at:%H:%M}" for alert in told] == ["10:00", "16:15"]
    assert "see: v6 missed" in told[0].body
    assert len(recorded(small)) == 78


def test_what_goes_on_is_one_message_for_hours_and_another_task_is_news(small: Home, look: Look) -> None:
    look("10:00")
    now, hours = small.now, timedelta(hours=6)

    def told(task: str, cause: Cause, evidence: str) -> bool:
        return telling.tell(small.db, [Missed(task, ny("09:30"), cause, evidence)], {}, now, hours) is not None

    assert told("health_check", Cause.CRON_SILENT, "cron started nothing from 09:15 to 09:35")
    assert not told("health_check", Cause.CRON_SILENT, "cron started nothing from 09:15 to 09:50")
    assert told(STATISTICS_TASK, Cause.CRON_SILENT, "cron started nothing from 09:15 to 09:50")
    assert told("health_check", Cause.HOST_DOWN, "the host was down: last sign of life 09:15")
    assert told("health_check", Cause.HOST_DOWN, "the host was down: last sign of life 09:45")  # once more


def test_tasks_that_want_no_alert_are_recorded_in_silence(small: Home, look: Look) -> None:
    small.schedule({"health_check": CHECK, "collect_option_snapshots": COLLECT | {"alert_on": ["failure"]}})
    look("10:00")
    small.checked("10:00", "10:30")
    look("10:31")

    assert len(recorded(small)) == 6
    assert alerts(small) == []


def test_two_looks_at_once_record_tell_and_start_once(small: Home, look: Look, made_up: list[str]) -> None:
    small.schedule({STATISTICS_TASK: STATISTICS})
    look("17:00")
    small.at("18:10")
    first = looking.look(small.paths, small.db, small.now)
    missed.set_looked_until(small.db, ny("17:00"))  # as the other look had read it

    second = looking.look(small.paths, small.db, small.now)

    assert (len(first.missed), len(second.missed)) == (1, 0)
    assert made_up == [STATISTICS_TASK]
    assert len(alerts(small)) == 1


def test_time_that_was_left_out_misses_nothing(small: Home, look: Look) -> None:
    small.schedule({"health_check": CHECK})
    looking.skip_to(small.db, ny("09:00"))
    assert look("10:00").first
    looking.skip_to(small.db, ny("12:00"))

    assert [f"{one.slot:%H:%M}" for one in look("12:21").missed] == ["17:00", "17:15"]  # UTC


def test_a_look_that_found_something_is_told_by_itself() -> None:
    assert notices.SLOTS_MISSED in notices.TOLD_BY_THE_JOB & notices.NOT_RETRIED


def test_the_shell_runs_what_is_made_up_through_the_gate_in_order(small: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[tuple[tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(catch_up.os, "posix_spawn", lambda path, argv, env, **more: spawned.append((argv, env)) or 7)
    small.schedule({STATISTICS_TASK: STATISTICS | {"args": ["--symbols", "SPY QQQ"]}, "health_check": CHECK})
    wanted = [
        Missed(STATISTICS_TASK, ny("18:00"), "host_down", ""),
        Missed("health_check", ny("18:15"), "host_down", ""),
    ]  # type: ignore[arg-type]
    environ = {
        "PATH": "/bin",
        "V6_SLOT": "1",
        "V6_TASK": "health_check",
        "V6_LOCK_FD": "9",
        "FORCE_RUN": "true",
        "TZ": "UTC",
    }

    assert catch_up.start(small.site, wanted, environ) == 7

    ((argv, env),) = spawned
    first, second = argv[2].split(" ); ( ")
    slot = int(ny("18:00").timestamp())
    assert first.endswith(f"--catch-up {slot} scripts/calculate_daily_statistics.py --symbols 'SPY QQQ'")
    assert second.endswith(f"--catch-up {slot + 900} scripts/health_check.py )")
    assert env == {"PATH": "/bin", "TZ": "UTC", "V6_HOME": str(small.paths.home)}


@pytest.mark.integration
def test_what_is_made_up_runs_whether_or_not_its_log_can_be_written(small: Home, tmp_path: Path) -> None:
    gate = tmp_path / "a checkout" / "scripts" / "cron_wrapper.sh"
    gate.parent.mkdir(parents=True)
    gate.write_text(f'#!/bin/sh\necho "$3" >>"{tmp_path}/ran"\necho said\n')
    gate.chmod(0o755)
    logs = Path(small.site.schedule.settings["log_directory"])
    logs.mkdir()
    site = replace(small.site, paths=Paths(tmp_path / "a checkout", small.paths.home))
    wanted = [
        Missed(STATISTICS_TASK, ny("18:00"), Cause.HOST_DOWN, ""),
        Missed("health_check", ny("18:15"), Cause.HOST_DOWN, ""),
    ]

    os.waitpid(catch_up.start(site, wanted), 0)
    assert (logs / "cron" / "health_check.log").read_text() == "said\n"
    shutil.rmtree(logs / "cron")
    (logs / "cron").write_text("a file where the folder should be")
    os.waitpid(catch_up.start(site, wanted), 0)

    each = ["scripts/calculate_daily_statistics.py", "scripts/health_check.py"]
    assert (tmp_path / "ran").read_text().splitlines() == each * 2


@pytest.fixture
def ask(small: Home, look: Look, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """`v6 missed` on the evening of a day on which two slots were missed and are recorded."""
    look("17:46")
    small.checked("17:45", "19:30")
    look("19:31")
    monkeypatch.setattr(command, "timetable", lambda: small.site)

    def asked(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["missed", *arguments])
        return done.exit_code, done.output

    return asked


def test_v6_missed_names_causes_tasks_and_what_was_made_up(ask: Callable[..., tuple[int, str]]) -> None:
    code, words = ask()
    assert code == 1
    assert "line_ignored: cron started other tasks, but not this one" in words
    assert "  calculate_daily_statistics: 11-24 18:00\n" in words
    assert words.endswith("2 slots missed; recorded up to 2026-11-24 19:26 EST\n")
    code, words = ask("2026-11-24", "--task", "validate_data_quality")
    assert "11-24 18:30 EST  validate_data_quality  line_ignored  started" in words
    assert words.endswith("1 slot missed; recorded up to 2026-11-24 19:26 EST\n")
    assert ask("2026-11-23")[0] == 0


def test_v6_missed_looks_itself_when_no_health_check_has(small: Home, ask: Callable[..., tuple[int, str]]) -> None:
    small.at("20:06")

    code, words = ask("2026-11-24", "--task", "health_check", "--json")

    assert code == 1
    assert [one["found_at"] for one in json.loads(words)["missed"]] == [None, None]
    assert len(recorded(small)) == 2
    assert "just now, not recorded" in ask("today")[1]


def test_v6_missed_looks_from_the_first_run_on_before_any_look(small: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "timetable", lambda: small.site)
    monkeypatch.setattr(find, "site_of", lambda *_: small.site)
    small.checked("11:00", "11:30")
    small.at("11:36")
    everything = CliRunner().invoke(app, ["missed", "--task", "health_check"])
    assert (everything.exit_code, everything.output.splitlines()[-1]) == (
        0,
        "no slots missed; none recorded yet (health_check does)",
    )
    small.at("12:10")
    done = CliRunner().invoke(app, ["missed", "--task", "health_check"])
    assert done.exit_code == 1
    assert "2 slots missed; none recorded yet" in done.output


def test_what_a_person_commented_out_is_not_missed(small: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    small.looked("11:00")
    small.at("12:10")
    assert "health_check" in small.slots()
    out = Present(Path("/etc/cron.d/v6"), ("health_check",))
    monkeypatch.setattr(find, "present", lambda _: out)
    assert "health_check" not in small.slots()
    assert out.words("health_check") == "commented out in /etc/cron.d/v6: health_check"
    assert out.words("collect_option_snapshots") == ""


def test_v6_missed_does_not_say_fine_before_anybody_has_looked(home: Path, small: Home) -> None:
    done = CliRunner().invoke(app, ["missed", "2026-11-24"])
    assert done.exit_code != 0


def test_v6_why_names_a_recorded_miss(small: Home, ask: Callable[..., tuple[int, str]]) -> None:
    compiled = small.paths.compiled
    compiled.mkdir(parents=True)
    places = {"log_directory": str(small.paths.home / "logs")}
    (compiled / "schedule.txt").write_text(schedule_text.render(scheduler_of(TASKS), host_zone="UTC", places=places))
    (compiled / "calendar.txt").write_text(CALENDAR)

    known = why.explain(small.paths, STATISTICS_TASK, ny("18:00"), {})

    assert known.answer.startswith("it was missed (line_ignored): cron started other tasks, but not this one")
    assert "found 2026-11-24 19:31 EST; catch-up: started" in str(known)
