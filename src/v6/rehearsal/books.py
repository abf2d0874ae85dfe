"""What a rehearsal leaves behind, counted from journal, ledger, lake and gate log, never from what was hoped for."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from v6.analysis.slot_states import SlotState, Verdict, total_reasons
from v6.journal import events, evidence, missed, runs, session_cycles
from v6.journal.missed import MissedSlot
from v6.journal.runs import Run
from v6.journal.session_cycles import Cycle
from v6.rehearsal.long_lived import long_lived_tasks
from v6.rehearsal.prologue import around_restart, tasks_of
from v6.rehearsal.recording import RecordedDay
from v6.rehearsal.restarts import Moved, Rehearsed, moves, rehearsed
from v6.rehearsal.stage import Stage, calendar_of
from v6.rehearsal.window import MINUTE, Window

RIGHTLY_SKIPPED = frozenset(("nothing_due", "nothing_owed", "not_yet", "done", runs.COVERED))
"""Reasons for having nothing to do: post_restart's, as every quarter of an hour, and a collector's whose slot the
market session has committed. Not what a run cannot do."""
GOES_ON = "running"
"""A long-lived task whose run of an earlier slot is still at work has nothing to do either."""
AFTERWARDS = timedelta(minutes=10)  # by then a slot is over: what is not there is missing


@dataclass(frozen=True, slots=True)
class NotDone:
    """A run that the schedule expected and that did not succeed, and why."""

    task: str
    slot: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Books:
    """`runs`: outcomes of attempts by task; `gate_skips`: (task, reason) of what the gate turned away;
    `slots`: every collector's slot of the windows; `rows`: by table; `alerts`: (title, delivered). `prologue`: (task,
    slot) of what was played before the windows; it counts among the runs. `due`: runs expected in the windows.
    `trading_day`: whether a session begins in the windows' days. `not_counted`: what a replay cannot serve, because the
    recording has no quotes at that time: runs not done, and slots of collectors, which `slots` leaves out.
    `restarts_due`: how many of `due` stand at a restart of TWS; `restarts`, `states`: what became of those. `cycles`:
    slots that the market session collected or tried to; `connections`: accepted by TWS, by minute. `missed`: slots that
    V6 itself has found to have never run."""

    prologue: list[tuple[str, datetime]]
    due: int
    expected_runs: int
    runs: dict[str, Counter[str]]
    gate_skips: Counter[tuple[str, str]]
    not_done: list[NotDone]
    slots: list[SlotState]
    rows: dict[str, int]
    alerts: list[tuple[str, bool]]
    trading_day: bool = True
    not_counted: list[NotDone] = field(default_factory=list)
    restarts_due: int = 0
    restarts: list[Rehearsed] = field(default_factory=list)
    states: list[Moved] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)
    connections: Mapping[datetime, int] = field(default_factory=dict)
    missed: list[MissedSlot] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Everything expected is there: every run succeeded and every contract of every slot is complete.

        Where nothing was due, nothing was rehearsed.
        """
        complete = all(state.verdict is Verdict.COMPLETE for state in self.slots)
        return self.due > 0 and not self.not_done and not self.missed and complete

    @property
    def collected_nothing(self) -> bool:
        """No slot of a collector was due because the exchange is closed that day, nor was a restart of TWS."""
        return not self.trading_day and not self.slots and not self.restarts_due

    @property
    def miss_reasons(self) -> Counter[str]:
        return total_reasons(self.slots)


def read_books(
    stage: Stage,
    windows: Sequence[Window],
    prologue: Sequence[tuple[str, datetime]] = (),
    recorded: RecordedDay | None = None,
    connections: Mapping[datetime, int] | None = None,
) -> Books:
    """The books of the stage over its windows and what was played before them, after everything has ended."""
    from v6.journal.database import connect

    with_end = [(window.start, window.end + MINUTE) for window in windows]
    due = [pair for start, end in with_end for pair in evidence.expected_runs(stage.paths, {}, start, end)]
    expected = [*prologue, *due]
    tasks = tasks_of(stage)
    db = connect(stage.paths.journal)
    try:
        attempts = _before(db, prologue) + [run for start, end in with_end for run in runs.between(db, start, end)]
        states = [
            state
            for start, end in with_end
            for state in evidence.slot_states(stage.paths, {}, start, end, end + AFTERWARDS)
        ]
        skips = [
            skip
            for skip in evidence.gate_skips(evidence.gate_log(stage.paths))
            if any(start <= skip[0] < end + MINUTE for start, end in with_end)
        ]
        first = prologue[0][1] if prologue else min(window.start for window in windows)
        cycles = [cycle for start, end in with_end for cycle in session_cycles.between(db, start, end)]
        restarts, moved = rehearsed(db, windows, stage.home), moves(db, windows)
        alerts = [(alert.title, alert.delivered_at is not None) for alert in events.alerts_since(db, first)]
        never_ran = missed.between(db, windows[0].start, windows[-1].end + MINUTE)
        attempts += _made_up(db, never_ran, {run.id for run in attempts})
    finally:
        db.close()
    gate = {(task, slot): reason for _, task, slot, reason in skips}
    not_done = _not_done(expected, attempts, gate, long_lived_tasks(stage))
    return Books(
        prologue=list(prologue),
        due=len(due),
        expected_runs=len(expected),
        runs=_outcomes(attempts),
        gate_skips=Counter((task, reason) for _, task, _, reason in skips),
        not_done=[one for one in not_done if _counts(one, recorded)],
        slots=[state for state in states if _counts(state, recorded)],
        rows=_rows(stage),
        alerts=alerts,
        trading_day=not closed_day(stage, windows),
        not_counted=[one for one in not_done if not _counts(one, recorded)],
        restarts_due=sum(around_restart(tasks[task]) for task, _ in due),
        restarts=restarts,
        states=moved,
        cycles=cycles,
        connections=connections or {},
        missed=never_ran,
    )


def closed_day(stage: Stage, windows: Sequence[Window]) -> str:
    """Why no day of the windows is a trading day, by the stage's compiled calendar; empty when one is."""
    calendar = calendar_of(stage)
    days = sorted({day for window in windows for day in (window.start.date(), window.end.date())})
    if any(map(calendar.is_trading_day, days)):
        return ""
    return f"{days[0]} is not a trading day ({calendar.closure_reason(days[0])})"


def _counts(one: NotDone | SlotState, recorded: RecordedDay | None) -> bool:
    return recorded is None or recorded.covers(one.slot)


def _before(db: sqlite3.Connection, prologue: Sequence[tuple[str, datetime]]) -> list[Run]:
    return [run for task, slot in prologue for run in runs.of_slot(db, task, slot)]


def _made_up(db: sqlite3.Connection, never_ran: Sequence[MissedSlot], known: Collection[int]) -> list[Run]:
    """Their slots may lie outside of the windows."""
    started = [one for one in never_ran if one.catch_up == missed.STARTED]
    return [run for one in started for run in runs.of_slot(db, one.task, one.slot) if run.id not in known]


def _outcomes(attempts: Sequence[Run]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for run in attempts:
        word = f"skip: {run.reason}" if run.outcome == "skip" else run.outcome or "never ended"
        counted.setdefault(run.task, Counter())[word] += 1
    return counted


def _not_done(
    expected: Sequence[tuple[str, datetime]],
    attempts: Sequence[Run],
    skips: dict[tuple[str, datetime | None], str],
    long_lived: Collection[str] = (),
) -> list[NotDone]:
    last: dict[tuple[str, datetime], Run] = {(run.task, run.slot): run for run in attempts if run.slot is not None}
    missing = []
    for task, slot in expected:
        run = last.get((task, slot))
        if run is None:
            missing.append(NotDone(task, slot, skips.get((task, slot), "never started")))
        elif run.outcome != "success" and not _rightly_skipped(run, long_lived):
            words = (run.outcome or "never ended", run.reason, run.summary)
            missing.append(NotDone(task, slot, ": ".join(dict.fromkeys(word for word in words if word))))
    return missing


def _rightly_skipped(run: Run, long_lived: Collection[str]) -> bool:
    goes_on = run.reason == GOES_ON and run.task in long_lived
    return bool(run.outcome == "skip" and (goes_on or run.reason in RIGHTLY_SKIPPED))


def _rows(stage: Stage) -> dict[str, int]:
    from v6.config.load import load
    from v6.store.lake import Lake

    lake = Lake.at(load(stage.paths, {}).settings.lake, stage.paths)
    return {table.name: table.rows for table in lake.status() if table.exists}
