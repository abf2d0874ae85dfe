"""The slots of a day and the next runs, with the decision for each: what lists and `v6 why` show."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import NamedTuple

from v6.scheduler import slots, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.due import Decision, decide
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

NEW_YORK = "America/New_York"
ONE_DAY = timedelta(days=1)


class Planned(NamedTuple):
    """One slot of one task, and whether it is due (`decision.reason` says why not)."""

    task: str
    slot: datetime
    decision: Decision


def of_day(tasks: Iterable[Task], day: date, calendar: NYSECalendar, windows: Sequence[Window]) -> list[Planned]:
    """Every slot of that New York day, by time; tasks of the same minute in their order. Raises CalendarError."""
    first = wall.first_minute(NEW_YORK, day, 0)
    last = wall.first_minute(NEW_YORK, day + ONE_DAY, 0) - 1
    planned = [
        _planned(task, minute, calendar, windows)
        for task in tasks
        for minute in slots.between(task, first, last, calendar, windows)
    ]
    return sorted(planned, key=lambda one: one.slot.timestamp())  # two of New York would be compared as wall clocks


def following(
    task: Task, after: datetime, count: int, calendar: NYSECalendar, windows: Sequence[Window]
) -> list[datetime]:
    """The next `count` slots after the aware instant in which the task will run; fewer at the calendar's end."""
    return list(islice(_runs(task, after, calendar, windows), count))


def next_runs(
    tasks: Iterable[Task], after: datetime, count: int, calendar: NYSECalendar, windows: Sequence[Window]
) -> list[tuple[datetime, str]]:
    """(slot, task) of the next `count` runs of all of them together, by time."""
    ahead = [_named(task, after, calendar, windows) for task in tasks if task.enabled]
    return list(islice(merge(*ahead, key=lambda run: run[0].timestamp()), count))


def _named(
    task: Task, after: datetime, calendar: NYSECalendar, windows: Sequence[Window]
) -> Iterator[tuple[datetime, str]]:
    for slot in _runs(task, after, calendar, windows):
        yield slot, task.name


def _runs(task: Task, after: datetime, calendar: NYSECalendar, windows: Sequence[Window]) -> Iterator[datetime]:
    for planned in _ahead(task, wall.minute_of(after) + 1, calendar, windows):
        if planned.decision.run:
            yield planned.slot


def _ahead(task: Task, first: int, calendar: NYSECalendar, windows: Sequence[Window]) -> Iterator[Planned]:
    end = wall.first_minute(NEW_YORK, calendar.last, 0)
    while first < end:
        last = min(first + 24 * 60, end) - 1
        try:
            minutes = slots.between(task, first, last, calendar, windows)
        except CalendarError:
            return
        for minute in minutes:
            yield _planned(task, minute, calendar, windows)
        first = last + 1


def _planned(task: Task, minute: int, calendar: NYSECalendar, windows: Sequence[Window]) -> Planned:
    slot = wall.new_york(minute)
    return Planned(task.name, slot, decide(task, slot, calendar, windows))
