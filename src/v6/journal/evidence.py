"""What schedule, journal and gate log know about the slots of a span, in the words of `analysis.slot_states`."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from v6 import clock
from v6.analysis.slot_states import Entry, SlotState, Traces, judge
from v6.journal import ledger, runs, session_cycles
from v6.journal.database import connect
from v6.journal.timestamps import instant
from v6.paths import Paths
from v6.scheduler import compiled, upcoming
from v6.scheduler.nyse_calendar import NYSECalendar

GATE_LOG = Path("scheduler/cron_wrapper.log")
AROUND = timedelta(minutes=30)
REASON_OF_OUTCOME = {
    "killed": "killed",
    "signal": "killed",
    "time_limit": "deadline",
    "fatal": "job_failed",
    "recoverable": "job_failed",
}


def expected_runs(
    paths: Paths, environ: Mapping[str, str], start: datetime, end: datetime
) -> list[tuple[str, datetime]]:
    """(task, slot) of every run that the compiled schedule wants in [start, end), by time. Raises ScheduleError."""
    return _expected(paths, compiled.load(paths.compiled / "schedule.txt", dict(environ)), start, end)


def _expected(paths: Paths, schedule: compiled.Schedule, start: datetime, end: datetime) -> list[tuple[str, datetime]]:
    calendar = NYSECalendar(paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
    tasks = [task for task in schedule.tasks.values() if task.enabled]
    days = [start.date() + timedelta(days=ahead) for ahead in range((end.date() - start.date()).days + 1)]
    return [
        (planned.task, planned.slot)
        for day in days
        for planned in upcoming.of_day(tasks, day, calendar, schedule.windows)
        if planned.decision.run and start <= planned.slot < end
    ]


def slot_states(
    paths: Paths, environ: Mapping[str, str], start: datetime, end: datetime, now: datetime
) -> list[SlotState]:
    """Every slot that has a line in the ledger, in [start, end): those the schedule expects of the collectors and of
    the closing, and what the ledger knows besides."""
    schedule = compiled.load(paths.compiled / "schedule.txt", dict(environ))
    writers = {task.name: task for task in schedule.tasks.values() if task.script in ledger.WRITERS}
    slots = [pair for pair in _expected(paths, schedule, start, end) if pair[0] in writers]
    allowed = {name: timedelta(seconds=task.deadline) for name, task in writers.items() if task.deadline}
    if not paths.journal.exists():
        return judge(slots, {}, Traces({}), now)
    db = connect(paths.journal)
    try:
        return judge(slots, entries(db, start, end), traces(db, gate_log(paths), start, end), now, allowed)
    finally:
        db.close()


def gate_log(paths: Paths) -> Path:
    """Where the gate logs what it turned away. Raises ScheduleError."""
    schedule = compiled.load(paths.compiled / "schedule.txt")
    return Path(schedule.settings["log_directory"]) / GATE_LOG


def entries(db: sqlite3.Connection, start: datetime, end: datetime) -> dict[tuple[str, datetime], Entry]:
    """The ledger's lines with start <= slot < end, each with its misses counted by reason."""
    found = {}
    for line in ledger.slots_of(db, None, start, end):
        counted = dict(Counter(miss.reason for miss in ledger.misses(db, line.task, line.slot)))
        found[line.task, line.slot] = Entry(
            line.expected, line.complete, line.partial, line.missing, line.state == "closed", counted, line.note
        )
    return found


def traces(db: sqlite3.Connection, gate_log: Path, start: datetime, end: datetime) -> Traces:
    """Why slots in [start, end) did not collect, as far as anything tells, and when this host did anything."""
    of_slot: dict[tuple[str, datetime], str] = {}
    instants: list[datetime] = []
    for at, task, slot, reason in gate_skips(gate_log):
        if start - AROUND <= at < end + AROUND:
            instants.append(at)
            if slot is not None and reason != "slot_taken":
                of_slot[task, slot] = reason
    for run in runs.between(db, start - AROUND, end + AROUND):
        instants.append(run.started_at)
        why = run.reason if run.outcome == "skip" else REASON_OF_OUTCOME.get(run.outcome or "")
        if run.slot is not None and why and not runs.is_done(run.outcome, run.reason):
            of_slot[run.task, run.slot] = why
        elif run.slot is not None:
            of_slot.pop((run.task, run.slot), None)
    instants += [cycle.started_at for cycle in session_cycles.between(db, start - AROUND, end + AROUND)]
    return Traces(of_slot, tuple(instants))


def gate_skips(path: Path) -> Iterator[tuple[datetime, str, datetime | None, str]]:
    """(when, task, slot, reason) of every skip line; lines that are something else are passed over.

    A line: `2026-11-27 13:05:00 EST|task|2026-11-27T18:05:00Z|skip|reason|detail`. Rotated logs come first.
    """
    for file in (*sorted(path.parent.glob(f"{path.stem}.*{path.suffix}")), path):
        yield from _skips_in(file)


def _skips_in(path: Path) -> Iterator[tuple[datetime, str, datetime | None, str]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("|")
            if len(fields) < 5 or fields[3] != "skip":
                continue
            with suppress(ValueError):
                yield _wall(fields[0]), fields[1], instant(fields[2]) if fields[2] else None, fields[4]


def _wall(text: str) -> datetime:
    """`2026-11-01 01:30:00 EST`: the zone's letters tell the two hours of a fall-back apart."""
    stamp, zone = text.rsplit(" ", 1)
    first = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.NEW_YORK)
    return first if first.tzname() == zone else first.replace(fold=1)
