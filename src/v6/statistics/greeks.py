"""Volatilities and greeks computed where TWS sent none: found, computed once, stored in option_greeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from v6.runner.context import Context
from v6.statistics import quotes

if TYPE_CHECKING:
    import polars as pl

POINT = ["trade_date", "slot", "symbol"]
KEY = ["trade_date", "slot", "con_id"]
COMPUTED = ("computed_iv", "computed_delta", "computed_gamma", "computed_vega", "computed_theta")


def completed(ctx: Context, days: Sequence[date], quoted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(quotes with the volatility and greeks in use, rows that option_greeks does not have yet).

    `quoted`: what `quotes.laid_out` gives. What is stored is never computed again. Writes nothing.
    """
    import polars as pl

    from v6.analysis import option_statistics
    from v6.analysis.computed_greeks import LEAST_IV, MOST_IV

    points = quoted.select("trade_date", "slot").unique()
    stored = ctx.lake.scan("option_greeks", min(days), max(days), [*KEY, *COMPUTED]).collect()
    known = stored.join(points, on=["trade_date", "slot"], how="semi")
    heard = pl.any_horizontal(pl.col("bid", "ask").is_not_null())
    without = quoted.filter(heard, option_statistics.needs_volatility(LEAST_IV, MOST_IV))
    fresh = _computed(ctx, days, quoted, without.join(known, on=KEY, how="anti"))
    if fresh is not None:
        known = pl.concat([known, fresh.select(known.columns)])
    in_use = option_statistics.in_use(quoted.join(known, on=KEY, how="left"), LEAST_IV, MOST_IV)
    return in_use, stored.clear() if fresh is None else fresh


def store(ctx: Context, fresh: pl.DataFrame) -> int:
    """Add the rows to option_greeks; how many are new."""
    from v6.store.frames import fitted

    return ctx.lake.unite("option_greeks", fitted("option_greeks", fresh, task=ctx.task)) if len(fresh) else 0


def _computed(ctx: Context, days: Sequence[date], quoted: pl.DataFrame, wanting: pl.DataFrame) -> pl.DataFrame | None:
    """A row of option_greeks for each of the wanting ones; None when there are none. Whole points are handed over:
    calls and puts of an expiry together tell its dividends."""
    import polars as pl

    from v6.analysis import computed_greeks

    if wanting.is_empty():
        return None
    whole = quoted.join(wanting.select(POINT).unique(), on=POINT, how="semi")
    spots = quotes.underlying_prices(ctx, days).rename({"underlying_price": "spot"})
    spotted = whole.join(spots, on=POINT, how="left").with_columns(task=pl.lit(quotes.COLLECTOR))
    rows = computed_greeks.compute(spotted, rate=ctx.settings.statistics.risk_free_rate)
    return rows.join(wanting.select(KEY), on=KEY, how="semi")
