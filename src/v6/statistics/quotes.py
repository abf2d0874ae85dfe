"""What the statistics are computed from: the collector's quotes, laid out on the frozen universe.

A *point* is a (trade_date, slot, symbol) that statistics are asked for. Every point gets a row for each contract of the
version of the universe that its slot collected, whether a quote of it arrived or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.runner.context import Context
from v6.statistics.sources import COLLECTOR, CONTRACT, VALUES

if TYPE_CHECKING:
    import polars as pl

SLOT_MINUTES = {"5min": 5, "15min": 15, "30min": 30, "hourly": 60}
SLOT_SPAN = timedelta(minutes=5)
"""A version that is created within a slot's time is the one it collects: the 09:35 slot waits for version 2."""
CUMULATIVE = ("volume", "open_interest")


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

    `points`: trade_date, slot, and symbol where not every symbol is asked for.
    """
    chosen = with_version(points, frozen)
    on = [name for name in ("trade_date", "version", "symbol") if name in chosen.columns]
    asked = chosen.join(frozen.drop("created_at"), on=on).select("trade_date", "slot", *CONTRACT)
    there = rows.select("trade_date", "slot", "con_id", *VALUES)
    return asked.join(there, on=["trade_date", "slot", "con_id"], how="left")


def with_last_known(quoted: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`quoted` with volume and open_interest filled, where a slot has none, with the last ones of earlier slots."""
    from v6.analysis.option_statistics import last_known

    for column in CUMULATIVE:
        quoted = last_known(quoted, rows, column)
    return quoted


def with_the_days_last(quoted: pl.DataFrame, outline: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """`quoted` with the last volume and open_interest of each contract's day, whichever slot told them: of a day it is
    the last cumulative volume that counts, also when quotes had become too few for a surface before.

    `outline`: quotes of the sessions alone. `last`: trade_date and slot, the last one of each day that has a row.
    """
    import polars as pl

    from v6.analysis.option_statistics import last_known

    key = ["trade_date", "con_id"]
    at_last = outline.filter(pl.col("slot").is_in(last["slot"].implode())).select(*key, *CUMULATIVE)
    asked = quoted.select(key).join(last, on="trade_date", how="left").join(at_last, on=key, how="left")
    unknown = asked.filter(pl.any_horizontal(pl.col(CUMULATIVE).is_null()))
    earlier = outline.lazy().join(unknown.lazy(), on=key, how="semi").select(*key, "slot", *CUMULATIVE).collect()
    for column in CUMULATIVE:
        asked = last_known(asked, earlier, column)
    return quoted.drop(CUMULATIVE).join(asked.select(*key, *CUMULATIVE), on=key, how="left")
