"""Due or not, and why not: the only definition. Pure; the bash gate must agree with it minute by minute."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from v6.scheduler import slots, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.nyse_calendar import WEEKEND, NYSECalendar

LATE_MINUTES = 4
"""A cron line that starts up to so many minutes after its slot still gets it."""

DUE, BY_HAND = "due", "by_hand"
DISABLED, NOT_SLOT, PHASE, RESTART_WINDOW = "disabled", "not_slot", "phase", "restart_window"
HOLIDAY = "holiday"


class Decision(NamedTuple):
    """`reason`: `due` or `by_hand` for a run, else the skip's code. `slot`: aware New York, None without a slot."""

    run: bool
    reason: str
    slot: datetime | None


def decide(
    task: Task,
    instant: datetime,
    calendar: NYSECalendar,
    windows: Sequence[Window],
    *,
    slot_mode: bool = True,
    force: bool = False,
) -> Decision:
    """Whether a run of the task that is started at this aware instant is due.

    In slot mode the run belongs to the latest slot of the last LATE_MINUTES, and days, phase and restart window are
    judged at that slot; without it they are judged now, and a disabled task runs. `force` passes days and phase.
    Raises CalendarError when the calendar does not cover the day.
    """
    minute = wall.minute_of(instant)
    found = slots.between(task, minute - LATE_MINUTES, minute, calendar, windows) if slot_mode else []
    judged = found[-1] if found else minute
    slot = wall.new_york(judged) if found else None
    if slot_mode and not task.enabled:
        return Decision(False, DISABLED, slot)
    closed = None if force else closure(task, judged, calendar)
    if closed:
        return Decision(False, closed, slot)
    if slot_mode and slot is None:
        return Decision(False, NOT_SLOT, None)
    if not force and not in_phase(task, judged, calendar):
        return Decision(False, PHASE, slot)
    if task.needs_gateway and slots.restart_window(judged, windows):
        return Decision(False, RESTART_WINDOW, slot)
    return Decision(True, DUE if slot_mode else BY_HAND, slot)


def closure(task: Task, minute: int, calendar: NYSECalendar) -> str | None:
    """`weekend` or `holiday` when the task wants a trading day and that New York date is none."""
    if task.days != "trading":
        return None
    day = wall.new_york(minute).date()
    if calendar.session(day):
        return None
    return WEEKEND if day.weekday() >= 5 else HOLIDAY


def in_phase(task: Task, minute: int, calendar: NYSECalendar) -> bool:
    return task.phase == "any" or calendar.get_market_phase(wall.new_york(minute)) == task.phase
