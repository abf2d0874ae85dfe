"""`v6 why`, `v6 runs`, `v6 events` and `v6 slots`: what happened, and why something did not."""

import os
from contextlib import closing
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import Timetable, require_task, timetable
from v6.cli.journals import journal_if_any
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from datetime import datetime

    from v6.analysis.slot_states import SlotState
    from v6.journal.events import Event
    from v6.journal.runs import Run
    from v6.rehearsal.window import Window

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Task = Annotated[str | None, typer.Option(help="Only this task.")]


def register(app: typer.Typer) -> None:
    app.command()(why)
    app.command()(runs)
    app.command()(events)
    app.command()(slots)


def why(
    task: Annotated[str, typer.Argument(help="A task of the schedule.")],
    when: Annotated[
        str | None,
        typer.Argument(help="'2026-11-27 13:05', 13:05 (today) or now; default: the task's latest slot."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Why a run did or did not happen: schedule, calendar, gate, journal, on one screen."""
    from v6.runner.why import explain

    instant = moments.moment(when or "now")
    now = timetable()
    if when is None and task in now.schedule.tasks:
        instant = _latest_slot(now, task) or instant
    known = explain(Paths.locate(), task, instant, os.environ)
    if not as_json:
        output.say(str(known))
        return
    facts = {field.name: getattr(known, field.name) for field in fields(known)}
    facts["decision"] = known.decision._asdict()
    facts["attempts"] = [run._asdict() for run in known.attempts]
    facts["skips"] = [{"at": at, "reason": reason} for at, reason in known.skips]
    output.as_json(facts)


def runs(
    task: Task = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The latest runs, one line an attempt."""
    found = _recent(task, limit)
    if task and not found:
        require_task(task, timetable().schedule.tasks)
    if as_json:
        output.as_json([run._asdict() for run in found])
        return
    if not found:
        output.say("no run in the journal" + (f" of {task}" if task else ""))
        return
    output.table(
        None,
        ("started", "task", "slot", "try", "outcome", "wall s", "cpu s", "MB", "what"),
        [_run_row(run) for run in found],
        right="try wall cpu MB",
    )


def events(
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as emergency_restart.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The audit trail: what happened, by whom and with which details; the latest events, the newest last."""
    found = _events(kind, limit)
    if as_json:
        output.as_json([event._asdict() for event in found])
        return
    if not found:
        output.say("no event in the journal" + (f" of the kind {kind}" if kind else ""))
    for event in found:
        output.say(f"{event.at:%Y-%m-%d %H:%M:%S %Z}  {event.kind}  {event.text}")
        for name, value in event.details.items():
            output.say(f"    {name}: {_plainly(value)}")


def slots(
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, today, yesterday.")],
    task: Task = None,
    start: Annotated[str, typer.Option("--from", help="First slot, HH:MM New York.")] = "00:00",
    end: Annotated[
        str, typer.Option("--to", help="Last slot, HH:MM New York; before --from: on the next day.")
    ] = "23:59",
    as_json: AsJson = False,
) -> None:
    """Every slot that calendar and schedule expect of a date: complete, partial or missing, and why.

    Exit code 1 when a slot whose time has come is not complete.
    """
    from v6.analysis.slot_states import Verdict
    from v6.rehearsal.window import window_of

    date_ = moments.day(day)
    window = window_of(date_, moments.wall(start), moments.wall(end))
    states = [state for state in _states(window) if task in (None, state.task)]
    if task and not states:
        _require_collector(task)
    if as_json:
        output.as_json([asdict(state) for state in states])
    else:
        _show_slots(date_, states)
    if any(state.verdict in (Verdict.PARTIAL, Verdict.MISSING) for state in states):
        raise typer.Exit(output.NO)


def _recent(task: str | None, limit: int) -> "list[Run]":
    from v6.journal import runs as journal_runs

    db = journal_if_any()
    if db is None:
        return []
    with closing(db):
        return journal_runs.recent(db, task, limit)


def _events(kind: str | None, limit: int) -> "list[Event]":
    """Oldest first."""
    from v6.journal import events as journal_events

    db = journal_if_any()
    if db is None:
        return []
    with closing(db):
        return journal_events.recent(db, kind, limit)[::-1]


def _plainly(value: object) -> str:
    """A value of an event's details, in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_plainly, value)) or "none"
    return str(value)


def _states(window: "Window") -> "list[SlotState]":
    from v6.journal.evidence import slot_states

    timetable()
    return slot_states(Paths.locate(), os.environ, window.start, window.end + timedelta(minutes=1), clock.now())


def _require_collector(task: str) -> None:
    from v6.journal.ledger import WRITERS

    tasks = timetable().schedule.tasks
    collectors = [name for name, known in tasks.items() if known.script in WRITERS]
    if task in tasks and task not in collectors:
        raise FatalError(f"{task} has no slots of contracts, allowed: {', '.join(collectors)}")
    require_task(task, collectors)


def _run_row(run: "Run") -> tuple[object, ...]:
    what = " ".join(part for part in (run.reason, run.summary, run.note) if part)
    return (
        f"{run.started_at:%Y-%m-%d %H:%M:%S}",
        run.task,
        f"{run.slot:%m-%d %H:%M}" if run.slot else "by hand",
        run.attempt or "",
        run.outcome or "running",
        _figure(run.wall_seconds, 1),
        _figure(run.cpu_seconds, 1),
        _figure(run.peak_memory_mb, 0),
        what,
    )


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _show_slots(day: date, states: "list[SlotState]") -> None:
    if not states:
        output.say(f"{day:%A} {day}: no slot of a collector is expected, none was collected")
        return
    output.say(f"{day:%A} {day}")
    output.table(
        None,
        ("slot", "task", "state", "expected", "complete", "partial", "missing", "reasons"),
        [_slot_row(state) for state in states],
        right="expected complete partial missing",
    )
    output.say("")
    for line in totals(states):
        output.say(line)
    if any("before_first_run" in state.reasons for state in states):
        output.say(f"before_first_run: before V6 was installed here ({_first_run()})")


def _latest_slot(now: "Timetable", task: str) -> "datetime | None":
    """None where the task had none in a week."""
    from v6.journal.evidence import due_slots

    end = clock.now()
    tasks = (now.schedule.tasks[task],)
    slots = list(due_slots(tasks, now.schedule.windows, now.calendar, end - timedelta(days=8), end))
    return slots[-1][1].astimezone(clock.NEW_YORK) if slots else None


def _first_run() -> str:
    from v6.journal import runs as journal_runs

    db = journal_if_any()
    if db is None:
        return "nothing has run yet"
    with closing(db):
        begun = journal_runs.begun(db)
    return f"first run {begun:%Y-%m-%d %H:%M %Z}" if begun else "nothing has run yet"


def _slot_row(state: "SlotState") -> tuple[Any, ...]:
    expected = "?" if state.expected is None else state.expected
    return (
        f"{state.slot:%H:%M %Z}",
        state.task,
        str(state.verdict),
        expected,
        state.complete,
        state.partial,
        "?" if state.missing is None else state.missing,
        _reasons(state),
    )


def _reasons(state: "SlotState") -> str:
    if len(state.reasons) == 1 and state.missing in (None, state.expected):
        words = next(iter(state.reasons))
    else:
        words = ", ".join(f"{reason} {count}" for reason, count in state.reasons.items())
    return f"{words}; {state.note}".strip("; ") if state.note else words


def totals(states: "list[SlotState]") -> list[str]:
    """One line a task: slots and contracts, by state."""
    lines = []
    for task in sorted({state.task for state in states}):
        mine = [state for state in states if state.task == task]
        verdicts = {
            verdict: sum(s.verdict == verdict for s in mine) for verdict in dict.fromkeys(s.verdict for s in mine)
        }
        words = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
        counts = [state.expected for state in mine if state.expected is not None]
        known = sum(counts) if len(counts) == len(mine) else "?"
        lines.append(
            f"{task}: {len(mine)} slots: {words}; {sum(s.complete for s in mine)} of {known} contracts complete"
        )
    return lines
