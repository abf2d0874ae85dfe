"""When the slots of a task are, whatever day or phase it is. Minutes since 1970 UTC in and out; no I/O."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from v6.scheduler import wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.nyse_calendar import NYSECalendar

NEW_YORK = "America/New_York"
ONE_DAY = timedelta(days=1)
ZONE_CHANGES_ON = 15
"""Offsets of time zones change at multiples of so many minutes UTC (Lord Howe: 15:00 and 15:30)."""
TOO_CLOSE_MINUTES = 10
"""pre_restart begins 5 minutes before a window, post_restart 5 minutes after one."""


def between(task: Task, first: int, last: int, calendar: NYSECalendar, windows: Sequence[Window]) -> list[int]:
    """The slot minutes of the task in [first, last], ascending. Raises CalendarError outside the calendar."""
    if task.kind == "every":
        return list(_repeating(task, first, last))
    found = _ANCHORED[task.anchor](task, first - task.offset_min, last - task.offset_min, calendar, windows)
    return sorted({minute for minute in found if first <= minute <= last})


def _repeating(task: Task, first: int, last: int) -> Iterator[int]:
    minute = first
    while minute <= last:
        past = (wall.at(minute, task.zone).minute - task.minute) % task.period_min
        if past == 0:
            yield minute
        minute = min(minute + task.period_min - past, minute + ZONE_CHANGES_ON - minute % ZONE_CHANGES_ON)


def _clock(
    task: Task,
    first: int,
    last: int,
    _calendar: NYSECalendar,
    _windows: Sequence[Window],
) -> Iterator[int]:
    for day in wall.days(task.zone, first + task.offset_min, last + task.offset_min):
        if task.weekday in ("*", str(day.isoweekday())):
            yield wall.first_minute(task.zone, day, task.offset_min)


def _session(
    task: Task,
    first: int,
    last: int,
    calendar: NYSECalendar,
    _windows: Sequence[Window],
) -> Iterator[int]:
    for day in wall.days(NEW_YORK, first, last):
        session = calendar.session(day) if task.weekday in ("*", str(day.isoweekday())) else None
        if session:
            yield wall.minute_of(session.open if task.anchor == "open" else session.close) + task.offset_min


def _restart(
    task: Task,
    first: int,
    last: int,
    _calendar: NYSECalendar,
    windows: Sequence[Window],
) -> Iterator[int]:
    for window in windows:
        if window.acts:
            for start, end in spans(window, first, last, task.weekday):
                yield (start if task.anchor == "restart" else end) + task.offset_min


_ANCHORED = {"clock": _clock, "open": _session, "close": _session, "restart": _restart, "restart_end": _restart}


def spans(window: Window, first: int, last: int, weekday: str = "*") -> Iterator[tuple[int, int]]:
    """(start, end) of the window wherever one of them may lie in [first, last]."""
    crosses = window.end <= window.start
    earliest = wall.at(first, window.zone).date() - (ONE_DAY if crosses else timedelta())
    day, final = earliest, wall.at(last, window.zone).date()
    while day <= final:
        digit = str(day.isoweekday())
        if digit in window.days and weekday in ("*", digit):
            start = wall.first_minute(window.zone, day, window.start)
            yield start, wall.first_minute(window.zone, day + ONE_DAY if crosses else day, window.end)
        day += ONE_DAY


def restarts(windows: Iterable[Window], first: int, last: int) -> Iterator[tuple[int, int, str]]:
    """(start, end, names joined by `+`) of every restart between two minutes: windows that V6 acts on, joined where
    they overlap or leave no room for the work between them. The first and the last may be cut."""
    spans_found = sorted(
        (start, end, window.name) for window in windows if window.acts for start, end in spans(window, first, last)
    )
    while spans_found:
        start, until, name = spans_found.pop(0)
        names = {name: None}
        while spans_found and spans_found[0][0] - until <= TOO_CLOSE_MINUTES:
            _, end, name = spans_found.pop(0)
            until, names[name] = max(until, end), None
        yield start, until, "+".join(names)


def restart_window(minute: int, windows: Iterable[Window]) -> Window | None:
    """The window that contains this minute; its end is outside."""
    for window in windows:
        for start, end in spans(window, minute, minute):
            if start <= minute < end:
                return window
    return None
