"""What a market session has to do on its day, and until when: pure, from schedule, calendar and restart windows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from v6.config.settings import Session as Settings
from v6.journal.ledger import TABLE_OF
from v6.restart import windows
from v6.restart.windows import Occurrence
from v6.scheduler import upcoming
from v6.scheduler.compiled import Schedule, Task, Window
from v6.scheduler.nyse_calendar import NYSECalendar, Session

BEFORE_RESTART = timedelta(minutes=5, seconds=10)
"""pre_restart begins 5 minutes before: by then the connection is gone, and nothing is left for it to end."""


@dataclass(frozen=True, slots=True)
class End:
    """When a session ends by itself, and why, in words."""

    at: datetime
    why: str

    def __str__(self) -> str:
        """`16:20, 20 min after the close`."""
        return f"{self.at:%H:%M}, {self.why}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`tasks`: the collectors; `slots`: what the session collects of each, ascending; both by name."""

    tasks: Mapping[str, Task]
    slots: Mapping[str, tuple[datetime, ...]]
    end: End


def plan(schedule: Schedule, calendar: NYSECalendar, now: datetime, settings: Settings) -> Plan:
    """Of the New York day of `now`. Where no session is to be held it ends `now`. Raises CalendarError."""
    day = now.date()
    session = calendar.session(day)
    if session is None:
        return Plan({}, {}, End(now, f"NYSE is closed: {calendar.closure_reason(day)}"))
    tasks = {task.name: task for task in collectors(schedule)}
    end = end_of(session, schedule.windows, now, timedelta(minutes=settings.keep_after_close_minutes))
    found = of_day(tasks.values(), day, calendar, schedule.windows, settings.cycle_minutes)
    in_time = {name: tuple(slot for slot in of_task if _before(slot, end.at)) for name, of_task in found.items()}
    return Plan(tasks, in_time, end)


def collectors(schedule: Schedule) -> list[Task]:
    """The enabled tasks that fill the slot ledger."""
    return [task for task in schedule.tasks.values() if task.enabled and task.script in TABLE_OF]


def of_day(
    tasks: Iterable[Task], day: date, calendar: NYSECalendar, restarts: Sequence[Window], cycle_minutes: int
) -> dict[str, tuple[datetime, ...]]:
    """The slots of each task on that New York day that the session collects, ascending: those that cron's runs would,
    at multiples of `cycle_minutes` after midnight. Raises CalendarError."""
    found: dict[str, tuple[datetime, ...]] = {}
    for planned in upcoming.of_day(tasks, day, calendar, restarts):
        if planned.decision.run and _minute(planned.slot) % cycle_minutes == 0:
            found[planned.task] = (*found.get(planned.task, ()), planned.slot)
    return found


def following(slots: Sequence[datetime], now: datetime) -> datetime | None:
    """The first slot after the instant."""
    return next((slot for slot in slots if _before(now, slot)), None)


def has_come(instant: datetime, now: datetime) -> bool:
    return not _before(now, instant)


def end_of(session: Session, restarts: Sequence[Window], now: datetime, keep: timedelta) -> End:
    """`keep` after the close, or before the restart that is on or next, whichever is first."""
    closing = End(session.close + keep, f"{windows.in_words(keep.total_seconds())} after the close")
    restart = windows.current_acting(restarts, now) or windows.next_acting(restarts, now)
    return _end_before(restart, closing) if restart else closing


def _end_before(restart: Occurrence, closing: End) -> End:
    at = restart.start - BEFORE_RESTART
    return End(at, f"before {restart}") if _before(at, closing.at) else closing


def _before(instant: datetime, other: datetime) -> bool:
    """Of instants: two of New York are compared as wall clocks."""
    return instant.timestamp() < other.timestamp()


def _minute(slot: datetime) -> int:
    return slot.hour * 60 + slot.minute
