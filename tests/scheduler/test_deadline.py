"""Until when a run may take. The answers are read off the clock on the wall."""

from datetime import datetime

import pytest

from v6.clock import NEW_YORK
from v6.scheduler.compiled import Task, Window
from v6.scheduler.deadline import latest_end, longest_run, own_seconds
from v6.scheduler.nyse_calendar import NYSECalendar

NIGHT = Window(name="night", zone="America/New_York", days="1234567", start=23 * 60 + 45, end=5, acts=True)
MORNING = Window(name="morning", zone="America/New_York", days="12345", start=345, end=360, acts=True)
NOT_OURS = Window(name="reset", zone="America/New_York", days="1234567", start=600, end=660, acts=False)


def task(must_finish_by: tuple[str, int] | None = None, **more: object) -> Task:
    plain = {"deadline": None, "period_min": 0, "zone": "America/New_York", "must_finish_by": must_finish_by}
    return Task(**{**plain, **more})


def ends(one: Task, slot: str, calendar: NYSECalendar, fold: int = 0) -> str:
    at = datetime.fromisoformat(slot).replace(tzinfo=NEW_YORK, fold=fold)
    until = datetime.fromtimestamp(latest_end(one, at, calendar, (NIGHT, MORNING, NOT_OURS)), NEW_YORK)
    return f"{until:%Y-%m-%d %H:%M %Z}"


@pytest.mark.parametrize(
    ("limit", "slot", "end"),
    [
        (("open", -10), "2026-11-24 08:00", "2026-11-24 09:20 EST"),
        (("close", 60), "2026-11-24 08:00", "2026-11-24 17:00 EST"),
        (("close", 60), "2026-11-27 08:00", "2026-11-27 14:00 EST"),  # an early close
        (("clock", 23 * 60 + 30), "2026-11-28 10:00", "2026-11-28 23:30 EST"),
        (("restart", -5), "2026-11-24 01:00", "2026-11-24 05:40 EST"),  # the next restart, not the last of the day
        (("restart", -5), "2026-11-24 05:40", "2026-11-24 23:40 EST"),
        (("restart_end", 0), "2026-11-24 05:50", "2026-11-24 06:00 EST"),
        (("restart_end", 0), "2026-11-24 00:01", "2026-11-24 00:05 EST"),  # of the restart that began yesterday
    ],
)
def test_must_finish_by_is_of_the_slots_day(
    limit: tuple[str, int], slot: str, end: str, calendar: NYSECalendar
) -> None:
    assert ends(task(limit), slot, calendar) == end


def test_the_earlier_of_the_two_wins(calendar: NYSECalendar) -> None:
    assert ends(task(("open", 0), deadline=3600), "2026-11-24 08:00", calendar) == "2026-11-24 09:00 EST"
    assert ends(task(("open", -40), deadline=3600), "2026-11-24 08:00", calendar) == "2026-11-24 08:50 EST"


@pytest.mark.parametrize(("slot", "what"), [("2026-11-26 08:00", "a holiday"), ("2026-11-28 08:00", "a Saturday")])
def test_a_day_without_a_session_has_no_open(slot: str, what: str, calendar: NYSECalendar) -> None:
    assert ends(task(("open", 0), deadline=600), slot, calendar).endswith("08:10 EST"), what
    assert ends(task(("open", 0)), slot, calendar).endswith("12:00 EST"), what


def test_after_the_days_last_restart_none_is_to_come(calendar: NYSECalendar) -> None:
    assert ends(task(("restart", -5), deadline=600), "2026-11-24 23:50", calendar) == "2026-11-25 00:00 EST"


def test_a_task_that_repeats_is_over_by_its_next_slot_all_the_same(calendar: NYSECalendar) -> None:
    quarter = task(("clock", 720), period_min=15)
    assert ends(quarter, "2026-11-24 10:00", calendar) == "2026-11-24 10:15 EST"
    assert ends(quarter, "2026-11-24 11:50", calendar) == "2026-11-24 12:00 EST"


def test_l07_the_day_and_the_clock_are_those_of_the_schedules_zone(calendar: NYSECalendar) -> None:
    tokyo = task(("clock", 9 * 60), zone="Asia/Tokyo")  # 09:00 in Tokyo is 19:00 the evening before in New York
    assert ends(tokyo, "2026-11-24 18:00", calendar) == "2026-11-24 19:00 EST"


@pytest.mark.parametrize(
    ("slot", "fold", "end"),
    [
        ("2026-11-01 00:30", 0, "2026-11-01 03:30 EST"),  # clocks go back at 02:00: four real hours
        ("2026-03-08 00:30", 0, "2026-03-08 05:30 EDT"),  # and forward
    ],
)
def test_four_hours_are_four_hours_when_clocks_change(slot: str, fold: int, end: str, calendar: NYSECalendar) -> None:
    assert ends(task(), slot, calendar, fold) == end


def test_a_time_that_clocks_show_twice_is_the_first(calendar: NYSECalendar) -> None:
    assert ends(task(("clock", 90)), "2026-11-01 00:10", calendar) == "2026-11-01 01:30 EDT"


def test_a_run_by_hand_has_what_a_run_may_take() -> None:
    assert own_seconds(task(("open", 0))) == 4 * 3600
    assert own_seconds(task(("open", 0), deadline=600)) == 600
    assert own_seconds(task(period_min=5)) == 300


def test_the_longest_run_is_every_attempt_and_every_wait() -> None:
    plain = {"timeout": 100, "backoff_base": 5.0, "backoff_factor": 2.0, "backoff_cap": 12.0}
    assert longest_run(task(**plain, max_retries=3)) == 4 * 100 + 5 + 10 + 12
    assert longest_run(task(**plain, max_retries=0)) == 100
