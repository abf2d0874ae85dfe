"""What schedule, journal and gate log know about the slots of a span, in the words of `analysis.slot_states`."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from v6.analysis.slot_states import Entry, SlotState, Traces, judge
from v6.journal import gate_log as gate_log_file
from v6.journal import ledger, runs, session_cycles
from v6.journal.database import connect
from v6.journal.timestamps import instant, new_york_day
from v6.paths import Paths
from v6.scheduler import compiled, slots, upcoming, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.due import decide
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
        return judge(slots, {}, Traces({}, begun=now), now)
    db = connect(paths.journal)
    try:
        known = traces(db, gate_log(paths), start, end)
        kept = entries(db, start, end)
        first = runs.begun(db)
        begun = min((*known.instants, *(slot for _, slot in kept), *([first] if first else [])), default=now)
        return judge(slots, kept, replace(known, begun=begun), now, allowed)
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


def gate_skips(path: Path, since: datetime | None = None) -> Iterator[tuple[datetime, str, datetime | None, str]]:
    """(when, task, slot, reason) of every skip that the gate logged, or of those logged from `since` on."""
    for line in gate_log_file.lines(path, since):
        if line.word == gate_log_file.SKIP:
            yield line.at, line.task, line.slot, line.reason


def due_slots(
    tasks: Iterable[Task], windows: tuple[Window, ...], calendar: NYSECalendar, start: datetime, end: datetime
) -> Iterator[tuple[str, datetime]]:
    """(task, slot) of every run that these tasks want in [start, end), task by task. In UTC, where the two hours of a
    fall-back are not the same. Raises CalendarError."""
    first, last = -int(-start.timestamp() // 60), -int(-end.timestamp() // 60) - 1
    for task in tasks:
        for minute in slots.between(task, first, last, calendar, windows) if task.enabled else ():
            if decide(task, wall.new_york(minute), calendar, windows).run:
                yield task.name, datetime.fromtimestamp(minute * 60, UTC)


def traced(db: sqlite3.Connection | None, gate_log: Path, start: datetime, end: datetime) -> set[tuple[str, datetime]]:
    """(task, slot) of every slot in [start, end) of which the journal or the gate's log knows anything: a run, a skip
    by the supervisor or the gate, a cycle of the market session. In UTC."""
    lines = gate_log_file.lines(gate_log, start)
    found = {(line.task, line.slot.astimezone(UTC)) for line in lines if line.slot is not None}
    if db is None:
        return found
    days = (new_york_day(start), new_york_day(end))
    rows = db.execute("SELECT task, slot FROM runs WHERE day >= ? AND day <= ? AND slot IS NOT NULL", days)
    found |= {(task, instant(slot).astimezone(UTC)) for task, slot in rows}
    cycles = session_cycles.between(db, start, end)
    return found | {(cycle.task, cycle.slot.astimezone(UTC)) for cycle in cycles}
