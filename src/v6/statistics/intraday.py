"""intraday_statistics of a day: one row for every slot collected so far and every underlying of its universe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING

from v6.runner.context import Context
from v6.statistics import greeks, quotes
from v6.statistics.sources import Sources

if TYPE_CHECKING:
    import polars as pl

TABLE = "intraday_statistics"
TASK = "calculate_intraday_statistics"


@dataclass(frozen=True, slots=True)
class Computed:
    """`rows` fit the table; `greeks`: rows that option_greeks does not have yet; `slots`: of how many."""

    rows: pl.DataFrame
    greeks: pl.DataFrame
    slots: int

    def words(self) -> str:
        return f"{len(self.rows)} rows of {self.slots} slots, {len(self.greeks)} volatilities computed"


def compute(ctx: Context, day: date) -> Computed | None:
    """Every slot of the session that is over and has quotes; None when there is none, or no universe. Writes nothing.

    A slot is over five minutes after it: the collector may still be at work on a later one.
    """
    import polars as pl

    from v6.analysis import option_statistics
    from v6.store.frames import fitted

    source = Sources(ctx, [day])
    frozen, rows = source.universe([day]), source.quotes([day])
    over = ctx.now().astimezone(UTC) - quotes.SLOT_SPAN
    inside = pl.col("slot").is_between("open", "close", closed="left") & (pl.col("slot") <= over)
    points = rows.select("trade_date", "slot").unique().sort("slot")
    points = points.join(quotes.session_bounds(ctx, [day]), on="trade_date").filter(inside).select("trade_date", "slot")
    if points.is_empty() or frozen.is_empty():
        return None
    quoted = quotes.with_last_known(quotes.laid_out(points, frozen, rows), rows)
    in_use, fresh = greeks.completed(source, quoted, ctx.settings.statistics.risk_free_rate)
    statistics = option_statistics.of_slots(in_use, ctx.settings.statistics.risk_free_rate)
    priced = statistics.join(source.underlying_prices([day]), on=greeks.POINT, how="left")
    return Computed(fitted(TABLE, priced, task=TASK), fresh, len(points))


def store(ctx: Context, day: date, computed: Computed) -> bool:
    """Put the rows in the place of the day's; False when they were the same already."""
    greeks.store(ctx, computed.greeks)
    return ctx.lake.replace(TABLE, computed.rows, trade_date=day)
