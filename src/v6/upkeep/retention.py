"""Which partitions of the lake are older than their table is kept, and their removal.

Only closed days go: their checksums stay in the journal, marked before the rows are taken out, so that an audit after a
kill in between finds either the rows as they were sealed or none. Today and days that were never closed stay, and so do
the newest closed days whatever the clock says (`v6.upkeep.elapsed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from v6 import failpoint
from v6.journal import closed_days
from v6.restart.counted import counted
from v6.runner.context import Context
from v6.store import delta
from v6.store.tables import table_of
from v6.upkeep.closed_sums import MARKET_TABLES
from v6.upkeep.elapsed import limit

if TYPE_CHECKING:
    import polars as pl

CLOSED_WITH = "option_snapshots"
"""A table that is not sealed itself (computed greeks) counts as closed with the quotes it was computed from."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Trade dates of a table that may go, their figures, and those that are old enough and were never closed.

    `held_back`: why days that are old by the clock stay, "" when none does.
    """

    table: str
    days: tuple[date, ...]
    files: int
    rows: int
    size_bytes: int
    not_closed: tuple[date, ...]
    held_back: str = ""

    def __str__(self) -> str:
        return (
            f"{self.table}: {counted(len(self.days), 'day')} {self.days[0]} to {self.days[-1]}, "
            f"{counted(self.rows, 'row')}, {counted(self.files, 'file')}, {self.size_bytes / 1e6:.1f} MB"
        )


def expired(ctx: Context) -> list[Expired]:
    """Of every table with a retention that has something old enough, in the order of the configuration."""
    found = []
    today = ctx.now().date()
    for table, days in ctx.settings.retention.tables.items():
        stored = ctx.lake.opened(table)
        if stored is None:
            continue
        files = delta.files(stored)
        closed = closed_days.days(ctx.journal, table if table in MARKET_TABLES else CLOSED_WITH)
        allowed = limit(today, days, closed)
        old = sorted(day for day in files[_partition(table)].unique().to_list() if (today - day).days > days)
        if old:
            going = [day for day in old if day in closed and day < allowed.first_kept]
            never = [day for day in old if day not in closed]
            stay = len(old) - len(going) - len(never)
            why = f"old by the clock and kept: {counted(stay, 'day')}: {allowed.held_back}" if stay else ""
            found.append(_expired(table, going, files, never, why))
    return found


def remove(ctx: Context, going: Expired) -> None:
    """Take the days out, in one commit. The files leave the disk with a compaction after delta.RETENTION_DAYS."""
    if not going.days:
        return
    closed_days.mark_removed(ctx.journal, going.table, going.days)
    failpoint.reach("retention_marked")
    ctx.lake.remove(going.table, going.days)


def _expired(table: str, days: list[date], files: pl.DataFrame, not_closed: list[date], held_back: str) -> Expired:
    import polars as pl

    of_days = files.filter(pl.col(_partition(table)).is_in(days))
    return Expired(
        table,
        tuple(days),
        files=len(of_days),
        rows=int(of_days["num_records"].sum()),
        size_bytes=int(of_days["size_bytes"].sum()),
        not_closed=tuple(not_closed),
        held_back=held_back,
    )


def _partition(table: str) -> str:
    return f"partition.{table_of(table).partition}"
