"""What a task and a restart window may say. Every refusal names the key."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v6.config.errors import ConfigError
from v6.config.load import load
from v6.config.scheduler_config import parse_time
from v6.paths import Paths
from v6.scheduler.compile import check

Write = Callable[[str], None]
BODY = "script: scripts/health_check.py, description: x, timeout_seconds: 10, args: [--mine]"


def refusal(paths: Paths, site: Write, task: str) -> str:
    site(f"scheduler: {{tasks: {{mine: {{{task}}}}}}}\n")
    with pytest.raises(ConfigError) as error:
        load(paths, {})
    return str(error.value)


@pytest.mark.parametrize(
    ("time", "meaning"),
    [
        ("08:00", ("clock", 480)),
        ("00:00", ("clock", 0)),
        ("open-5min", ("open", -5)),
        ("close", ("close", 0)),
        ("close+15min", ("close", 15)),
        ("close+2h", ("close", 120)),
        ("close+2h30min", ("close", 150)),
        ("restart-5min", ("restart", -5)),
        ("restart_end+5min", ("restart_end", 5)),
    ],
)
def test_times_a_task_can_have(time: str, meaning: tuple[str, int]) -> None:
    assert parse_time(time) == meaning


@pytest.mark.parametrize(
    "time",
    [
        "8:00",
        "24:00",
        "08:60",
        "close+",
        "close 15min",
        "close+15",
        "closing+5min",
        "close+13h",
        "* * * * *",
        "",
        "08:00\n",
    ],
)
def test_other_times_are_refused(time: str) -> None:
    with pytest.raises(ValueError, match=r"allowed|far"):
        parse_time(time)


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_refused_by_name(text: str) -> None:
    try:
        anchor, offset = parse_time(text)
    except ValueError as error:
        assert "allowed" in str(error)  # noqa: PT017 - the refusal is one of two right answers
    else:
        assert anchor in ("clock", "open", "close", "restart", "restart_end")
        assert abs(offset) < 24 * 60


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (f"{BODY}, frequency: '*/5 9-16 * * 1-5'", "mine.frequency: '*/5 9-16 * * 1-5' is wrong, allowed: '5min'"),
        (f"{BODY}, frequency: '0 */5 9-16 * * 1-5'", "mine.frequency: "),
        (f"{BODY}, frequency: daily", "mine: frequency daily needs time"),
        (f"{BODY}, frequency: weekly, time: '08:00'", "mine: frequency weekly needs day"),
        (f"{BODY}, frequency: 5min, time: '08:00'", "mine: time cannot be given with frequency 5min"),
        (f"{BODY}, frequency: daily, time: '08:00', minute: 5", "mine: minute cannot be given with frequency daily"),
        (f"{BODY}, frequency: hourly, minute: 60", "mine.minute: 60 is wrong"),
        (f"{BODY}, frequency: daily, time: '25:00'", "mine.time: '25:00' is not a time, allowed: \"HH:MM\""),
        (f"{BODY}, frequency: daily, time: 935", "mine.time: 935 is wrong"),
        (f"{BODY}, frequency: daily, time: 16:05", "mine.time: 16:05 unquoted is a number in base 60"),
        (f"{BODY}, frequency: hourly, enabled: 'true'", "mine.enabled: 'true' is wrong"),
        (f"{BODY}, frequency: hourly, retries: 3", "mine.retries: unknown key, allowed: alert_on, args, backoff"),
        (f"{BODY}, frequency: hourly, name: other", "tasks.mine.name: a task is named by its key"),
        (f"{BODY}, frequency: hourly, depends_on: [nobody]", "mine.depends_on: nobody is not a task, allowed: "),
        (f"{BODY}, frequency: hourly, depends_on: [mine]", "mine.depends_on: waits for itself: mine -> mine"),
        (f"{BODY}, frequency: 5min, deadline_seconds: 301", "mine.deadline_seconds: 301 reaches past the next slot"),
        (f"{BODY}, frequency: hourly, alert_on: [sometimes]", "mine.alert_on.0: 'sometimes' is wrong, allowed: 'fail"),
        (f"{BODY}, frequency: hourly, alert_on: [missed_slot]", "mine.alert_on.0: 'missed_slot' is wrong, allowed: "),
        (f"{BODY}, frequency: hourly, catch_up: next_day", "mine.catch_up: 'next_day' is wrong, allowed: 'none' or"),
        (f"{BODY}, frequency: hourly, idempotent: false, max_retries: 1", "mine: max_retries 1 with idempotent: false"),
        (f"{BODY}, frequency: hourly, idempotent: false, catch_up: same_day", "mine: catch_up same_day with idempot"),
        (f"{BODY}, frequency: hourly, must_finish_by: noon", "mine.must_finish_by: 'noon' is not a time, allowed: "),
        (f"{BODY}, frequency: hourly, must_finish_by: 12:00", "mine.must_finish_by: 12:00 unquoted is a number in bas"),
        (f"{BODY}, frequency: hourly, backoff_jitter: 1.5", "mine.backoff_jitter: 1.5 is wrong, allowed: less than or"),
        ("frequency: hourly", "mine.script: is missing"),
    ],
)  # fmt: skip
def test_a_wrong_task_is_refused(paths: Paths, site: Write, task: str, message: str) -> None:
    """L01: six fields; L04; YAML's base 60."""
    assert message in refusal(paths, site, task)


def test_a_long_lived_task_may_go_on_beyond_its_next_slot(paths: Paths, site: Write) -> None:
    site(f"scheduler: {{tasks: {{mine: {{{BODY}, frequency: 5min, long_lived: true, deadline_seconds: 40000}}}}}}\n")
    assert load(paths, {}).scheduler.tasks["mine"].deadline_seconds == 40000


def test_a_missing_script_is_refused(paths: Paths, site: Write) -> None:
    """L02."""
    task = "script: scripts/never_written.py, description: x, timeout_seconds: 10, frequency: hourly"
    message = refusal(paths, site, task)
    assert message == (
        f"config/production.yaml: scheduler.tasks.mine.script: scripts/never_written.py does not exist in {paths.root}"
    )


def test_two_tasks_with_the_same_command_are_refused(paths: Paths, site: Write) -> None:
    task = "script: scripts/health_check.py, description: x, timeout_seconds: 10, frequency: hourly"
    assert "mine.script: the same script with the same args as task health_check" in refusal(paths, site, task)


def test_a_cycle_is_reported_once_with_its_trail(paths: Paths, site: Write) -> None:
    site(
        "scheduler: {tasks: {queue_option_contracts: {depends_on: [schedule_935_et]}, "
        "schedule_935_et: {depends_on: [queue_option_contracts]}}}\n"
    )
    with pytest.raises(ConfigError) as error:
        load(paths, {})
    assert error.value.problems == (
        "config/production.yaml: scheduler.tasks.queue_option_contracts.depends_on: waits for itself: "
        "queue_option_contracts -> schedule_935_et -> queue_option_contracts",
    )


@pytest.mark.parametrize(
    "when",
    [
        "frequency: daily, time: '08:00', must_finish_by: '08:00'",
        "frequency: daily, time: close+2h, must_finish_by: '14:00'",
        "frequency: daily, time: restart-5min, must_finish_by: '05:00'",
        "frequency: weekly, day: monday, time: '10:00', must_finish_by: open",
        "frequency: 5min, market_phase: post_market, must_finish_by: open",
    ],
)
def test_an_end_that_is_never_after_its_slot_is_refused(paths: Paths, site: Write, when: str) -> None:
    site(f"scheduler: {{tasks: {{mine: {{{BODY}, {when}}}}}}}\n")
    with pytest.raises(ConfigError) as error:
        check(paths)
    assert error.value.problems == (
        "config/production.yaml: scheduler.tasks.mine: must_finish_by is never after its slot on the same day, "
        "allowed: a later time",
    )


@pytest.mark.parametrize(
    "when",
    [
        "frequency: daily, time: close+2h, must_finish_by: '15:30'",  # after an early close
        "frequency: daily, time: '23:50', days: every, must_finish_by: restart-5min",  # where there is one: a limit
        "frequency: weekly, day: saturday, days: every, time: '10:00', must_finish_by: open",  # no session: no limit
        "frequency: 15min, must_finish_by: '00:10'",
    ],
)
def test_an_end_that_is_after_some_slot_is_taken(paths: Paths, site: Write, when: str) -> None:
    site(f"scheduler: {{tasks: {{mine: {{{BODY}, {when}}}}}}}\n")
    assert check(paths).scheduler.tasks["mine"].must_finish_by


@pytest.mark.parametrize(
    ("mine", "needed"),
    [
        ("frequency: daily, time: '08:30', must_finish_by: '09:00'", "validate_data_quality"),  # hours later
        ("frequency: daily, time: '12:00'", "load_historical_data"),  # on Saturdays only
        ("frequency: weekly, day: sunday, days: every, time: '12:00'", "audit_data_integrity"),
        ("frequency: weekly, day: saturday, days: every, time: '12:00'", "collect_option_snapshots"),
    ],
)
def test_a_dependency_that_can_never_be_met_is_refused(paths: Paths, site: Write, mine: str, needed: str) -> None:
    site(f"scheduler: {{tasks: {{mine: {{{BODY}, {mine}, depends_on: [{needed}]}}}}}}\n")
    with pytest.raises(ConfigError) as error:
        check(paths)
    assert error.value.problems == (
        f"config/production.yaml: scheduler.tasks.mine: depends_on {needed}, which has no slot before the deadline of "
        "this task on the same New York day, allowed: a task that is due earlier",
    )


@pytest.mark.parametrize(
    ("mine", "needed"),
    [
        ("frequency: daily, time: '08:00'", "queue_option_contracts"),  # at the same minute: it waits
        ("frequency: daily, time: '07:30'", "queue_option_contracts"),  # four hours to wait
        ("frequency: weekly, day: saturday, days: every, time: '11:00'", "load_historical_data"),
        ("frequency: 5min, market_phase: market_open", "schedule_935_et"),
    ],
)
def test_a_dependency_that_is_due_before_the_deadline_is_taken(
    paths: Paths, site: Write, mine: str, needed: str
) -> None:
    site(f"scheduler: {{tasks: {{mine: {{{BODY}, {mine}, depends_on: [{needed}]}}}}}}\n")
    assert check(paths).scheduler.tasks["mine"].depends_on == (needed,)


def test_the_default_restart_windows_are_the_users_table(paths: Paths) -> None:
    windows = load(paths, {}).scheduler.restart_windows
    table = {name: (w.zone, w.weekdays, w.start, w.end) for name, w in windows.items()}
    assert table == {
        "daily_restart": ("host", (1, 2, 3, 4, 5, 6, 7), "23:45", "00:05"),
        "weekday_morning": ("America/New_York", (1, 2, 3, 4, 5), "05:45", "06:00"),
        "sunday_maintenance": ("America/New_York", (7,), "10:00", "14:00"),
    }


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("{zone: Mars, start: '01:00', end: '02:00'}", "w.zone: 'Mars' is not a time zone"),
        ("{zone: host, start: '01:00', end: '01:00'}", "w: start and end are the same"),
        ("{zone: host, start: '1:00', end: '02:00'}", "w.start: '1:00' is not a time of day"),
        ("{zone: host, days: [payday], start: '01:00', end: '02:00'}", "w.days.0: 'payday' is wrong"),
        (
            "{zone: host, days: weekends, start: '01:00', end: '02:00'}",
            "w.days: 'weekends' is wrong, allowed: 'every' or",
        ),
        ("{zone: host, days: [], start: '01:00', end: '02:00'}", "w: days names no day, allowed: every, weekdays or"),
        ("{zone: host, start: '10:00', end: '24:00'}", "w.end: '24:00' is not a time of day"),
        ("{zone: host, start: '10:00', hours: 25}", "w.hours: unknown key, allowed: acts, days, end, start, zone"),
        ("{zone: host, start: '10:00', end: '09:00', acts: maybe}", "w.acts: 'maybe' is wrong"),
    ],
)
def test_a_wrong_window_is_refused(paths: Paths, site: Write, window: str, message: str) -> None:
    site(f"scheduler: {{restart_windows: {{w: {window}}}}}\n")
    with pytest.raises(ConfigError) as error:
        load(paths, {})
    assert message in str(error.value)


def test_restart_tasks_need_a_window_that_acts(paths: Paths, site: Write) -> None:
    site(
        "scheduler: {restart_windows: {daily_restart: null, weekday_morning: null, sunday_maintenance: null},"
        f"tasks: {{mine: {{{BODY}, frequency: daily, time: restart-5min}}}}}}\n"
    )
    with pytest.raises(ConfigError, match="needs a restart window that acts"):
        load(paths, {})


def test_without_windows_the_restart_tasks_can_be_switched_off(paths: Paths, site: Write) -> None:
    none = "restart_windows: {daily_restart: null, weekday_morning: null, sunday_maintenance: null}"
    site(f"scheduler: {{{none}, tasks: {{pre_restart: {{enabled: false}}, post_restart: {{enabled: false}}}}}}\n")
    assert load(paths, {}).scheduler.restart_windows == {}
    assert check(paths).scheduler.restart_windows == {}


def test_windows_that_follow_one_another_for_ever_are_refused(paths: Paths, site: Write) -> None:
    first = "first: {zone: America/New_York, start: '00:00', end: '12:00'}"
    second = "second: {zone: America/New_York, start: '12:05', end: '00:00'}"
    site(f"scheduler: {{restart_windows: {{{first}, {second}}}}}\n")
    with pytest.raises(ConfigError, match=r"leave no 10 minutes between them for [0-9]+ hours, allowed: a restart of"):
        check(paths)
