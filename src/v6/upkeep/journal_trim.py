"""Let old days of the journal go, each only after the lake was read back and has every one of its rows."""

from __future__ import annotations

from datetime import date

from v6 import failpoint
from v6.journal import trimming
from v6.model import FatalError
from v6.restart.counted import counted
from v6.runner.context import Context
from v6.upkeep.elapsed import limit
from v6.upkeep.journal_export import LEDGER, RUNS, export_day, ledger_rows, run_rows


def first_kept(ctx: Context) -> date:
    """By the clock, and by the days that had runs since."""
    return limit(ctx.now().date(), ctx.settings.retention.journal_days, trimming.run_days(ctx.journal)).first_kept


def due(ctx: Context) -> tuple[list[date], int]:
    """Days to let go, and how many events and alerts."""
    kept = first_kept(ctx)
    return trimming.days_before(ctx.journal, kept), trimming.old_notes(ctx.journal, kept)


def let_go(ctx: Context) -> int:
    """Rows that went. Raises FatalError when the lake does not have what the journal has."""
    kept = first_kept(ctx)
    gone = 0
    for day in trimming.days_before(ctx.journal, kept):
        export_day(ctx.journal, ctx.lake, day)
        _require_exported(ctx, day)
        failpoint.reach("day_to_be_trimmed")
        gone += trimming.let_day_go(ctx.journal, day)
    return gone + trimming.let_notes_go(ctx.journal, kept)


def _require_exported(ctx: Context, day: date) -> None:
    for table, rows in ((LEDGER, ledger_rows(ctx.journal, day)), (RUNS, run_rows(ctx.journal, day))):
        held = ctx.lake.read(table, trade_date=day, columns=["trade_date"]).height
        if held < len(rows):
            raise FatalError(
                f"{table}: {day}: the lake has {held} of {counted(len(rows), 'row')}: the journal keeps them"
            )
