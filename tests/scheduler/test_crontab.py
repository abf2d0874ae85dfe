"""One crontab for a host in any zone: with the gate's decision every slot runs exactly once, and nothing else."""

import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debian_cron import firings, spells
from thinned import thinned
from v6.config.load import load
from v6.config.scheduler_config import Scheduler
from v6.paths import Paths
from v6.scheduler import crontab, slots, wall
from v6.scheduler.compiled import Schedule, Task, Window
from v6.scheduler.crontab_grammar import CrontabError, check, minutes_of
from v6.scheduler.due import Decision, decide
from v6.scheduler.nyse_calendar import NYSECalendar

ROOT = Path(__file__).resolve().parents[2]
ZONES = (
    "America/New_York",
    "UTC",
    "Europe/London",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Honolulu",
)
CHANGE_DIFFERENTLY = ("America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe")
"""With New York, weeks apart from it, never, by half an hour in the other direction."""
DECISIVE = {
    "enabled",
    "days",
    "phase",
    "kind",
    "period_min",
    "minute",
    "anchor",
    "offset_min",
    "weekday",
    "needs_gateway",
    "zone",
}
FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)


def entries(text: str) -> list[tuple[str, str]]:
    """(five fields, command) of every line that fires."""
    found = [line.split(" ", 5) for line in text.splitlines() if line[:1] in "*0123456789"]
    return [(" ".join(words[:5]), words[5]) for words in found if len(words) == 6]


def called(command: str) -> tuple[str, ...]:
    """Script and arguments: what makes a line one task's (several tasks may call one script)."""
    words = shlex.split(command.replace("\\%", "%"))
    return tuple(words[words.index("--slot") + 1 :])


def rule(task: Task) -> tuple[object, ...]:
    """All that a decision depends on: the two collectors share their answers."""
    return tuple(value for name, value in vars(task).items() if name in DECISIVE)


class Answers:
    """decide() for two years of minutes, each asked once; what windows cannot change is shared by all zones."""

    def __init__(self, calendar: NYSECalendar) -> None:
        self.calendar = calendar
        self.known: dict[tuple[object, ...], dict[int, Decision]] = {}

    def of(self, task: Task, windows: tuple[Window, ...], minutes: Iterable[int]) -> dict[int, Decision]:
        relevant = windows if task.needs_gateway or task.anchor.startswith("restart") else ()
        known = self.known.setdefault((*rule(task), *relevant), {})
        for minute in minutes:
            if minute not in known:
                known[minute] = decide(task, wall.new_york(minute), self.calendar, relevant)
        return known

    def runs(self, task: Task, windows: tuple[Window, ...], first: int, last: int) -> set[int]:
        """The slots that must run. A restart window only ever takes slots away."""
        minutes: Iterable[int] = slots.between(task, first, last, self.calendar, windows)
        if not task.anchor.startswith("restart"):
            without = self._without_windows(task, minutes)
            minutes = [minute for minute in minutes if without[minute].run]
        decisions = self.of(task, windows, minutes)
        return {minute for minute in minutes if decisions[minute].run}

    def _without_windows(self, task: Task, minutes: Iterable[int]) -> dict[int, Decision]:
        known = self.known.setdefault(rule(task), {})
        known |= {
            minute: decide(task, wall.new_york(minute), self.calendar, ()) for minute in minutes if minute not in known
        }
        return known


@pytest.fixture(scope="module")
def answers(calendar: NYSECalendar) -> Answers:
    return Answers(calendar)


@pytest.mark.integration
@pytest.mark.parametrize("zone", thinned(ZONES, kept=CHANGE_DIFFERENTLY))
def test_two_years_of_debians_cron_run_every_slot_exactly_once_and_nothing_else(
    zone: str, scheduler: Scheduler, schedule_on: Callable[[str], Schedule], answers: Answers
) -> None:
    """L01, L07, L08."""
    schedule = schedule_on(zone)
    first, last = wall.first_minute(zone, FIRST, 0), wall.first_minute(zone, LAST, 23 * 60 + 59)
    host = spells(zone, first, last)
    lines = entries(crontab.render(scheduler, zone, "/opt/v6"))
    for task in schedule.tasks.values():
        fields = [fields for fields, command in lines if called(command) == (task.script, *task.args)]
        fired = sorted(minute for line in fields for minute in firings(line, host))
        decisions = answers.of(task, schedule.windows, fired)
        started: dict[int, int] = {}
        for minute in fired:
            decision = decisions[minute]
            if decision.run and decision.slot is not None:
                started.setdefault(wall.minute_of(decision.slot), minute)  # the gate claims a slot once
        assert started.keys() == answers.runs(task, schedule.windows, first, last), (zone, task.name)
        assert all(minute == slot for slot, minute in started.items()), (zone, task.name, "a slot started late")


def test_a_slot_in_a_repeated_half_hour_gets_a_line_that_follows_the_clock(
    scheduler: Scheduler, schedule_on: Callable[[str], Schedule]
) -> None:
    """On Lord Howe the clocks go back half an hour at the very minute of Saturday 11:00 New York in April."""
    zone = "Australia/Lord_Howe"
    schedule = schedule_on(zone)
    lines = crontab.lines_of(schedule.tasks["audit_data_integrity"], schedule.windows, zone)
    [repeated] = [line for line in lines if (0, 90) in line.times()]
    assert repeated.follows_the_clock()


@pytest.mark.parametrize("zone", ZONES)
def test_a_host_gets_few_lines(zone: str, scheduler: Scheduler) -> None:
    per_task = Counter(called(command) for _, command in entries(crontab.render(scheduler, zone, "/opt/v6")))
    assert set(per_task) == {(task.script, *task.args) for task in scheduler.tasks.values()}
    assert max(per_task.values()) <= 8


def test_crontab_txt_is_the_rendering_for_a_new_york_host(home: Path) -> None:
    """`make wire` writes it: `v6 schedule render --zone America/New_York` for a checkout in /opt/v6."""
    scheduler = load(Paths(ROOT, home), {}).scheduler
    rendered = crontab.render(scheduler, "America/New_York", "/opt/v6", reboot_line=True)
    assert (ROOT / "crontab.txt").read_text() == rendered


def test_the_new_york_lines_are_what_a_person_would_write(scheduler: Scheduler) -> None:
    fields = [fields for fields, command in entries(crontab.render(scheduler, "America/New_York", "/opt/v6"))
              if "collect_option_snapshots" in command or "final_data" in command or "cleanup" in command]  # fmt: skip
    assert fields == ["30-55/5 9 * * 1-5", "*/5 10-15 * * 1-5", "15 13,16 * * 1-5", "0 8 * * 0"]


def test_the_reboot_line_looks_for_what_was_missed(scheduler: Scheduler) -> None:
    """One line, in both formats; none where the task that looks is not enabled."""
    for user in (None, "trader"):
        text = crontab.render(scheduler, "UTC", "/opt/v6", user=user, reboot_line=True)
        (line,) = [line for line in text.splitlines() if line.startswith("@")]
        assert line.startswith(f"@reboot {user} [ -d " if user else "@reboot [ -d ")
        assert line.endswith('"$V6_ROOT/scripts/cron_wrapper.sh" scripts/health_check.py --after-boot')
    idle = scheduler.tasks["health_check"].model_copy(update={"enabled": False})
    without = scheduler.model_copy(update={"tasks": {**scheduler.tasks, "health_check": idle}})
    assert "@reboot" not in crontab.render(without, "UTC", "/opt/v6", reboot_line=True)
    assert "@reboot" not in crontab.render(scheduler, "UTC", "/opt/v6")


def test_a_checkout_with_spaces_and_a_home_apart(scheduler: Scheduler) -> None:
    text = crontab.render(scheduler, "UTC", "/opt/v 6", home="/var/lib/v 6")
    assert 'V6_ROOT="/opt/v 6"\nV6_HOME="/var/lib/v 6"\nV6_LOGS="/var/lib/v 6/logs/cron"\n' in text
    _, command = entries(text)[0]
    assert '>>"$V6_LOGS/queue_option_contracts.log" 2>&1; "$V6_ROOT/scripts/cron_wrapper.sh" --slot' in command


def test_percent_signs_and_quotes_in_arguments_survive_cron_and_the_shell(scheduler: Scheduler) -> None:
    task = scheduler.tasks["health_check"].model_copy(update={"args": ("--text", "50% of 'it'")})
    one = scheduler.model_copy(update={"tasks": {"health_check": task}})
    [(_, command)] = entries(crontab.render(one, "UTC", "/opt/v6"))
    assert re.search(r"(?<!\\)%", command) is None
    words = shlex.split(command.replace(r"\%", "%").rpartition("; ")[2])
    assert words[2:] == ["scripts/health_check.py", "--text", "50% of 'it'"]


def test_a_checkout_that_no_crontab_can_name_is_refused(scheduler: Scheduler) -> None:
    with pytest.raises(CrontabError):
        crontab.render(scheduler, "UTC", '/opt/v"6')


def test_a_command_too_long_for_debian_is_refused(scheduler: Scheduler) -> None:
    task = scheduler.tasks["health_check"].model_copy(update={"args": ("x" * 900,)})
    with pytest.raises(CrontabError, match="allowed: at most 998"):
        crontab.render(scheduler.model_copy(update={"tasks": {"health_check": task}}), "UTC", "/opt/v6")


def test_the_system_format_names_the_user(scheduler: Scheduler) -> None:
    text = crontab.render(scheduler, "UTC", "/opt/v6", user="v6")
    assert '* * 1-5 v6 [ -d "$V6_LOGS" ]' in text
    check(text, system=True)


GOOD = '0 8 * * 1-5 "$V6_ROOT/run"'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 */5 9-16 * * 1-5 run", "six time fields: '1-5' stands where the command begins"),
        ("0 30 9 * * 1-5 run", "hour: '30' is out of range, allowed: 0-23"),
        ("99 8 * * * run", "minute: '99' is out of range, allowed: 0-59"),
        ("0 8 * * mun run", "day of week: 'mun' is out of range"),
        ("0 8 * jna * run", "month: 'jna' is out of range"),
        ("0 8 ? * * run", "day of month: '?' is not understood"),
        ("0~30 8 * * * run", "minute: '0~30' is not understood"),
        ("1#2 8 * * * run", "minute: '1#2' is not understood"),
        ("*/0 8 * * * run", "minute: '*/0' runs backwards or has a step outside 1-59"),
        ("5/10 8 * * * run", "minute: '5/10' steps through a single value"),
        ("0 16-9 * * * run", "hour: '16-9' runs backwards"),
        ("0 8 * * 1-5", "5 words, allowed: five time fields, a command"),
        ("@daily run", "@daily: not understood by every cron, allowed: five time fields or @reboot"),
        ("@rebooted run", "@rebooted: not understood by every cron"),
        ("@reboot", "1 words, allowed: @reboot, a command"),
        ("@reboot  run", "the command is missing or set off by several spaces"),
        ("0 8 * * * run %d", "an unescaped %"),
        ("0 8 * * *  run", "the command is missing or set off by several spaces"),
        ("0 8 * * * run\there", "holds a control character"),
        ("v6_root=/opt", "1 words, allowed: five time fields"),
    ],
)
def test_our_grammar_refuses(line: str, problem: str) -> None:
    """L01."""
    with pytest.raises(CrontabError) as error:
        check(f"{GOOD}\n{line}\n")
    assert error.value.problems[0].startswith(f"line 2: {problem}")


def test_our_grammar_refuses_a_file_whose_last_line_does_not_end() -> None:
    with pytest.raises(CrontabError, match="cron would ignore the file"):
        check(GOOD)


def test_our_grammar_reads_names_and_sunday_as_seven() -> None:
    check("# comment\n\nSHELL=/bin/sh\n0 8 1,15 jan-mar sun run\n")
    assert minutes_of("7", "day of week") == minutes_of("sun", "day of week") == {0}


def test_in_the_system_format_a_time_field_is_no_user() -> None:
    with pytest.raises(CrontabError, match="user: '1-5' is not a user's name"):
        check("0 */5 9-16 * * 1-5 root run\n", system=True)


@given(st.frozensets(st.tuples(st.integers(0, 6), st.integers(0, 1439)), min_size=1, max_size=60))
def test_compact_lines_fire_at_exactly_the_wanted_times(times: frozenset[tuple[int, int]]) -> None:
    lines = crontab.compact(times)
    assert frozenset().union(*(line.times() for line in lines)) == times
    for line in lines:
        fields = line.fields().split()
        assert minutes_of(fields[0], "minute") == line.minutes
        assert minutes_of(fields[1], "hour") == line.hours
        assert minutes_of(fields[4], "day of week") == line.weekdays


@given(st.text(alphabet="0123456789*/-, abc%\"'=\t\n", max_size=80))
def test_any_text_is_accepted_or_refused_with_line_numbers(text: str) -> None:
    try:
        check(text)
    except CrontabError as error:
        assert all(problem.startswith("line ") for problem in error.problems)  # noqa: PT017 - or accepted


def debians_words(text: str, tmp_path: Path) -> tuple[int, str]:
    """Exit code and words of Debian's own parser."""
    if shutil.which("crontab") is None:
        pytest.fail("`crontab` is not installed: apt-get install cron (dev/setup.sh does it)")
    file = tmp_path / "candidate"
    file.write_text(text)
    done = subprocess.run(["crontab", "-n", str(file)], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.integration
@pytest.mark.parametrize("zone", ZONES)
def test_debians_cron_accepts_every_rendering(zone: str, scheduler: Scheduler, tmp_path: Path) -> None:
    code, words = debians_words(crontab.render(scheduler, zone, "/opt/v 6"), tmp_path)
    assert (code, words.strip()) == (0, "The syntax of the crontab file was successfully checked.")


@pytest.mark.integration
def test_debians_cron_refuses_a_whole_file_for_one_line_with_seconds(scheduler: Scheduler, tmp_path: Path) -> None:
    """L01: 15 jobs were dead because of one such line."""
    good = crontab.render(scheduler, "America/New_York", "/opt/v6")
    code, words = debians_words(good + "0 30 9 * * 1-5 run\n", tmp_path)
    assert code == 1
    assert "bad hour" in words
    assert "errors in crontab file, can't install" in words


@pytest.mark.integration
def test_our_grammar_is_stricter_than_debians(tmp_path: Path) -> None:
    """Debian takes these, and would run something else than was meant."""
    for line in ("0 */5 9-16 * * 1-5 run", "1#2 8 * * * run", "0 8 * * * date +%H"):
        code, _ = debians_words(f"{line}\n", tmp_path)
        assert code == 0, line
        with pytest.raises(CrontabError):
            check(f"{line}\n")
