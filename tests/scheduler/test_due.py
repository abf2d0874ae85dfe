"""When a task is due. The answers come from pandas and from the calendar on the wall, not from the code under test."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import pandas as pd
import pandas_market_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.clock import NEW_YORK
from v6.scheduler import compiled, upcoming
from v6.scheduler.compiled import Schedule
from v6.scheduler.due import Decision, decide
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

pytestmark = pytest.mark.filterwarnings("ignore:Series.dt.weekday is deprecated")  # pandas_market_calendars 5.5
MINUTE = timedelta(minutes=1)
Ask = Callable[..., Decision]


def ny(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


@pytest.fixture
def ask(schedule: Schedule, calendar: NYSECalendar) -> Ask:
    """ask(task, "2026-11-27 10:35", ...) -> Decision on a New York host."""

    def answer(task: str, when: str, **mode: bool) -> Decision:
        return decide(schedule.tasks[task], ny(when), calendar, schedule.windows, **mode)

    return answer


@pytest.mark.parametrize(
    ("task", "when", "reason"),
    [
        ("queue_option_contracts", "2026-11-24 08:00", "due"),
        ("queue_option_contracts", "2026-11-24 08:05", "not_slot"),
        ("queue_option_contracts", "2026-11-26 08:00", "holiday"),
        ("queue_option_contracts", "2026-04-03 08:00", "holiday"),
        ("queue_option_contracts", "2026-04-10 08:00", "due"),
        ("queue_option_contracts", "2026-11-28 08:00", "weekend"),
        ("schedule_935_et", "2026-11-24 09:35", "due"),
        ("collect_option_snapshots", "2026-11-24 09:25", "phase"),
        ("collect_option_snapshots", "2026-11-24 09:30", "due"),
        ("collect_option_snapshots", "2026-11-24 15:55", "due"),
        ("collect_option_snapshots", "2026-11-24 16:00", "phase"),
        ("collect_option_snapshots", "2026-11-27 12:55", "due"),
        ("collect_option_snapshots", "2026-11-27 13:00", "phase"),
        ("calculate_intraday_statistics", "2026-11-24 09:30", "due"),
        ("calculate_intraday_statistics", "2026-11-24 16:30", "phase"),
        ("final_data_collection", "2026-11-24 16:15", "due"),
        ("final_data_collection", "2026-11-27 13:15", "due"),
        ("final_data_collection", "2026-11-27 16:15", "not_slot"),
        ("calculate_daily_statistics", "2026-11-24 18:00", "due"),
        ("validate_data_quality", "2026-11-24 18:30", "due"),
        ("validate_data_quality", "2026-11-27 15:30", "due"),
        ("load_historical_data", "2026-11-28 10:00", "due"),
        ("load_historical_data", "2026-11-27 10:00", "not_slot"),
        ("audit_data_integrity", "2026-11-28 11:00", "due"),
        ("cleanup_old_data", "2026-11-29 08:00", "due"),
        ("health_check", "2026-11-28 03:15", "due"),
        ("health_check", "2026-11-26 23:45", "due"),
        ("validate_positions", "2026-11-29 09:00", "due"),
        ("validate_positions", "2026-11-29 10:00", "restart_window"),
        ("validate_positions", "2026-11-29 13:00", "restart_window"),
        ("validate_positions", "2026-11-29 14:00", "due"),
        ("validate_positions", "2026-11-30 00:00", "restart_window"),
        ("pre_restart", "2026-11-28 23:40", "due"),
        ("pre_restart", "2026-11-28 05:40", "not_slot"),
        ("pre_restart", "2026-11-27 05:40", "due"),
        ("pre_restart", "2026-11-29 09:55", "due"),
        ("post_restart", "2026-11-29 00:10", "due"),
        ("post_restart", "2026-11-27 06:05", "due"),
        ("post_restart", "2026-11-29 14:05", "due"),
    ],
)
def test_a_line_fired_at_that_minute_is(ask: Ask, task: str, when: str, reason: str) -> None:
    decision = ask(task, when)
    assert (decision.reason, decision.run) == (reason, reason == "due")


@pytest.mark.parametrize("late", range(5))
def test_a_line_that_starts_late_still_gets_its_slot(ask: Ask, late: int) -> None:
    decision = ask("queue_option_contracts", f"2026-11-24 08:0{late}")
    assert decision == Decision(True, "due", ny("2026-11-24 08:00"))


def test_five_minutes_late_is_too_late(ask: Ask) -> None:
    assert ask("queue_option_contracts", "2026-11-24 08:05") == Decision(False, "not_slot", None)


def test_a_late_line_is_judged_at_its_slot(ask: Ask) -> None:
    assert ask("collect_option_snapshots", "2026-11-24 15:59").run
    assert ask("validate_positions", "2026-11-29 10:03").reason == "restart_window"
    assert ask("health_check", "2026-11-28 00:03").slot == ny("2026-11-28 00:00")


def test_a_disabled_task_is_skipped_by_cron_and_runs_by_hand(schedule: Schedule, calendar: NYSECalendar) -> None:
    task = compiled.Task(**{**vars(schedule.tasks["health_check"]), "enabled": False})
    instant = ny("2026-11-24 10:00")
    assert decide(task, instant, calendar, schedule.windows).reason == "disabled"
    assert decide(task, instant, calendar, schedule.windows, slot_mode=False) == Decision(True, "by_hand", None)


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("2026-11-24 10:37", "by_hand"),
        ("2026-11-24 08:00", "phase"),
        ("2026-11-26 10:00", "holiday"),
        ("2026-11-28 10:00", "weekend"),
    ],
)
def test_by_hand_only_day_and_phase_count(ask: Ask, when: str, reason: str) -> None:
    assert ask("collect_option_snapshots", when, slot_mode=False).reason == reason


def test_force_passes_day_and_phase_but_neither_the_slot_nor_a_restart_window(ask: Ask) -> None:
    assert ask("collect_option_snapshots", "2026-11-26 20:00", force=True).run
    assert ask("queue_option_contracts", "2026-11-26 08:05", force=True).reason == "not_slot"
    assert ask("collect_option_snapshots", "2026-11-28 23:50", force=True).reason == "restart_window"
    assert ask("collect_option_snapshots", "2026-11-28 23:50", slot_mode=False, force=True).reason == "restart_window"


def test_outside_the_calendar_it_raises(schedule: Schedule, calendar: NYSECalendar) -> None:
    with pytest.raises(CalendarError):
        decide(schedule.tasks["collect_option_snapshots"], ny("2029-01-02 10:00"), calendar, schedule.windows)


def runs(schedule: Schedule, task: str, calendar: NYSECalendar, first: str, last: str) -> list[datetime]:
    days = (day.date() for day in pd.date_range(first, last))
    planned = chain.from_iterable(
        upcoming.of_day([schedule.tasks[task]], day, calendar, schedule.windows) for day in days
    )
    return [one.slot for one in planned if one.decision.run]


@pytest.fixture(scope="module")
def sessions() -> pd.DataFrame:
    table = pandas_market_calendars.get_calendar("NYSE").schedule("2026-01-01", "2027-12-31")
    return table.apply(lambda column: column.dt.tz_convert("America/New_York"))


@pytest.mark.long
def test_the_collectors_run_every_five_minutes_of_every_session_of_two_years(
    schedule: Schedule, calendar: NYSECalendar, sessions: pd.DataFrame
) -> None:
    expected = [
        stamp.to_pydatetime()
        for opens, closes in zip(sessions.market_open, sessions.market_close, strict=True)
        for stamp in pd.date_range(opens, closes, freq="5min", inclusive="left")
    ]
    assert runs(schedule, "collect_option_snapshots", calendar, "2026-01-01", "2027-12-31") == expected


@pytest.mark.parametrize(
    ("task", "after_close"),
    [("final_data_collection", 15), ("calculate_daily_statistics", 120), ("validate_data_quality", 150)],
)
def test_tasks_after_the_close_follow_the_early_close(
    schedule: Schedule, calendar: NYSECalendar, sessions: pd.DataFrame, task: str, after_close: int
) -> None:
    expected = [close.to_pydatetime() + after_close * MINUTE for close in sessions.market_close]
    assert runs(schedule, task, calendar, "2026-01-01", "2027-12-31") == expected


def test_a_task_every_quarter_of_an_hour_has_every_real_one_on_dst_sundays(
    schedule: Schedule, calendar: NYSECalendar
) -> None:
    for day, count in (("2026-03-08", 92), ("2026-11-01", 100), ("2026-11-08", 96)):
        found = runs(schedule, "health_check", calendar, day, day)
        assert len({slot.timestamp() for slot in found}) == count


def at_clock(task: compiled.Task, clock: str) -> compiled.Task:
    hours, minutes = clock.split(":")
    return compiled.Task(
        **{**vars(task), "offset_min": int(hours) * 60 + int(minutes), "weekday": "*", "days": "every"}
    )


def test_a_time_in_the_spring_gap_is_due_in_the_first_minute_after_it(
    schedule: Schedule, calendar: NYSECalendar
) -> None:
    task = at_clock(schedule.tasks["cleanup_old_data"], "02:30")
    planned = upcoming.of_day([task], date(2026, 3, 8), calendar, ())
    assert [one.slot for one in planned] == [ny("2026-03-08 03:00")]
    assert decide(task, ny("2026-03-08 03:30"), calendar, ()).reason == "not_slot"


def test_a_time_that_comes_twice_is_due_the_first_time_only(schedule: Schedule, calendar: NYSECalendar) -> None:
    task = at_clock(schedule.tasks["cleanup_old_data"], "01:30")
    assert decide(task, ny("2026-11-01 01:30", fold=0), calendar, ()).run
    assert decide(task, ny("2026-11-01 01:30", fold=1), calendar, ()).reason == "not_slot"


def test_a_window_of_the_hosts_zone_moves_with_the_host(
    schedule_on: Callable[[str], Schedule], calendar: NYSECalendar
) -> None:
    tokyo = schedule_on("Asia/Tokyo")
    positions = tokyo.tasks["validate_positions"]
    midnight_in_tokyo = ny("2026-11-24 10:00")
    assert decide(positions, midnight_in_tokyo, calendar, tokyo.windows).reason == "restart_window"
    assert decide(positions, ny("2026-11-24 00:00"), calendar, tokyo.windows).run


# by UTC: a wall time that the clocks jump over is no instant
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.astimezone(NEW_YORK)
)


@settings(max_examples=300, deadline=None)
@given(instant=INSTANTS, data=st.data())
def test_a_due_run_always_belongs_to_a_listed_slot_at_most_four_minutes_old(
    schedule: Schedule, calendar: NYSECalendar, instant: datetime, data: st.DataObject
) -> None:
    task = schedule.tasks[data.draw(st.sampled_from(sorted(schedule.tasks)))]
    decision = decide(task, instant, calendar, schedule.windows)
    assert decision.run == (decision.reason == "due")
    if decision.slot is None:
        assert not decision.run
        return
    assert timedelta(0) <= instant.astimezone(UTC) - decision.slot.astimezone(UTC) < 5 * MINUTE
    listed = upcoming.of_day([task], decision.slot.date(), calendar, schedule.windows)
    assert (decision.slot, decision.run) in [(one.slot, one.decision.run) for one in listed]


@settings(max_examples=100, deadline=None)
@given(instant=INSTANTS)
def test_force_never_makes_a_run_less_due(schedule: Schedule, calendar: NYSECalendar, instant: datetime) -> None:
    for task in schedule.tasks.values():
        usual = decide(task, instant, calendar, schedule.windows)
        forced = decide(task, instant, calendar, schedule.windows, force=True)
        assert forced.run or not usual.run


def test_the_next_runs_leap_over_a_holiday(schedule: Schedule, calendar: NYSECalendar) -> None:
    task = schedule.tasks["schedule_935_et"]
    found = upcoming.following(task, ny("2026-11-24 09:35"), 3, calendar, schedule.windows)
    assert found == [ny("2026-11-25 09:35"), ny("2026-11-27 09:35"), ny("2026-11-30 09:35")]


def test_the_next_runs_end_with_the_calendar(schedule: Schedule, calendar: NYSECalendar) -> None:
    task = schedule.tasks["schedule_935_et"]
    assert upcoming.following(task, ny("2028-12-28 09:35"), 5, calendar, schedule.windows) == [ny("2028-12-29 09:35")]


def test_a_day_lists_everything_by_time(schedule: Schedule, calendar: NYSECalendar) -> None:
    planned = upcoming.of_day(schedule.tasks.values(), date(2026, 11, 27), calendar, schedule.windows)
    assert [one.slot for one in planned] == sorted(one.slot for one in planned)
    due = [one.task for one in planned if one.decision.run]
    assert (due.count("collect_option_snapshots"), due.count("health_check"), due.count("final_data_collection")) == (
        42,
        96,
        1,
    )
