"""The journal's ledger and runs of a New York day as rows of the lake: what is recomputable from the journal and must
outlive it. One commit a table and none when nothing has changed (`Lake.replace`), so a repeat is safe at any moment.

What the journal knows nothing of is left as the lake has it: its rows have been let go since (cleanup_old_data), or the
journal is an older one that was restored.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from v6.clock import NEW_YORK
from v6.journal import ledger, runs
from v6.store.frames import rows_to_frame
from v6.store.tables import table_of

if TYPE_CHECKING:
    import polars as pl

    from v6.store.lake import Lake

LEDGER, RUNS = "slot_ledger", "task_runs"
IDENTITY = {LEDGER: ("task", "slot"), RUNS: ("run",)}
"""What is exported as a whole: all of a slot's reasons, a run."""
NEVER_CLOSED = "killed"
"""The reason of what a slot that was opened and never closed leaves unexplained."""


def export_day(db: sqlite3.Connection, lake: Lake, day: date) -> list[str]:
    """Bring both tables in line with the journal; the names of those that had to change."""
    return [
        table
        for table, rows in ((LEDGER, ledger_rows(db, day)), (RUNS, run_rows(db, day)))
        if rows and lake.replace(table, _united(lake, table, day, _frame(table, rows)), trade_date=day)
    ]


def _united(lake: Lake, table: str, day: date, known: pl.DataFrame) -> pl.DataFrame:
    """And what the lake has of the day that the journal does not know: it is an older one, restored."""
    held = lake.read(table, trade_date=day)
    return known.vstack(held.join(known, on=IDENTITY[table], how="anti").select(known.columns))


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """An empty reason or summary is one: it is not unknown."""
    import polars as pl

    return rows_to_frame(table, rows).with_columns(
        pl.col(column.name).fill_null("")
        for column in table_of(table).columns
        if column.required and column.type == "string"
    )


def ledger_rows(db: sqlite3.Connection, day: date) -> list[dict[str, Any]]:
    """Rows of `slot_ledger`: of each slot one for its complete contracts, and one a status and reason of the others;
    none of 0 contracts."""
    start = midnight(day)
    return [
        {
            "trade_date": day,
            "slot": line.slot,
            "task": line.task,
            "status": status,
            "reason": reason,
            "contracts": contracts,
            "expected": line.expected,
            "universe_version": line.universe_version,
        }
        for line in ledger.slots_of(db, None, start, midnight(day + timedelta(days=1)))
        for status, reason, contracts in _parts(db, line)
    ]


def run_rows(db: sqlite3.Connection, day: date) -> list[dict[str, Any]]:
    """Rows of `task_runs`: every attempt and skip of the day; one that is still at work has no end yet."""
    return [
        {name: getattr(run, name) for name in _RUN_COLUMNS} | {"trade_date": day, "run": run.id}
        for run in runs.of_day(db, day.isoformat())
    ]


_RUN_COLUMNS = (
    "task",
    "slot",
    "attempt",
    "started_at",
    "ended_at",
    "exit_code",
    "outcome",
    "reason",
    "wall_seconds",
    "cpu_seconds",
    "peak_memory_mb",
    "summary",
)


def midnight(day: date) -> datetime:
    """The first instant of the New York day."""
    return datetime.combine(day, time(), NEW_YORK)


def _parts(db: sqlite3.Connection, line: ledger.Slot) -> Iterator[tuple[str, str, int]]:
    """(status, reason, contracts) of a slot; together they are what it expected."""
    if line.complete:
        yield "complete", "", line.complete
    misses = Counter((miss.status, miss.reason) for miss in ledger.misses(db, line.task, line.slot))
    unexplained = line.expected - line.complete - misses.total()
    if unexplained > 0:
        misses["missing", NEVER_CLOSED] += unexplained
    for (status, reason), contracts in sorted(misses.items()):
        yield status, reason, contracts
