"""Volumes that fall, or that are suddenly counted in another unit (L19, L22)."""

from __future__ import annotations

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, contract, described, listed, unable, united

COUNTED = ("option_snapshots", "underlying_snapshots", "futures_snapshots")
LEAST_DAYS, MOST_DAYS = 5, 20
SERIES = ["symbol", "sec_type", "bar_size", "what", "regular"]
"""Not by contract: the month of a future that becomes the front one rightly trades a hundred times more."""


def falling_volume(given: Given) -> Outcome:
    """A cumulative volume below that of an earlier slot of the day.

    Severe unless it is the previous-day trap: some sources (Yahoo's chains) go on showing the volume of the previous
    day until a contract first trades, so its first change may be a reset to less. That is told apart by what is before
    it: nothing but one and the same volume, from the day's first row on. Sums over contracts are wrong until then.
    checked: rows with an earlier one; failed: rows that fall.
    """
    parts = []
    for table, rows in given.rows(*COUNTED):
        key = ["task", "con_id"]
        before = pl.col("volume").shift(1).over(key)
        known = (
            rows.drop_nulls("volume")
            .sort("con_id", "slot")
            .with_columns(before.alias("before"), (before != before.shift(1).over(key)).alias("moved"))
            .with_columns(pl.col("moved").fill_null(value=False).cum_sum().over(key).alias("changes"))
            .drop_nulls("before")
        )
        wrong = known.filter(pl.col("volume") < pl.col("before"))
        words = pl.format(
            "{}: volume {} after {}{}",
            contract(wrong),
            *(pl.col(name).cast(pl.Int64) for name in ("volume", "before")),
            pl.when(pl.col("changes") == 0)
            .then(pl.lit(", its first change: perhaps the previous day's until then"))
            .otherwise(pl.lit("")),
        )
        found = described(
            wrong,
            table,
            words,
            column="volume",
            value=pl.col("volume"),
            limit=pl.col("before"),
            severe=pl.col("changes") > 0,
        )
        parts.append(Outcome(len(known), len(wrong), found))
    return united(parts, "no contract has a volume in two slots")


def unit_jump(given: Given) -> Outcome:
    """A volume of a day (the mean of its bars) that is at most `unit_low` or at least `unit_high` times the median of
    up to 20 days before: shares became lots (1 %), or the reverse (100 times). Also a `unit` that is not that of the
    day before.

    checked: series of bars with at least 5 days before; failed: those. A bar that is not final is left out: its day
    is not over.
    """
    bars = given.tables.get("bars")
    if bars is None or bars.is_empty() or given.bars_before is None:
        return unable("no bars of that day and of days before")
    daily = volume_ratios(pl.concat([given.bars_before, bars])).filter(pl.col("trade_date") == given.bar_day)
    known = daily.filter(pl.col("usual").is_not_null())
    if known.is_empty():
        return unable(f"no bars of {LEAST_DAYS} days before")
    low, high = given.limits.unit_low, given.limits.unit_high
    found = []
    for row in known.iter_rows(named=True):
        ratio, changed = row["ratio"], row["unit"] != row["unit_before"]
        if ratio <= low or ratio >= high or changed:
            unit = f", counted in {row['unit']} after {row['unit_before']}" if changed else ""
            found.append(
                {
                    "table": "bars",
                    "symbol": row["symbol"],
                    "column": "volume",
                    "value": ratio,
                    "limit": high if ratio >= 1 else low,
                    "rows": row["bars"],
                    "message": f"{row['symbol']} {row['bar_size']} bars: volume {row['volume']:.0f} is {ratio:.3g} "
                    f"times the median of {MOST_DAYS} days before{unit}",
                }
            )
    return Outcome(len(known), len(found), listed(found))


def volume_ratios(bars: pl.DataFrame) -> pl.DataFrame:
    """A row a series (SERIES) and day: mean volume of its bars (so that an early close is like other days), `usual`
    (median of up to 20 days before, null below 5), `ratio` of the two, `unit` and `unit_before`, and how many `bars` it
    is of. Series without a volume are left out."""
    traded = bars.filter(pl.col("final") & pl.col("volume").is_not_null())
    days = (
        traded.group_by(*SERIES, "trade_date")
        .agg(pl.col("volume").mean(), pl.col("unit").first(), pl.len().alias("bars"))
        .sort(*SERIES, "trade_date")
    )
    usual = pl.col("volume").shift(1).rolling_median(MOST_DAYS, min_samples=LEAST_DAYS).over(SERIES)
    return (
        days.with_columns(usual.alias("usual"), pl.col("unit").shift(1).over(SERIES).alias("unit_before"))
        .with_columns(pl.when(pl.col("usual") > 0).then(pl.col("volume") / pl.col("usual")).alias("ratio"))
        .with_columns(pl.when(pl.col("ratio").is_not_null()).then("usual").alias("usual"))
    )
