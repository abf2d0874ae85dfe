"""Until when a run may take, and how long it can take at worst. No I/O; light to import, for the supervisor does.

A run is over by the earlier of `deadline_seconds` after its slot and `must_finish_by` of its slot's day. Without either
it is over by the task's next slot, and once a day after four hours.
"""

TYPE_CHECKING = False  # importing typing costs the supervisor milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from v6.scheduler.compiled import Task, Window
    from v6.scheduler.nyse_calendar import NYSECalendar

DEFAULT_SECONDS = 4 * 3600
NEW_YORK = "America/New_York"


def own_seconds(task: "Task") -> int:
    """From the start to the deadline of a run that `must_finish_by` says nothing of: one started by hand, say."""
    return task.deadline or task.period_min * 60 or DEFAULT_SECONDS


def latest_end(task: "Task", slot: "datetime", calendar: "NYSECalendar", windows: "Sequence[Window]") -> int:
    """The deadline of the run of that slot, in epoch seconds. Raises CalendarError."""
    start = int(slot.timestamp())
    limit = must_finish(task, start // 60, calendar, windows)
    if limit is None:
        return start + own_seconds(task)
    if task.deadline or task.period_min:
        return min(limit * 60, start + own_seconds(task))
    return limit * 60


def must_finish(task: "Task", slot: int, calendar: "NYSECalendar", windows: "Sequence[Window]") -> int | None:
    """`must_finish_by` of the day of that slot (both in minutes since 1970), whether or not the slot is before it. None
    without one: a day without a session has no open and no close, and after the day's last restart none is to come."""
    if task.must_finish_by is None:
        return None
    from v6.scheduler import wall

    anchor, offset = task.must_finish_by
    if anchor == "clock":
        return wall.first_minute(task.zone, wall.at(slot, task.zone).date(), offset)
    if anchor in ("open", "close"):
        session = calendar.session(wall.new_york(slot).date())
        if session is None:
            return None
        return wall.minute_of(session.open if anchor == "open" else session.close) + offset
    return min((minute for minute in _restarts(anchor, offset, slot, windows) if minute > slot), default=None)


def _restarts(anchor: str, offset: int, slot: int, windows: "Sequence[Window]") -> "Iterator[int]":
    """That instant of every restart on the New York day of the slot."""
    from datetime import timedelta

    from v6.scheduler import slots, wall

    day = wall.new_york(slot).date()
    first = wall.first_minute(NEW_YORK, day, 0)
    last = wall.first_minute(NEW_YORK, day + timedelta(days=1), 0) - 1
    for window in windows:
        if window.acts:
            for start, end in slots.spans(window, first - offset, last - offset):
                minute = (start if anchor == "restart" else end) + offset
                if first <= minute <= last:
                    yield minute


def longest_wait(task: "Task", failed_attempts: int) -> float:
    """Seconds before the next attempt, if chance takes nothing off: base * factor^(n-1), at most the cap."""
    return min(task.backoff_cap, task.backoff_base * task.backoff_factor ** (failed_attempts - 1))


def longest_run(task: "Task") -> float:
    """Seconds of all its attempts, each as long as it may take, and of the waits between them."""
    waits = sum(longest_wait(task, failed) for failed in range(1, task.max_retries + 1))
    return task.timeout * (task.max_retries + 1) + waits
