"""What the statistics are computed from: the collector's quotes, laid out on the frozen universe.

A *point* is a (trade_date, slot, symbol) that statistics are asked for. Every point gets a row for each contract of the
version of the universe that its slot collected, whether a quote of it arrived or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.runner.context import Context

if TYPE_CHECKING:
    import polars as pl

COLLECTOR = "collect_option_snapshots"
SLOT_MINUTES = {"5min": 5, "15min": 15, "30min": 30, "hourly": 60}
SLOT_SPAN = timedelta(minutes=5)
"""A version that is created within a slot's time is the one it collects: the 09:35 slot waits for version 2."""
VALUES = ("bid", "ask", "volume", "open_interest", "iv", "delta", "gamma", "vega", "theta", "underlying_price")
CONTRACT = ("con_id", "symbol", "trading_class", "expiry", "strike", "right")


def stored(ctx: Context, days: Sequence[date]) -> pl.DataFrame:
    """The option collector's quotes of these days: trade_date, slot, con_id, symbol and VALUES, in no order."""
    import polars as pl

    columns = ("trade_date", "slot", "task", "con_id", "symbol", *VALUES)
    rows = ctx.lake.scan("option_snapshots", min(days), max(days), columns)
    return rows.filter(pl.col("task") == COLLECTOR, pl.col("trade_date").is_in(days)).drop("task").collect()


def universe(ctx: Context, days: Sequence[date]) -> pl.DataFrame:
    """Collected contracts of every version of these days' universe: trade_date, version, created_at and CONTRACT."""
    import polars as pl

    columns = ("trade_date", "version", "created_at", "collected", *CONTRACT)
    rows = ctx.lake.scan("option_contracts", min(days), max(days), columns)
    return rows.filter("collected", pl.col("trade_date").is_in(days)).drop("collected").collect()


def underlying_prices(ctx: Context, days: Sequence[date]) -> pl.DataFrame:
    """trade_date, slot, symbol, underlying_price: the last trade, else the middle of bid and ask."""
    import polars as pl

    columns = ("trade_date", "slot", "task", "symbol", "last", "bid", "ask")
    rows = ctx.lake.scan("underlying_snapshots", min(days), max(days), columns).filter(pl.col("task") == COLLECTOR)
    price = pl.coalesce("last", (pl.col("bid") + pl.col("ask")) / 2).alias("underlying_price")
    point = ["trade_date", "slot", "symbol"]
    return rows.select(*point, price).sort(point).unique(point, keep="first").collect()


def session_bounds(ctx: Context, days: Sequence[date]) -> pl.DataFrame:
    """trade_date, open, close (UTC) and slots_expected of the days that are sessions."""
    import polars as pl

    task = ctx.config.scheduler.tasks.get(COLLECTOR)
    span = timedelta(minutes=SLOT_MINUTES.get(task.frequency if task else "5min", 5))
    sessions = [session for day in days if (session := ctx.calendar.session(day))]
    return pl.DataFrame(
        {
            "trade_date": [session.date for session in sessions],
            "open": [session.open for session in sessions],
            "close": [session.close for session in sessions],
            "slots_expected": [-(-(session.close - session.open) // span) for session in sessions],
        },
        schema={
            "trade_date": pl.Date(),
            "open": pl.Datetime("us", "UTC"),
            "close": pl.Datetime("us", "UTC"),
            "slots_expected": pl.Int32(),
        },
    )


def with_version(points: pl.DataFrame, frozen: pl.DataFrame) -> pl.DataFrame:
    """Adds `version`: the newest created before the slot was over, else the day's first. Points of days without a
    universe are dropped."""
    import polars as pl

    versions = frozen.group_by("trade_date", "version").agg(pl.col("created_at").min()).sort("created_at", "version")
    first = versions.group_by("trade_date").agg(pl.col("version").min().alias("first"))
    until = (pl.col("slot") + SLOT_SPAN).dt.cast_time_unit("us").alias("until")
    found = (
        points.with_columns(until)
        .sort("until")
        .join_asof(
            versions,
            left_on="until",
            right_on="created_at",
            by="trade_date",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    return (
        found.join(first, on="trade_date")
        .with_columns(pl.coalesce("version", "first"))
        .drop("until", "created_at", "first")
    )


def laid_out(points: pl.DataFrame, frozen: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The points' contracts with what was quoted: trade_date, slot, CONTRACT and VALUES, null where nothing was.

    `points`: trade_date, slot, and symbol where not every symbol is asked for. volume and open_interest are the last
    ones known up to the slot.
    """
    from v6.analysis.option_statistics import last_known

    chosen = with_version(points, frozen)
    on = [name for name in ("trade_date", "version", "symbol") if name in chosen.columns]
    asked = chosen.join(frozen.drop("created_at"), on=on).select("trade_date", "slot", *CONTRACT)
    there = rows.lazy().join(chosen.lazy(), on=["trade_date", "slot"], how="semi").drop("symbol").collect()
    quoted = asked.join(there, on=["trade_date", "slot", "con_id"], how="left")
    for column in ("volume", "open_interest"):
        quoted = last_known(quoted, rows, column)
    return quoted
