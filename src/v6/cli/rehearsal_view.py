"""What `v6 rehearse` shows: how far it is, and the books at the end."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from v6.cli import output
from v6.cli.history import totals
from v6.restart.counted import counted

if TYPE_CHECKING:
    from v6.rehearsal.books import Books
    from v6.rehearsal.rehearse import Plan
    from v6.rehearsal.window import Window

SHOWN = 10  # lines of a kind
WIDTH = 160  # characters of a reason


class Bar:
    """The progress bar; without a terminal, a line an hour of the rehearsed day."""

    def __init__(self, *, hidden: bool) -> None:
        self.console = output.console()
        self.hidden = hidden
        self.hour: datetime | None = None
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=hidden or not self.console.is_terminal,
        )
        self.bar = self.progress.add_task("building the stage", total=None)

    def __enter__(self) -> "Bar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, minutes: int) -> None:
        self.progress.update(self.bar, total=minutes)

    def at(self, minute: datetime, started: Sequence[str]) -> None:
        words = f"{minute:%a %H:%M %Z}  {len(started)} started"
        self.progress.update(self.bar, description=words, advance=1)
        hour = minute.replace(minute=0)
        if not self.console.is_terminal and not self.hidden and hour != self.hour:
            self.hour = hour
            output.say(f"{minute:%Y-%m-%d %H:%M %Z} ...")


def plain(books: "Books") -> dict[str, Any]:
    return {
        "whole": books.whole,
        "trading_day": books.trading_day,
        "prologue": [{"task": task, "slot": slot} for task, slot in books.prologue],
        "due": books.due,
        "expected_runs": books.expected_runs,
        "runs": {task: dict(outcomes) for task, outcomes in books.runs.items()},
        "gate_skips": [{"task": task, "reason": why, "count": n} for (task, why), n in books.gate_skips.items()],
        "not_done": [asdict(one) for one in books.not_done],
        "not_counted": [asdict(one) for one in books.not_counted],
        "slots": [asdict(state) for state in books.slots],
        "misses": dict(books.miss_reasons),
        "restarts_due": books.restarts_due,
        "restarts": [asdict(one) for one in books.restarts],
        "states": [asdict(one) for one in books.states],
        "session_cycles": [
            {"task": cycle.task, "slot": cycle.slot, "outcome": cycle.outcome, "summary": cycle.summary}
            for cycle in books.cycles
        ],
        "connections": {f"{minute:%H:%M}": count for minute, count in books.connections.items()},
        "missed": [one._asdict() for one in books.missed],
        "rows": books.rows,
        "alerts": books.alerts,
    }


def show(books: "Books", plan: "Plan", home: Path, seconds: float) -> None:
    spans = ", ".join(f"{w.start:%H:%M}-{w.end:%H:%M}" if w.end > w.start else f"{w.start:%H:%M}" for w in plan.windows)
    first = plan.windows[0].start
    output.say("")
    output.say(f"{first:%A} {first.date()}, {spans}: {books.expected_runs} runs expected, {seconds:.0f} s")
    if books.prologue:
        played = ", ".join(f"{slot:%H:%M} {task}" for task, slot in books.prologue)
        output.say(f"played before, as the window needs it (--no-prologue: not): {played}")
    output.table(
        None,
        ("task", "attempts by outcome", "turned away by the gate"),
        _task_rows(books),
    )
    output.say("")
    for line in totals(books.slots) or ["no slot of a collector was expected"]:
        output.say(line)
    if books.miss_reasons:
        output.say("missed: " + ", ".join(f"{reason} {n}" for reason, n in books.miss_reasons.most_common()))
    output.say("rows: " + (", ".join(f"{table} {rows}" for table, rows in books.rows.items()) or "none"))
    _show_connections(books)
    _show_restarts(books)
    _show_missed(books)
    for one in books.not_done[:SHOWN]:
        output.say(f"not done: {one.slot:%H:%M %Z} {one.task}: {_short(one.reason)}")
    if len(books.not_done) > SHOWN:
        output.say(f"... and {len(books.not_done) - SHOWN} more runs not done (v6 runs)")
    for one in books.not_counted[:SHOWN]:
        output.say(
            f"not counted, the recording has no quotes then: {one.slot:%H:%M %Z} {one.task}: {_short(one.reason)}"
        )
    if len(books.not_counted) > SHOWN:
        output.say(f"... and {len(books.not_counted) - SHOWN} more runs not counted")
    for title, delivered in books.alerts[:SHOWN]:
        output.say(
            f"alert: {title}{'' if delivered else ' (not sent)' if plan.alert_urls else ' (nobody to send it to)'}"
        )
    output.say(_verdict(books))
    _how_to_look(books, plan.windows[0], home)


def _show_connections(books: "Books") -> None:
    """A line only where the market session was at work: otherwise every run has a connection of its own."""
    if books.cycles:
        committed = sum(cycle.outcome == "success" for cycle in books.cycles)
        at = ", ".join(f"{minute:%H:%M} {count}" for minute, count in list(books.connections.items())[:SHOWN])
        more = " ..." if len(books.connections) > SHOWN else ""
        output.say(f"market session: {committed} of {counted(len(books.cycles), 'cycle')} committed")
        output.say(f"connections to TWS: {sum(books.connections.values())} ({at}{more})")


def _show_missed(books: "Books") -> None:
    """What V6 itself says of the time in which the host was down."""
    from v6.missed.catch_up import WORDS

    for cause, evidence in dict.fromkeys((one.cause, one.evidence) for one in books.missed):
        mine = [one for one in books.missed if (one.cause, one.evidence) == (cause, evidence)]
        output.say(
            f"never ran: {counted(len(mine), 'slot')} of {counted(len({one.task for one in mine}), 'task')}: {evidence}"
        )
    if wanted := [one for one in books.missed if one.catch_up]:
        output.say("made up (catch_up: same_day):")
    for one in wanted:
        output.say(f"  {one.slot:%m-%d %H:%M} {one.task}: {WORDS.get(one.catch_up, one.catch_up)}")


def _show_restarts(books: "Books") -> None:
    if books.states:
        way = [books.states[0].before, *(f"{moved.after} {moved.at:%H:%M}" for moved in books.states)]
        output.say("states: " + ", ".join(way))
    for restart in books.restarts:
        cancelled = f", {counted(restart.cancelled, 'order')} cancelled" if restart.cancelled else ""
        output.say(f"restart {restart.start:%H:%M %Z} {restart.window}: {restart.outcome}{cancelled}")
        for line in restart.words:
            output.say(f"  {_short(line)}")


def _verdict(books: "Books") -> str:
    if not books.due:
        return "nothing was due in this window: nothing was rehearsed"
    if books.restarts_due and not books.slots and books.whole:
        return "every run around TWS's restart succeeded; no collector was due"
    if books.collected_nothing:
        return "not a trading day: no collector was due, only what runs every day was rehearsed"
    return "everything expected is there" if books.whole else "NOT everything expected is there"


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} ..."


def _task_rows(books: "Books") -> list[tuple[str, str, str]]:
    tasks = sorted({*books.runs, *(task for task, _ in books.gate_skips)})
    return [
        (
            task,
            ", ".join(f"{n} {outcome}" for outcome, n in books.runs.get(task, {}).items()),
            ", ".join(f"{n} {why}" for (name, why), n in books.gate_skips.items() if name == task),
        )
        for task in tasks
    ]


def _how_to_look(books: "Books", window: "Window", home: Path) -> None:
    start, end = window.start, window.end
    wrong = [(state.task, state.slot) for state in books.slots if state.verdict != "complete"]
    right = [(state.task, state.slot) for state in books.slots]
    task, slot = (wrong or right[-1:] or [("health_check", end)])[0]
    questions = ["restart report", "restart history"] if books.restarts else []
    if books.slots or not books.restarts:
        questions.append(f"slots {start:%Y-%m-%d} --from {start:%H:%M} --to {end:%H:%M}")
    questions += ["runs --limit 30", f'why {task} "{slot:%Y-%m-%d %H:%M}"']
    if books.rows:
        questions.append("lake status")
    v6 = f"V6_HOME={shlex.quote(str(home))} {_command()}"
    output.say("\nlook at it:\n" + "\n".join(f"  {v6} {question}" for question in questions))


def _command() -> str:
    """The `v6` that runs now, so that it can be copied into any shell."""
    script = Path(sys.executable).absolute().with_name("v6")
    return shlex.quote(str(script)) if script.exists() else f"{shlex.quote(sys.executable)} -m v6.cli"
