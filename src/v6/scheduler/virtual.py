"""Days that stand for every day there can be: each weekday both as a regular and as an early-close session, through
every combination of the UTC offsets of the zones involved."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

from v6.scheduler import slots, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.due import closure, in_phase
from v6.scheduler.nyse_calendar import HEADER, NYSECalendar

FIRST, LAST = date(2027, 1, 1), date(2028, 12, 31)
MARGIN = timedelta(days=14)
MINUTES_A_DAY = 24 * 60


@cache
def calendars() -> tuple[NYSECalendar, NYSECalendar]:
    """Without holidays: all weekdays close at 16:00; all weekdays close at 13:00."""
    start, end = FIRST - MARGIN, LAST + MARGIN
    head = f"{HEADER}virtual 1 covers {start} {end} overrides none\n"
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    early = "".join(f"{day} open 0930 1300 early close\n" for day in days if day.weekday() < 5)
    return NYSECalendar.from_text(head), NYSECalendar.from_text(head + early)


def days(zones: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(first, last) minute of the UTC days on which weekday or offsets differ from every day before."""
    zones = sorted(set(zones))
    seen = set()
    start = int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp()) // 60
    for offset in range((LAST - FIRST).days + 1):
        first = start + offset * MINUTES_A_DAY
        ends = (first, first + MINUTES_A_DAY)
        kind = (offset % 7, *(wall.at(minute, zone).utcoffset() for zone in zones for minute in ends))
        if kind not in seen:
            seen.add(kind)
            yield first, first + MINUTES_A_DAY - 1


def slot_minutes(task: Task, windows: Sequence[Window], zones: Iterable[str]) -> Iterator[int]:
    """Every slot whose day and phase suit the task, on all virtual days."""
    for minute, _ in slots_with_calendar(task, windows, zones):
        yield minute


def slots_with_calendar(
    task: Task, windows: Sequence[Window], zones: Iterable[str] = ()
) -> Iterator[tuple[int, NYSECalendar]]:
    """The same, each with the calendar of its virtual day."""
    for first, last in days((*zones, "America/New_York", task.zone, *(window.zone for window in windows))):
        for calendar in calendars():
            for minute in slots.between(task, first, last, calendar, windows):
                if suits(task, minute, calendar):
                    yield minute, calendar


def suits(task: Task, minute: int, calendar: NYSECalendar) -> bool:
    """Whether day and phase at that minute are the task's."""
    return not closure(task, minute, calendar) and in_phase(task, minute, calendar)


def can_run(task: Task, windows: Sequence[Window]) -> bool:
    """Whether some slot of the task meets its days and phase, and lies outside restart windows if it needs TWS."""
    return any(
        not (task.needs_gateway and slots.restart_window(minute, windows)) for minute in slot_minutes(task, windows, ())
    )


def endless_restarts(windows: Sequence[Window]) -> list[str]:
    """Windows that follow one another so closely that TWS would never be validated between them, in words."""
    first = int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp()) // 60
    last = first + MARGIN // timedelta(minutes=1)
    return sorted(
        {
            f"{' and '.join(names.split('+'))} leave no {slots.TOO_CLOSE_MINUTES} minutes between them for "
            f"{(end - start) / 60:.0f} hours, allowed: a restart of at most {MINUTES_A_DAY // 60} hours"
            for start, end, names in slots.restarts(windows, first, last)
            if end - start > MINUTES_A_DAY
        }
    )
