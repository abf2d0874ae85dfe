"""Volatilities and greeks computed where TWS sent none: found, computed once, stored in option_greeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from v6.runner.context import Context
from v6.statistics.sources import COLLECTOR, COMPUTED, Sources

if TYPE_CHECKING:
    import polars as pl

POINT = ["trade_date", "slot", "symbol"]
KEY = ["trade_date", "slot", "con_id"]


def completed(source: Sources, quoted: pl.DataFrame, rate: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(quotes with the volatility and greeks in use, rows that option_greeks does not have yet).

    `quoted`: what `quotes.laid_out` gives. What is stored is computed again only where it was null or its quote has
    changed since (a slot that was completed later). Writes nothing.
    """
    import polars as pl

    from v6.analysis import option_statistics
    from v6.analysis.computed_greeks import LEAST_IV, MOST_IV

    known = source.greeks(quoted)
    heard = pl.any_horizontal(pl.col("bid", "ask").is_not_null())
    without = quoted.filter(heard, option_statistics.needs_volatility(LEAST_IV, MOST_IV))
    fresh = _computed(source, quoted, _wanting(without, known), rate)
    if fresh is not None:
        known = pl.concat([known.join(fresh, on=KEY, how="anti"), fresh.select(known.columns)])
    values = known.select(*KEY, *COMPUTED)
    in_use = option_statistics.in_use(quoted.join(values, on=KEY, how="left"), LEAST_IV, MOST_IV)
    return in_use, known.clear() if fresh is None else fresh


def store(ctx: Context, fresh: pl.DataFrame) -> int:
    """Put the rows into option_greeks; how many are new or differ."""
    from v6.store.frames import fitted

    return ctx.lake.unite("option_greeks", fitted("option_greeks", fresh, task=ctx.task)) if len(fresh) else 0


def _wanting(without: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Of the quotes without a volatility of TWS those that have no row, or one of another price; and, of the slots and
    underlyings of these, those whose row is null: a call or put that came now may tell their dividends (no_forward)."""
    import polars as pl

    positive = (pl.col("bid") > 0) & (pl.col("ask") > 0)
    middle = pl.when(positive).then((pl.col("bid") + pl.col("ask")) / 2)
    stored = known.select(*KEY, pl.col("price").alias("stored"), pl.col("computed_iv").is_null().alias("null"))
    both = without.join(stored, on=KEY, how="left")
    stale = both.filter(pl.col("null").is_null() | middle.ne_missing(pl.col("stored")))
    return both.join(stale.select(POINT).unique(), on=POINT, how="semi").filter(
        pl.col("null").fill_null(value=True) | middle.ne_missing(pl.col("stored"))
    )


def _computed(source: Sources, quoted: pl.DataFrame, wanting: pl.DataFrame, rate: float) -> pl.DataFrame | None:
    """A row of option_greeks for each of the wanting ones; None when there are none. Whole points are handed over:
    calls and puts of an expiry together tell its dividends."""
    import polars as pl

    from v6.analysis import computed_greeks

    if wanting.is_empty():
        return None
    whole = quoted.join(wanting.select(POINT).unique(), on=POINT, how="semi")
    days = whole["trade_date"].unique().to_list()
    spots = source.underlying_prices(days).rename({"underlying_price": "spot"})
    spotted = whole.join(spots, on=POINT, how="left").with_columns(task=pl.lit(COLLECTOR))
    rows = computed_greeks.compute(spotted, rate=rate)
    return rows.join(wanting.select(KEY), on=KEY, how="semi")
