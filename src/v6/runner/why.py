"""Why a run did or did not happen: the schedule and the calendar, the gate's log, the journal and the ledger."""

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from v6 import clock
from v6.clock import NEW_YORK
from v6.cron.present import present
from v6.journal import evidence, ledger, missed, runs, session_cycles
from v6.journal.database import connect
from v6.journal.missed import MissedSlot
from v6.journal.runs import Run
from v6.journal.session_cycles import Cycle
from v6.model import FatalError
from v6.paths import Paths
from v6.scheduler import compiled
from v6.scheduler.compiled import Schedule, Task
from v6.scheduler.due import LATE_MINUTES, Decision, decide
from v6.scheduler.nyse_calendar import NYSECalendar

NEAR = timedelta(minutes=LATE_MINUTES + 1)
SHOWN = 12

SKIPS = {
    "disabled": "the task is disabled",
    "weekend": "it wants a trading day, and NYSE is closed at weekends",
    "holiday": "it wants a trading day, and NYSE is closed",
    "not_slot": "it has no slot there",
    "phase": "its slot is outside the market phase it wants",
    "restart_window": "it needs TWS, which restarts then",
    "slot_taken": "another start already had the slot",
    "running": "an earlier run of the task was still at work",
    "dependency": "a task it depends on had not succeeded",
    "deadline": "it was started too late to end in time",
    "no_input": "there was nothing to work on yet",
    "covered_by_session": "the market session had collected its slot",
    "not_persistent": "it needs ibkr.persistent_connection",
    "no_session": "no market session was to be held then",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`answer`: one sentence. `decision`: what schedule and calendar say (those in force now). `skips`: (when, reason)
    of the gate's log; `attempts`: the journal's rows; `never_fired`: due slots of that New York day without any trace;
    `session`: what the market session did of the slot, empty when it did nothing; `missed`: what a look for missed
    slots has recorded of it, empty when nothing; `cron`: what a person must know of its line there.
    """

    task: str
    when: datetime
    answer: str
    schedule: str
    calendar: str
    decision: Decision
    skips: tuple[tuple[datetime, str], ...]
    attempts: tuple[Run, ...]
    ledger: str
    never_fired: tuple[datetime, ...]
    session: str = ""
    missed: str = ""
    cron: str = ""

    def __str__(self) -> str:
        verdict = "due" if self.decision.run else f"not due: {self.decision.reason}"
        slot = f", slot {self.decision.slot:%H:%M %Z}" if self.decision.slot else ""
        lines = [
            f"{self.task} at {self.when:%A %Y-%m-%d %H:%M %Z}: {self.answer}",
            "",
            f"  schedule     {self.schedule}",
            f"  calendar     {self.calendar}",
            f"  decision     {verdict}{slot}",
            *_column("gate log", [f"{at:%H:%M:%S} skip {reason}: {_words(reason)}" for at, reason in self.skips]),
            *_column("journal", _lines(self.attempts)),
            *([f"  missed       {self.missed}"] if self.missed else []),
            *([f"  cron         {self.cron}"] if self.cron else []),
            *([f"  session      {self.session}"] if self.session else []),
            f"  ledger       {self.ledger}",
            *_column("never fired", _ranges(self.never_fired)),
        ]
        return "\n".join(lines)


def explain(paths: Paths, task: str, when: datetime, environ: Mapping[str, str] = os.environ) -> Explanation:
    """Answer for the task's slot at that aware instant or up to four minutes before. Raises FatalError for an unknown
    task, ScheduleError when nothing was ever compiled."""
    when = when.astimezone(NEW_YORK)
    schedule = compiled.load(paths.compiled / "schedule.txt", dict(environ))
    if task not in schedule.tasks:
        raise FatalError(f"{task} is not a task of the schedule, allowed: {', '.join(sorted(schedule.tasks))}")
    calendar = NYSECalendar(paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
    task_ = schedule.tasks[task]
    decision = decide(task_, when, calendar, schedule.windows)
    moment = decision.slot or when
    skips = [
        (at, slot, reason)
        for at, name, slot, reason in evidence.gate_skips(evidence.gate_log(paths), moment - NEAR)
        if name == task
    ]
    nearby = tuple((at, reason) for at, slot, reason in skips if slot == moment or abs(at - when) < NEAR)
    db = connect(paths.journal) if paths.journal.exists() else None
    try:
        attempts = _attempts(db, task, decision.slot, when)
        never = _never_fired(paths, db, schedule, calendar, task_, moment)
        recorded = missed.of_slot(db, task, moment) if db is not None else None
        known = _ledger_line(db, task, moment)
        before = _not_yet(db, task, moment)
        cycle = session_cycles.of_slot(db, task, moment) if db is not None else None
    finally:
        if db is not None:
            db.close()
    installed = present(paths)
    lines = installed.words(task) if installed else ""
    return Explanation(
        task=task,
        when=when,
        answer=_answer(
            decision,
            nearby,
            attempts,
            cycle,
            moment,
            _not_due(decision.reason, task_, calendar, moment),
            recorded,
            before or lines,
        ),
        schedule=_schedule_line(schedule, task_),
        calendar=_calendar_line(calendar, moment),
        decision=decision,
        skips=nearby[-SHOWN:],
        attempts=attempts[-SHOWN:],
        ledger=known,
        never_fired=never,
        session=session_cycles.in_words(cycle) if cycle else "",
        missed=missed.in_words(recorded) if recorded else "",
        cron=lines,
    )


def _answer(
    decision: Decision,
    skips: tuple[tuple[datetime, str], ...],
    attempts: tuple[Run, ...],
    cycle: Cycle | None,
    moment: datetime,
    not_due: str,
    recorded: MissedSlot | None,
    known: str,
) -> str:
    """`known`: why it could not fire, as far as it is known without a trace of it."""
    if attempts:
        last = attempts[-1]
        if last.outcome == "skip":
            return f"skipped ({last.reason}): {last.summary or _words(last.reason)}"
        if last.outcome is None:
            return "it is running, or was killed and no later run has noticed yet"
        if last.outcome == "killed":
            return "it was killed"
        words = last.summary or last.note
        return f"it ran: {last.outcome}" + (f": {words}" if words else "")
    if cycle is not None and cycle.outcome == session_cycles.SUCCESS:
        return f"no run of its own: {session_cycles.in_words(cycle)}"
    if skips:
        reason = skips[-1][1]
        return f"the gate skipped it ({reason}): {not_due if reason == decision.reason else _words(reason)}"
    if recorded is not None:
        return f"it was missed ({recorded.cause}): {recorded.evidence}"
    if not decision.run:
        return f"it was not due ({decision.reason}): {not_due}"
    if moment > clock.now():
        return "it is due then, in the future"
    if known:
        return f"it never fired: {known}"
    return "it was expected but never fired: neither the gate nor the journal knows of it (cron or the host was down?)"


def _not_yet(db: sqlite3.Connection | None, task: str, moment: datetime) -> str:
    """Whether it was before V6 worked here, or before it knew the task as it is."""
    begun = runs.begun(db) if db is not None else None
    if db is None or begun is None:
        return ""
    if moment < begun:
        return f"that was before V6 was installed here (first run {begun:%Y-%m-%d %H:%M %Z})"
    _, since = missed.known_since(db).get(task, ("", begun))
    return f"that was before the task was scheduled as it is now ({since:%Y-%m-%d %H:%M %Z})" if moment < since else ""


def _not_due(reason: str, task: Task, calendar: NYSECalendar, moment: datetime) -> str:
    if reason == "phase":
        return f"it wants {task.phase}, and the market phase was {calendar.get_market_phase(moment)}"
    if reason == "holiday":
        return f"{_words(reason)}: {calendar.closure_reason(moment.astimezone(NEW_YORK).date())}"
    return _words(reason)


def _attempts(db: sqlite3.Connection | None, task: str, slot: datetime | None, when: datetime) -> tuple[Run, ...]:
    if db is None:
        return ()
    if slot is not None and (found := runs.of_slot(db, task, slot)):
        return tuple(found)
    return tuple(
        run for run in runs.between(db, when - NEAR, when + NEAR, task) if run.slot is None or run.slot == slot
    )


def _never_fired(
    paths: Paths,
    db: sqlite3.Connection | None,
    schedule: Schedule,
    calendar: NYSECalendar,
    task: Task,
    moment: datetime,
) -> tuple[datetime, ...]:
    """Due slots of the day that are over and of which neither the gate's log nor the journal has a trace."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = min(start + timedelta(days=1), clock.now() - NEAR)
    if end <= start:
        return ()
    if db is not None and (begun := runs.begun(db)) is not None:
        start = max(start, begun)
    known = evidence.traced(db, evidence.gate_log(paths), start, end)
    due = evidence.due_slots([task], schedule.windows, calendar, start, end)
    return tuple(slot.astimezone(NEW_YORK) for name, slot in due if (name, slot) not in known)


def _ledger_line(db: sqlite3.Connection | None, task: str, slot: datetime) -> str:
    line = ledger.slot_of(db, task, slot) if db is not None else None
    if line is None or db is None:
        return "no line for this slot"
    figures = f"{line.expected} expected, {line.complete} complete, {line.partial} partial, {line.missing} missing"
    reasons = ledger.reasons(db, task, slot, slot + timedelta(minutes=1))
    why = ", ".join(f"{reason} {count}" for _, reason, count in reasons)
    return f"{line.state}: {figures}" + (f" ({why})" if why else "") + (f"; {line.note}" if line.note else "")


def _schedule_line(schedule: Schedule, task: Task) -> str:
    if task.kind == "every":
        times = f"every {task.period_min} min" + (f" at :{task.minute:02}" if task.minute else "")
    elif task.anchor == "clock":
        times = f"at {task.offset_min // 60:02}:{task.offset_min % 60:02} {schedule.timezone}"
    else:
        times = f"at {task.anchor}{task.offset_min:+} min"
    parts = [times, f"days {task.days}", f"phase {task.phase}"]
    parts += [f"weekday {task.weekday}"] if task.weekday != "*" else []
    parts += ["needs TWS"] if task.needs_gateway else []
    return ", ".join([*parts, "enabled" if task.enabled else "DISABLED"])


def _calendar_line(calendar: NYSECalendar, moment: datetime) -> str:
    day = moment.astimezone(NEW_YORK).date()
    session = calendar.session(day)
    if session is None:
        return f"{day} closed: {calendar.closure_reason(day)}"
    name = calendar.deviation(day)
    phase = calendar.get_market_phase(moment)
    return f"{day} session {session.open:%H:%M}-{session.close:%H:%M}" + (f" ({name})" if name else "") + f", {phase}"


def _lines(attempts: tuple[Run, ...]) -> list[str]:
    """What attempts in a row have in common is said once."""
    lines = []
    for before, run in zip((None, *attempts), attempts, strict=False):
        same = before is not None and run.summary and (before.reason, before.summary) == (run.reason, run.summary)
        lines.append(_line(run._replace(summary="the same", reason="") if same else run))
    return lines


def _line(run: Run) -> str:
    cost = f", {run.wall_seconds:.1f} s" if run.wall_seconds else ""
    code = f" exit {run.exit_code}" if run.exit_code is not None else ""
    words = ": ".join(part for part in (_reason(run), run.summary, run.note) if part)
    attempt = f"attempt {run.attempt} " if run.attempt else ""
    return f"{run.started_at:%H:%M:%S} {attempt}{run.outcome or 'no end'}{code}{cost}" + (
        f" - {words}" if words else ""
    )


def _reason(run: Run) -> str:
    """Unless the summary begins with it."""
    return "" if (run.summary or "").startswith(run.reason or "-") else run.reason


def _words(reason: str) -> str:
    return SKIPS.get(reason, reason)


def _column(title: str, lines: list[str]) -> list[str]:
    shown = lines or ["nothing"]
    return [f"  {title if index == 0 else '':<12} {text}" for index, text in enumerate(shown)]


def _ranges(slots: tuple[datetime, ...]) -> list[str]:
    if not slots:
        return ["no other slot of that day"]
    shown = ", ".join(f"{slot:%H:%M}" for slot in slots[:SHOWN])
    more = f" and {len(slots) - SHOWN} more" if len(slots) > SHOWN else ""
    return [f"{shown}{more}"]
