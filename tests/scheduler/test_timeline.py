"""The timeline of a New York day: what runs until when at worst. The answers are worked out by hand."""

from datetime import date, datetime

import pytest

from v6.clock import NEW_YORK
from v6.scheduler import timeline, upcoming
from v6.scheduler.compiled import Schedule, Task, Window
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.scheduler.timeline import Day, Outlook

PLAIN = {
    "enabled": True,
    "days": "every",
    "phase": "any",
    "kind": "at",
    "period_min": 0,
    "minute": 0,
    "anchor": "clock",
    "weekday": "*",
    "needs_gateway": False,
    "timeout": 600,
    "max_retries": 0,
    "backoff_base": 60.0,
    "backoff_factor": 2.0,
    "backoff_cap": 90.0,
    "deadline": None,
    "must_finish_by": None,
    "depends_on": (),
    "zone": "America/New_York",
}
TUESDAY = date(2026, 11, 24)


def task(name: str, hour: int, **more: object) -> Task:
    return Task(**{**PLAIN, "name": name, "offset_min": hour * 60, **more})


def day_of(calendar: NYSECalendar, *tasks: Task, day: date = TUESDAY, windows: tuple[Window, ...] = ()) -> Day:
    return timeline.of_day({one.name: one for one in tasks}, day, calendar, windows)


def outlook(day: Day, name: str) -> Outlook:
    (found,) = (one for one in day.outlooks if one.task == name)
    return found


def at(instant: datetime | None) -> str:
    assert instant is not None
    return f"{instant:%H:%M:%S}"


def test_at_worst_every_attempt_takes_its_limit_and_every_wait_its_whole(calendar: NYSECalendar) -> None:
    day = day_of(calendar, task("load", 10, max_retries=3))
    assert at(outlook(day, "load").worst_end) == "10:44:00"  # 4 x 10 min, waits of 60, 90 and 90 s
    assert at(outlook(day, "load").deadline) == "14:00:00"


def test_a_deadline_cuts_the_worst_case(calendar: NYSECalendar) -> None:
    day = day_of(calendar, task("load", 10, max_retries=3, must_finish_by=("clock", 625)))
    assert at(outlook(day, "load").worst_end) == at(outlook(day, "load").deadline) == "10:25:00"


def test_what_depends_on_others_begins_when_the_last_of_them_has_ended(calendar: NYSECalendar) -> None:
    slow, quick = task("slow", 10, timeout=3600), task("quick", 9, timeout=60)
    day = day_of(calendar, task("after", 10, depends_on=("quick", "slow")), slow, quick)
    assert at(outlook(day, "after").worst_end) == "11:10:00"
    third = day_of(calendar, task("third", 8, depends_on=("after",)), task("after", 10, depends_on=("slow",)), slow)
    assert at(outlook(third, "third").worst_end) == "11:20:00"


def test_of_one_that_repeats_the_first_success_is_enough(calendar: NYSECalendar) -> None:
    often = Task(**{**PLAIN, "name": "often", "kind": "every", "period_min": 60, "timeout": 120, "offset_min": 0})
    day = day_of(calendar, often, task("after", 10, depends_on=("often",)))
    assert at(outlook(day, "after").worst_end) == "10:10:00"


@pytest.mark.parametrize(
    ("needed", "why"),
    [
        ({"weekday": "6"}, "due on Saturdays"),
        ({"enabled": False}, "disabled"),
        ({"offset_min": 15 * 60}, "due after the deadline"),
        ({"offset_min": 14 * 60}, "due at the deadline"),
        ({"depends_on": ("never",)}, "waits in vain itself"),
    ],
)
def test_a_run_whose_dependency_will_not_have_run_is_said_to_be_skipped(
    needed: dict[str, object], why: str, calendar: NYSECalendar
) -> None:
    tasks = (task("after", 10, depends_on=("needed",)), task("needed", 9, **needed), task("never", 9, enabled=False))
    found = outlook(day_of(calendar, *tasks), "after")
    assert (found.runs, found.reason, found.without) == (False, "dependency", ("needed",)), why


def test_a_slot_at_its_own_deadline_is_said_to_be_skipped(calendar: NYSECalendar) -> None:
    hourly = Task(**{**PLAIN, "name": "hourly", "kind": "every", "period_min": 60, "must_finish_by": ("clock", 120)})
    runs = [one.slot.hour for one in day_of(calendar, hourly).outlooks if one.runs]
    assert runs == [0, 1]


def test_slots_that_are_decided_alike_are_one_stretch(schedule: Schedule, calendar: NYSECalendar) -> None:
    day = timeline.of_day(schedule.tasks, date(2026, 11, 27), calendar, schedule.windows)
    mine = [one for one in day.stretches(schedule.tasks) if one[0].task == "collect_option_snapshots"]
    assert [(f"{one[0].slot:%H:%M}-{one[-1].slot:%H:%M}", len(one), one[0].reason) for one in mine] == [
        ("00:00-09:25", 114, "phase"),
        ("09:30-12:55", 42, ""),
        ("13:00-23:55", 132, "phase"),
    ]
    restarts = [one for one in day.stretches(schedule.tasks) if one[0].task == "pre_restart"]
    assert [f"{one[0].slot:%H:%M}" for one in restarts] == ["05:40", "23:40"]


def test_the_day_shows_its_session_and_its_restarts(schedule: Schedule, calendar: NYSECalendar) -> None:
    day = timeline.of_day(schedule.tasks, date(2026, 11, 27), calendar, schedule.windows)
    assert [(f"{mark.at:%d %H:%M}", mark.words) for mark in day.marks] == [
        ("26 23:45", "restart window daily_restart"),
        ("27 05:45", "restart window weekday_morning"),
        ("27 09:30", "NYSE opens"),
        ("27 13:00", "NYSE closes: Day after Thanksgiving"),
        ("27 23:45", "restart window daily_restart"),
    ]


@pytest.mark.parametrize(
    ("day", "at", "words"),
    [
        (date(2026, 3, 8), "03:00 EDT", "clocks go forward one hour"),
        (date(2026, 11, 1), "01:00 EST", "clocks go back one hour"),
    ],
)
def test_a_day_whose_clocks_change_says_when(
    day: date, at: str, words: str, schedule: Schedule, calendar: NYSECalendar
) -> None:
    marks = timeline.of_day(schedule.tasks, day, calendar, schedule.windows).marks
    assert (at, words) in [(f"{mark.at:%H:%M %Z}", mark.words) for mark in marks]


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 27)])
def test_slots_are_in_the_order_in_which_they_come(day: date, schedule: Schedule, calendar: NYSECalendar) -> None:
    """Two instants of New York compare as its clocks show them, and these show 01:30 twice on 1 November."""
    planned = upcoming.of_day(schedule.tasks.values(), day, calendar, schedule.windows)
    instants = [one.slot.timestamp() for one in planned]
    assert instants == sorted(instants)
    outlooks = timeline.of_day(schedule.tasks, day, calendar, schedule.windows).outlooks
    ends = [(one.worst_end, one.deadline) for one in outlooks if one.worst_end and one.deadline]
    assert all(worst.timestamp() <= deadline.timestamp() for worst, deadline in ends)
    assert len(ends) > 150


def test_the_next_runs_of_all_tasks_together_are_those_of_each(schedule: Schedule, calendar: NYSECalendar) -> None:
    tasks, after = list(schedule.tasks.values()), datetime(2026, 10, 31, 23, 0, tzinfo=NEW_YORK)
    found = upcoming.next_runs(tasks, after, 60, calendar, schedule.windows)
    each = [
        (slot, one.name)
        for one in tasks
        if one.enabled
        for slot in upcoming.following(one, after, 60, calendar, schedule.windows)
    ]
    each.sort(key=lambda run: run[0].timestamp())
    assert [slot.timestamp() for slot, _ in found] == [slot.timestamp() for slot, _ in each[:60]]
    last = found[-1][0].timestamp()
    assert {run for run in found if run[0].timestamp() < last} == {run for run in each if run[0].timestamp() < last}
