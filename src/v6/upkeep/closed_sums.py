"""Which tables are sealed when a day is closed, and whether what they hold of it is still what was sealed.

    table                      rows of a past day                           arrival
    option_contracts           frozen versions of the universe              created_at
    option_snapshots,          quotes; nobody can ask TWS for them again    received_at
    underlying_, futures_,
    closing_marks
    positions, open_orders,    what TWS said at a check                     slot
    reconciliation
    executions                 fills; TWS tells them until midnight         executed_at

Not sealed, because a later run may rightly change them: bars (a bar becomes final, gaps are filled), option_greeks and
statistics (recomputable, also with a mended formula), quality, and the exports of the journal (the evening's runs).

A row that arrived after the day was closed may be added (a slot of the evening collected by hand, a check at 23:35):
the rows that had arrived before must still give the sealed number. Anything else is a change, and an error.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from v6.journal import closed_days
from v6.journal.closed_days import Closed
from v6.restart.counted import counted
from v6.store import delta
from v6.store.checksums import sha256_of
from v6.store.columns import partition_of
from v6.store.tables import table_of

if TYPE_CHECKING:
    import polars as pl

    from v6.store.lake import Lake

MARKET_TABLES = {
    "option_contracts": "created_at",
    "option_snapshots": "received_at",
    "underlying_snapshots": "received_at",
    "futures_snapshots": "received_at",
    "closing_marks": "received_at",
}
"""Sealed when their day is closed -> the column that tells when a row arrived."""
ACCOUNT_TABLES = {
    "positions": "slot",
    "open_orders": "slot",
    "executions": "executed_at",
    "reconciliation": "slot",
}
"""Sealed when their day is over: checks go on until midnight."""
ARRIVAL = MARKET_TABLES | ACCOUNT_TABLES


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a table holds of a closed day against what was sealed. `added`: rows that arrived since; `change`: what is
    wrong, "" when nothing is."""

    sha256: str
    rows: int
    added: int
    change: str


def compare(sealed: Closed, rows: pl.DataFrame) -> Comparison:
    """`rows`: all that the table holds of the day now."""
    now = sha256_of(sealed.table, rows)
    if now == sealed.sha256:
        return Comparison(now, len(rows), 0, "")
    earlier = arrived_by(sealed.closed_at, sealed.table, rows)
    added = len(rows) - len(earlier)
    if added and sha256_of(sealed.table, earlier) == sealed.sha256:
        return Comparison(now, len(rows), added, "")
    what = f"{counted(sealed.rows, 'row')} when it was closed, {len(earlier)} of that time now"
    if len(earlier) == sealed.rows:
        what = f"values of its {counted(sealed.rows, 'row')} are not those of the time it was closed"
    return Comparison(now, len(rows), added, f"{sealed.table}: {sealed.day}: {what}")


def gone_missing(db: sqlite3.Connection, lake: Lake) -> list[str]:
    """Partitions of which the log lists fewer rows than were sealed, in words: it is older than the day's closing.

    Files that such a log does not know may be the day's own: none may be removed as unknown. Reads no data.
    """
    missing = []
    for table in ARRIVAL:
        form = table_of(table)
        sealed: dict[date, int] = defaultdict(int)
        for one in closed_days.of_table(db, table):
            sealed[partition_of(form, one.day)] += one.rows if one.removed_at is None else 0
        held = _listed(lake, table)
        missing += [
            f"{table}: {part}: {counted(rows, 'row')} when it was closed, the log lists {held.get(part, 0)}"
            for part, rows in sorted(sealed.items())
            if held.get(part, 0) < rows
        ]
    return missing


def _listed(lake: Lake, table: str) -> dict[date, int]:
    """Partition -> rows."""
    if (stored := lake.opened(table)) is None:
        return {}
    listed: dict[date, int] = defaultdict(int)
    name = f"partition.{table_of(table).partition}"
    for part, rows in delta.files(stored).select(name, "num_records").iter_rows():
        listed[part] += rows
    return listed


def arrived_by(moment: datetime, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Those of the rows that had arrived by then."""
    import polars as pl

    return rows.filter(pl.col(ARRIVAL[table]) <= moment.astimezone(UTC))
