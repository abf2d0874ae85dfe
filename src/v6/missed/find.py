"""Which slots were due and never ran: schedule and calendar against the traces in the gate's log and the journal."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zlib import crc32

from v6.clock import NEW_YORK
from v6.cron.present import present
from v6.file_locks import is_held
from v6.journal import evidence, missed
from v6.paths import Paths
from v6.scheduler import compiled, deadline
from v6.scheduler.compiled import Schedule, Task
from v6.scheduler.nyse_calendar import NYSECalendar

OLDER_THAN = timedelta(minutes=5)
"""A line that starts up to four minutes late still gets its slot."""
FARTHEST = timedelta(days=14)
CLOCK_WENT_BACK = timedelta(days=1)
"""A look that ended in what is now the future tells nothing: it is looked again from so long ago."""

Slot = tuple[str, datetime]
"""Task and slot. Slots are in UTC here: in New York's time the two hours of a fall-back compare as the same."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a look goes by: this home's places, its journal, the schedule in force and the calendar."""

    paths: Paths
    db: sqlite3.Connection
    schedule: Schedule
    calendar: NYSECalendar

    @property
    def gate_log(self) -> Path:
        return Path(self.schedule.settings["log_directory"]) / evidence.GATE_LOG


@dataclass(frozen=True, slots=True)
class Looked:
    """`slots`: (task, slot) without a trace, by time, not recorded yet; `claimed`: those of them that the gate had
    claimed; `start`, `until`: the span judged, `until` outside; `first`: nobody had looked before."""

    slots: tuple[Slot, ...]
    claimed: frozenset[Slot]
    start: datetime
    until: datetime
    first: bool = False


def site_of(paths: Paths, db: sqlite3.Connection, environ: Mapping[str, str]) -> Site:
    """Raises ScheduleError and CalendarError before the first compilation."""
    schedule = compiled.load(paths.compiled / "schedule.txt", dict(environ))
    calendar = NYSECalendar(paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
    return Site(paths, db, schedule, calendar)


def look(site: Site, now: datetime, begun: datetime | None = None) -> Looked:
    """What was missed since the last look. A task counts since a look has first seen it defined as it is: nothing says
    what was due before. `begun`: for a question before the first look, since when V6 was to run here. What a person has
    commented out is not missed."""
    start, until = span(site, now, begun)
    since = _counts_since(site, now)
    if begun is not None and missed.looked_until(site.db) is None:
        since = dict.fromkeys(site.schedule.tasks, begun.astimezone(UTC))
    installed = present(site.paths)
    out = installed.out if installed else ()
    tasks = [task for task in site.schedule.tasks.values() if task.name in since and task.name not in out]
    due = evidence.due_slots(tasks, site.schedule.windows, site.calendar, start, until)
    wanted = {(task, slot) for task, slot in due if slot >= since[task]}
    wanted -= evidence.traced(site.db, site.gate_log, start, until) if wanted else set()
    wanted -= {(one.task, one.slot.astimezone(UTC)) for one in missed.between(site.db, start, until)}
    claimed = {pair for pair in wanted if claim_of(site.paths, *pair).exists()}
    if at_work := {pair for pair in claimed if _may_be_at_work(site, *pair, now)}:
        until = min(slot for _, slot in at_work)  # judged when they are over
        wanted = {pair for pair in wanted if pair[1] < until}
    found = tuple(sorted(wanted, key=lambda pair: (pair[1], pair[0])))
    return Looked(found, frozenset(claimed & wanted), start, until, first=missed.looked_until(site.db) is None)


def _counts_since(site: Site, now: datetime) -> dict[str, datetime]:
    known = missed.known_since(site.db)
    return {
        name: known[name][1].astimezone(UTC)
        for name, definition in definitions(site.schedule).items()
        if name in known and known[name][0] == definition and known[name][1].astimezone(UTC) <= now
    }


def span(site: Site, now: datetime, begun: datetime | None = None) -> tuple[datetime, datetime]:
    """What has not been looked at yet; nothing of it where start and end are the same."""
    end = (now.astimezone(UTC) - OLDER_THAN).replace(second=0, microsecond=0)
    if (mark := missed.looked_until(site.db) or begun) is None:
        return end, end
    start = mark.astimezone(UTC)
    start = start if start <= now else end - CLOCK_WENT_BACK
    covered = datetime.combine(site.calendar.first + timedelta(days=1), time(), NEW_YORK).astimezone(UTC)
    return min(max(start, end - FARTHEST, covered), end), end


def definitions(schedule: Schedule) -> dict[str, str]:
    """Task -> what decides when it is due, in few characters."""
    windows = repr(schedule.windows)
    return {task.name: f"{crc32(_when_due(task, windows).encode()):08x}" for task in schedule.tasks.values()}


def claim_of(paths: Paths, task: str, slot: datetime) -> Path:
    """The gate makes it when it starts the supervisor."""
    return paths.slots / task / str(int(slot.timestamp()))


def _when_due(task: Task, windows: str) -> str:
    times = (task.kind, task.period_min, task.minute, task.anchor, task.offset_min, task.weekday, task.zone)
    around = windows if task.needs_gateway or task.anchor.startswith("restart") else ""
    return repr((task.enabled, task.days, task.phase, *times, task.needs_gateway, around))


def _may_be_at_work(site: Site, task: str, slot: datetime, now: datetime) -> bool:
    """Whether the supervisor that the gate started may not have written anything yet: it waits for other tasks."""
    over = deadline.latest_end(site.schedule.tasks[task], slot, site.calendar, site.schedule.windows)
    return now.timestamp() < over + OLDER_THAN.total_seconds() and is_held(site.paths.locks / f"{task}.lock")
