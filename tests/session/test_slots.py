"""Which slots a market session collects, and when it ends: the answer is worked out by hand from the calendar."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.config.load import load
from v6.config.settings import Session as Settings
from v6.paths import ROOT, Paths
from v6.scheduler import compiled, schedule_text
from v6.scheduler.compiled import Schedule, Window
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.session import slots

CALENDAR = NYSECalendar.from_text(
    "# v6 calendar 1 covers 2026-11-01 2026-12-31\n"
    "2026-11-26 closed Thanksgiving\n"
    "2026-11-27 open 0930 1300 Day after Thanksgiving\n"
)
FRIDAY, EARLY = date(2026, 11, 20), date(2026, 11, 27)
COLLECTORS = ["collect_option_snapshots", "collect_futures_snapshots"]
TWENTY_MINUTES = timedelta(minutes=20)


@pytest.fixture
def schedule(home: Path) -> Schedule:
    return compiled.parse(
        schedule_text.render(load(Paths(ROOT, home), {}).scheduler, host_zone="America/New_York"), "defaults"
    )


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def window(start: str, end: str, *, acts: bool = True) -> Window:
    times = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return Window(name="tws", zone="America/New_York", days="1234567", start=times[0], end=times[1], acts=acts)


@pytest.mark.parametrize(
    ("day", "minutes", "count", "first", "last"),
    [
        (FRIDAY, 5, 78, "09:30", "15:55"),
        (FRIDAY, 30, 13, "09:30", "15:30"),
        (FRIDAY, 60, 6, "10:00", "15:00"),
        (EARLY, 5, 42, "09:30", "12:55"),
        (EARLY, 10, 21, "09:30", "12:50"),
    ],
)
def test_every_slot_of_the_day_that_cron_would_run_at_that_interval(
    schedule: Schedule, day: date, minutes: int, count: int, first: str, last: str
) -> None:
    found = slots.of_day(slots.collectors(schedule), day, CALENDAR, schedule.windows, minutes)
    assert sorted(found) == sorted(COLLECTORS)
    for planned in found.values():
        assert (len(planned), f"{planned[0]:%H:%M}", f"{planned[-1]:%H:%M}") == (count, first, last)


def test_a_collector_that_is_disabled_is_not_the_sessions(schedule: Schedule) -> None:
    schedule.tasks["collect_futures_snapshots"].enabled = False
    assert [task.name for task in slots.collectors(schedule)] == ["collect_option_snapshots"]


def test_a_slot_inside_a_restart_window_is_nobodys(schedule: Schedule) -> None:
    tasks = slots.collectors(schedule)
    found = slots.of_day(tasks, FRIDAY, CALENDAR, (window("11:00", "11:10"),), 5)["collect_option_snapshots"]
    assert not {ny("2026-11-20 11:00"), ny("2026-11-20 11:05")} & set(found)
    assert ny("2026-11-20 11:10") in found


def test_the_next_slot_is_after_the_instant_never_at_it() -> None:
    planned = [ny("2026-11-20 10:00"), ny("2026-11-20 10:05")]
    assert slots.following(planned, ny("2026-11-20 09:59")) == planned[0]
    assert slots.following(planned, ny("2026-11-20 10:00")) == planned[1]
    assert slots.following(planned, ny("2026-11-20 10:05")) is None


@pytest.mark.parametrize(
    ("now", "restart", "end", "why"),
    [
        ("2026-11-20 09:25", window("23:45", "00:05"), "16:20", "20 min after the close"),
        ("2026-11-27 09:25", window("23:45", "00:05"), "13:20", "20 min after the close"),
        ("2026-11-20 09:25", window("16:10", "16:30"), "16:04", "before tws 2026-11-20 16:10-16:30 EST"),
        ("2026-11-20 10:05", window("10:00", "10:10"), "09:54", "before tws 2026-11-20 10:00-10:10 EST"),
        ("2026-11-20 10:15", window("10:00", "10:10"), "16:20", "20 min after the close"),
        ("2026-11-20 09:25", window("11:00", "11:10", acts=False), "16:20", "20 min after the close"),
    ],
)
def test_a_session_ends_after_the_close_or_before_a_restart(now: str, restart: Window, end: str, why: str) -> None:
    session = CALENDAR.session(ny(now).date())
    assert session is not None
    found = slots.end_of(session, (restart,), ny(now), TWENTY_MINUTES)
    assert (f"{found.at:%H:%M}", found.why) == (end, why)


def test_no_slot_is_begun_at_which_the_restart_is_prepared(schedule: Schedule) -> None:
    schedule.windows = (window("11:00", "11:10"),)
    settings = Settings.model_construct(cycle_minutes=5, keep_after_close_minutes=20)
    found = slots.plan(schedule, CALENDAR, ny("2026-11-20 09:25"), settings)
    assert found.slots["collect_option_snapshots"][-1] == ny("2026-11-20 10:50")
    assert str(found.end) == "10:54, before tws 2026-11-20 11:00-11:10 EST"
