"""Close a trade date: export the journal's share of it, put its files together, seal what must never change again.

What is sealed, and what may still come: `v6.upkeep.closed_sums`. Tables of the account are sealed when their day is
over, so a run seals those of the ten days before today; the same days' ledger and runs are exported again, for runs of
an evening end after the day was closed. Every step may be repeated and a kill between two of them leaves a day that the
next run closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from v6 import failpoint
from v6.journal import closed_days
from v6.journal.closed_days import Closed
from v6.model import FatalError
from v6.restart.counted import counted
from v6.runner.context import Context
from v6.store.checksums import sha256_of
from v6.store.lake import RETENTION
from v6.upkeep.closed_sums import ACCOUNT_TABLES, MARKET_TABLES, arrived_by, compare, gone_missing
from v6.upkeep.journal_export import export_day

if TYPE_CHECKING:
    import polars as pl

LOOK_BACK = timedelta(days=10)
KEPT_IN_DOUBT = timedelta(days=36500)
"""Files that the log does not know stay while it lists less than was sealed: they may be what is missing."""


class DayChangedError(FatalError):
    """A closed day is not what it was: names the tables and the day. Nothing is recorded; `v6 lake restore` has it."""


def close_day(ctx: Context, day: date) -> str:
    """Close it, or find it closed and unchanged; one line that says which. Raises DayChangedError."""
    today = ctx.now().date()
    if day > today:
        raise FatalError(f"{day} has not been yet: only today ({today}) and earlier days can be closed")
    if ctx.dry_run:
        return f"{day} would be closed"
    exported = [table for one in _recent(day, today) for table in export_day(ctx.journal, ctx.lake, one)]
    failpoint.reach("day_exported")
    missing = gone_missing(ctx.journal, ctx.lake)
    files = _put_together(ctx, day, KEPT_IN_DOUBT if missing else RETENTION)
    failpoint.reach("day_compacted")
    sealed, unchanged = _seal(ctx, day, today, missing)
    parts = [
        f"{counted(sealed, 'table')} sealed" if sealed else f"closed before, {counted(unchanged, 'table')} unchanged",
        f"{counted(files, 'file')} put together" if files else "",
        f"{counted(len(exported), 'export')} of the journal" if exported else "",
    ]
    return f"{day}: {', '.join(part for part in parts if part)}"


def _recent(day: date, today: date) -> list[date]:
    """The day, and those before today whose late runs an earlier closing could not know."""
    earlier = [today - timedelta(days=back) for back in range(LOOK_BACK.days, 0, -1)]
    return sorted({day, *earlier})


def _put_together(ctx: Context, day: date, retention: timedelta) -> int:
    """Compact the day's partition of every table; files that are no longer there."""
    done = [ctx.lake.compact(entry.name, day, retention=retention) for entry in ctx.lake.status() if entry.exists]
    return sum(one.files_before - one.files_after for one in done)


def _seal(ctx: Context, day: date, today: date, missing: list[str]) -> tuple[int, int]:
    """(tables sealed or sealed anew for rows that were added, tables found unchanged). `missing`: known changes."""
    new: list[Closed] = []
    changes = list(missing)
    unchanged = 0
    now = ctx.now().replace(microsecond=0)
    for table, held_on, rows in _to_seal(ctx, day, today):
        sealed = closed_days.of_day(ctx.journal, held_on).get(table)
        if sealed is None:
            new.append(_sealed(table, held_on, arrived_by(now, table, rows), now))
            continue
        if sealed.removed_at is not None:
            continue
        found = compare(sealed, rows)
        if found.change:
            changes.append(found.change)
        elif found.added:
            new.append(_sealed(table, held_on, arrived_by(now, table, rows), now))
        else:
            unchanged += 1
    if changes:
        raise DayChangedError(f"closed days have changed: {'; '.join(changes)}")
    if new:
        closed_days.record(ctx.journal, new)
    return len(new), unchanged


def _sealed(table: str, day: date, rows: pl.DataFrame, now: datetime) -> Closed:
    return Closed(table, day, len(rows), sha256_of(table, rows), now)


def _to_seal(ctx: Context, day: date, today: date) -> Iterator[tuple[str, date, pl.DataFrame]]:
    """(table, day, all its rows); of the market's tables also when there is none: nothing is known to have been."""
    import polars as pl

    for table in MARKET_TABLES:
        yield table, day, ctx.lake.read(table, trade_date=day)
    first = min(day, today - LOOK_BACK)
    for table in ACCOUNT_TABLES:
        held = ctx.lake.read(table, start=first, end=today - timedelta(days=1))
        for one in sorted(held["trade_date"].unique().to_list()):
            yield table, one, held.filter(pl.col("trade_date") == one)
