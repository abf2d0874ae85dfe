"""What is not there, and why: contracts by reason, runs that did not succeed, null statistics, empty tables."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.slot_states import SlotState, Verdict, total_reasons
from v6.journal import evidence, runs
from v6.report.ledger_day import bounds
from v6.report.sources import Source

if TYPE_CHECKING:
    from v6.paths import Paths
    from v6.report.statistics_table import Statistics

MADE_BY = {
    "option_contracts": "queue_option_contracts",
    "option_snapshots": "collect_option_snapshots",
    "underlying_snapshots": "collect_option_snapshots",
    "futures_snapshots": "collect_futures_snapshots",
    "closing_marks": "final_data_collection",
    "bars": "load_enhanced_market_data",
    "intraday_statistics": "calculate_intraday_statistics",
    "daily_statistics": "calculate_daily_statistics",
    "option_greeks": "calculate_intraday_statistics",
    "quality_findings": "validate_data_quality",
    "quality_scores": "validate_data_quality",
    "slot_ledger": "validate_data_quality",
    "task_runs": "validate_data_quality",
    "positions": "validate_positions",
    "open_orders": "validate_positions",
    "executions": "validate_positions",
    "reconciliation": "validate_positions",
}
"""Table -> the task whose run fills it."""

MAY_BE_EMPTY = frozenset({"option_greeks", "quality_findings", "positions", "open_orders", "executions"})
"""Nothing of it can be the right answer, once its task has succeeded."""


@dataclass(frozen=True, slots=True)
class Collector:
    """`slots`: (verdict, how many); `reasons`: (why, contracts), most frequent first."""

    task: str
    slots: tuple[tuple[Verdict, int], ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NotRun:
    """Runs of a task that were due and ended alike without success. `outcome`: of the last attempt at each slot, or
    `never started`; `words`: what the last of them said, or how to ask why."""

    task: str
    outcome: str
    slots: tuple[datetime, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Empty:
    """A table without rows of the day, the task that fills it, and when that is due; None: not on that day."""

    table: str
    task: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Missing:
    """`nulls`: (symbol, reason, statistics without a value)."""

    collectors: tuple[Collector, ...]
    runs: tuple[NotRun, ...]
    nulls: tuple[tuple[str, str, tuple[str, ...]], ...]
    empty: tuple[Empty, ...]

    @property
    def runs_missing(self) -> int:
        return sum(len(group.slots) for group in self.runs)

    def of_table(self, table: str) -> Empty | None:
        return next((one for one in self.empty if one.table == table), None)


def read(
    paths: Paths,
    environ: Mapping[str, str],
    db: sqlite3.Connection,
    day: date,
    states: Sequence[SlotState],
    statistics: Statistics,
    sources: Sequence[Source],
    rightly_empty: Collection[str] = (),
) -> Missing:
    """`rightly_empty`: tables that have nothing to hold on this day."""
    start, end = bounds(day)
    due = evidence.expected_runs(paths, environ, start, end)
    began = runs.first_started(db)
    attempts = [run for run in runs.between(db, start, end) if run.slot is not None]
    last = {(run.task, run.slot): run for run in attempts}
    done = {run.task for run in attempts if run.outcome == "success"}
    return Missing(
        tuple(_collector(task, states) for task in sorted({state.task for state in states})),
        tuple(_not_run(due, last, began)),
        _nulls(statistics),
        tuple(
            Empty(source.table, task, next((slot for name, slot in due if name == task), None))
            for source in sources
            if not (source.rows or source.removed or source.unreadable or source.table in rightly_empty)
            and not ((task := MADE_BY[source.table]) in done and source.table in MAY_BE_EMPTY)
        ),
    )


def _collector(task: str, states: Sequence[SlotState]) -> Collector:
    own = [state for state in states if state.task == task]
    verdicts = Counter(state.verdict for state in own)
    counted = tuple((verdict, verdicts[verdict]) for verdict in Verdict if verdicts[verdict])
    return Collector(task, counted, tuple(total_reasons(own).most_common()))


def _not_run(
    due: Sequence[tuple[str, datetime]], last: Mapping[tuple[str, datetime], runs.Run], began: datetime | None
) -> Iterator[NotRun]:
    """By task and outcome. A skip is an answer, not a failure; what is not due yet is neither, nor what was due before
    anything ran here (`began`, None: nothing has)."""
    first = began.replace(second=0, microsecond=0) if began else None
    found: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    for task, slot in due:
        run = last.get((task, slot))
        if run is None and first is not None and first <= slot < clock.now():
            asking = f'v6 why {task} "{slot:%Y-%m-%d %H:%M}"'
            found.setdefault((task, "never started"), []).append((slot, asking))
        elif run is not None and run.outcome not in ("success", "skip"):
            said = run.summary or run.reason
            found.setdefault((task, run.outcome or "not ended"), []).append((slot, said))
    for (task, outcome), those in sorted(found.items()):
        yield NotRun(task, outcome, tuple(slot for slot, _ in those), those[-1][1])


def _nulls(statistics: Statistics) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    named: dict[tuple[str, str], list[str]] = {}
    for _, group in statistics.groups:
        for statistic in group:
            for symbol, figure in zip(statistics.symbols, statistic.figures, strict=True):
                if figure.value is None and figure.reason:
                    named.setdefault((symbol, figure.reason), []).append(statistic.name)
    return tuple((symbol, reason, tuple(names)) for (symbol, reason), names in sorted(named.items()))
