"""Statistics of a day that follow from other days too: bars, realised volatility, regime, VIX, the rank of its IV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.model import WhyNull
from v6.runner.context import Context
from v6.scheduler.nyse_calendar import NYSECalendar

if TYPE_CHECKING:
    import polars as pl

VIX = "VIX"
BAR_SESSIONS = 25
"""Sessions of bars that are read before the first day; the longest window looks back over 21."""
RANK_SESSIONS = 252
LATER = timedelta(days=7)
"""A bar that is still missing when there are bars of a later session, within so many days, will not come."""
PRICES = ("open", "high", "low", "close")
KEY = ["trade_date", "symbol"]
REASONS = (
    "underlying_close_reason",
    "underlying_return_reason",
    "volatility_20d_reason",
    "volatility_yz_20d_reason",
    "trend_20d_reason",
    "vix_close_reason",
)
"""What says whether the bars were there."""


def sessions_until(calendar: NYSECalendar, last: date, count: int) -> list[date]:
    """Up to `count` sessions ending with `last`, which is one, ascending; fewer where the calendar begins later."""
    return [day for _, day in zip(range(count), _backwards(calendar, last), strict=False)][::-1]


def sessions_between(calendar: NYSECalendar, first: date, last: date) -> list[date]:
    return [day for offset in range((last - first).days + 1) if calendar.session(day := first + timedelta(days=offset))]


def of_bars(ctx: Context, days: Sequence[date], symbols: Sequence[str]) -> pl.DataFrame:
    """trade_date, symbol, underlying_*, volatility_20d, volatility_yz_20d, trend_20d, regime, vix_close, with reasons.

    From final daily TRADES bars of the regular session. A day whose own bar is not stored: `not_final` as long as no
    bar of a later session is stored (it comes the evening or the morning after), else `no_bars`.
    """
    import polars as pl

    from v6.analysis import realised_volatility, regime

    wanted = sorted({*symbols, VIX})
    begin = sessions_until(ctx.calendar, min(days), BAR_SESSIONS)[0]
    sessions = sessions_between(ctx.calendar, begin, max(days))
    bars, newest = _bars(ctx, wanted, sessions[0], max(days))
    grid = pl.DataFrame({"trade_date": sorted(set(days))}).join(pl.DataFrame({"symbol": wanted}), how="cross")
    measured = realised_volatility.of_series(bars, sessions)
    own = bars.rename({name: f"underlying_{name}" for name in PRICES})
    series = grid.join(own, on=KEY, how="left").join(measured, on=KEY, how="left")
    coming = pl.lit(newest is None) | (pl.col("trade_date") >= pl.lit(newest, pl.Date))
    absent = pl.when(coming).then(pl.lit(WhyNull.NOT_FINAL.value)).otherwise(pl.lit(WhyNull.NO_BARS.value))
    missing = pl.col("underlying_close").is_null()
    reasons = [f"{name}_reason" for name in realised_volatility.STATISTICS]
    series = series.with_columns(
        pl.when(missing).then(absent).alias("underlying_close_reason"),
        *(pl.when(missing).then(absent).otherwise(pl.col(name)).alias(name) for name in reasons),
    )
    vix = series.filter(pl.col("symbol") == VIX).select(
        "trade_date",
        pl.col("underlying_close").alias("vix_close"),
        pl.col("underlying_close_reason").alias("vix_close_reason"),
    )
    limits = ctx.settings.statistics
    judged = regime.of_series(series, limits.low_vol, limits.high_vol, limits.trend)
    return judged.join(vix, on="trade_date").with_columns(
        regime_low_vol=pl.lit(limits.low_vol),
        regime_high_vol=pl.lit(limits.high_vol),
        regime_trend=pl.lit(limits.trend),
    )


def of_ranks(ctx: Context, computed: pl.DataFrame) -> pl.DataFrame:
    """trade_date, symbol, iv_rank_*, iv_percentile_1y with counts and reasons, of the computed rows.

    `computed`: trade_date, symbol, atm_iv_30d; stored rows of the 251 sessions before and of days in between that are
    not computed now fill up the windows.
    """
    import polars as pl

    from v6.analysis import ranks

    first, last = computed["trade_date"].min(), computed["trade_date"].max()
    begin = sessions_until(ctx.calendar, first, RANK_SESSIONS)[0]  # type: ignore[arg-type]
    columns = [*KEY, "atm_iv_30d"]
    past = ctx.lake.scan("daily_statistics", begin, last, columns).collect()  # type: ignore[arg-type]
    series = pl.concat([past.join(computed, on=KEY, how="anti"), computed.select(columns)])
    ranked = ranks.of_series(series, sessions_between(ctx.calendar, begin, last))  # type: ignore[arg-type]
    return ranked.join(computed.select(KEY), on=KEY, how="semi")


def _bars(ctx: Context, symbols: Sequence[str], first: date, last: date) -> tuple[pl.DataFrame, date | None]:
    """symbol, trade_date and PRICES of the final daily bars, one each, from first to last; and the newest trade date
    that any of the symbols has a bar of, up to LATER."""
    import polars as pl

    tests = ("bar_size", "what", "regular", "final", "received_at", "con_id")
    rows = (
        ctx.lake.scan("bars", first, last + LATER, ("symbol", "trade_date", *PRICES, *tests))
        .filter(
            pl.col("symbol").is_in(symbols),
            pl.col("bar_size") == "1 day",
            pl.col("what") == "TRADES",
            "regular",
            "final",
        )
        .collect()
        .sort("symbol", "trade_date", "received_at", "con_id")
        .unique(["symbol", "trade_date"], keep="last", maintain_order=True)
        .drop(tests)
    )
    newest = rows["trade_date"].max()
    return rows.filter(pl.col("trade_date") <= last), newest if isinstance(newest, date) else None


def _backwards(calendar: NYSECalendar, last: date) -> Iterator[date]:
    day = last
    while day >= calendar.covers[0]:
        if calendar.session(day):
            yield day
        day -= timedelta(days=1)
