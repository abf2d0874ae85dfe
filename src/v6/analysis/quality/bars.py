"""Bars that cannot be, jump, or are not there."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, described, listed, unable

SERIES = ["con_id", "bar_size", "what", "regular"]
DAILY = "1 day"
PRICES = ("open", "high", "low", "close")
STARTED = pl.col("start").dt.convert_time_zone("America/New_York").dt.strftime("%Y-%m-%d %H:%M")
WHOSE = pl.when(pl.col("sec_type") == "FUT").then("symbol").otherwise(pl.col("con_id").cast(pl.String)).alias("whose")
"""Of a future whatever its month: after a roll nobody asks for the bars of the old one any more."""
LEAST_RETURNS = 20
TO_SIGMA = 1.4826
LONGEST_QUIET = timedelta(days=10)
"""A series whose latest bar is older has ended: a symbol nobody asks for any more."""


def bar_shape(given: Given) -> Outcome:
    """A bar with a price that is null or not above 0, whose high is not the highest or low not the lowest, or that
    traded less than nothing. checked: bars."""
    if not (rows := given.rows("bars")):
        return unable("no bars that day")
    bars = rows[0][1]
    wrong = bars.filter(misshapen())
    words = pl.format("{} {} bar of {}: {}", "symbol", "bar_size", STARTED, _prices())
    return Outcome(len(bars), len(wrong), described(wrong, "bars", words, slot=pl.col("start")))


def misshapen() -> pl.Expr:
    """Whether a row of `bars` cannot be a bar."""
    absent = pl.any_horizontal(pl.col(name).is_null() | (pl.col(name) <= 0) for name in PRICES)
    outside = (pl.col("high") < pl.max_horizontal(PRICES)) | (pl.col("low") > pl.min_horizontal(PRICES))
    return absent | outside | (pl.col("volume") < 0).fill_null(value=False)


def bar_jump(given: Given) -> Outcome:
    """A close that jumps against the close before it, in deviations of the series' own returns.

    Log returns, of days from day to day, of shorter bars within their session (what happens over night is no jump of
    the data). Wrong when |r - median| > `price_jump_deviations` x 1.4826 x MAD over the bars at hand (at least 20
    returns; MAD at least one hundredth of the price's unit). checked: returns of the day. A split shows here, and so
    does a bar of another contract; so does a true crash, which a person then confirms.
    """
    bars = given.tables.get("bars")
    if bars is None or bars.is_empty():
        return unable("no bars that day")
    every = bars if given.bars_before is None else pl.concat([given.bars_before, bars])
    known = returns(every).filter((pl.col("trade_date") == given.bar_day) & pl.col("deviations").is_not_null())
    if known.is_empty():
        return unable(f"no series has {LEAST_RETURNS} returns")
    limit = given.limits.price_jump_deviations
    wrong = known.filter(pl.col("deviations") > limit)
    words = pl.format(
        "{} {} bar of {}: close {} after {}", "symbol", "bar_size", STARTED, "close", pl.col("close_before").round(4)
    )
    found = described(
        wrong, "bars", words, slot=pl.col("start"), column="close", value=pl.col("deviations"), limit=limit
    )
    return Outcome(len(known), len(wrong), found)


def returns(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars of prices with close_before, log return and its `deviations` from the series' median; null where the series
    has fewer than 20 returns."""
    priced = bars.filter((pl.col("what") == "TRADES") & (pl.col("close") > 0)).sort(*SERIES, "start")
    daily = pl.col("bar_size") == DAILY
    before = (
        pl.when(daily)
        .then(pl.col("close").shift(1).over(SERIES))
        .otherwise(pl.col("close").shift(1).over([*SERIES, "trade_date"]))
    )
    moved = (
        priced.with_columns(before.alias("close_before"))
        .drop_nulls("close_before")
        .with_columns((pl.col("close") / pl.col("close_before")).log().alias("return"))
    )
    away = (pl.col("return") - pl.col("return").median().over(SERIES)).abs()
    usual = TO_SIGMA * pl.max_horizontal(away.median().over(SERIES), 0.01 / pl.col("close"))
    enough = pl.len().over(SERIES) >= LEAST_RETURNS
    return moved.with_columns(pl.when(enough).then(away / usual).alias("deviations"))


def missing_bars(given: Given) -> Outcome:
    """Bars that a series should have and has not: none of the day at all, or holes within it.

    A series (contract, of a future its symbol; bar size, kind, hours) is expected when it had bars in the ten days
    before. Of sizes below a
    day every start from the first instant of its session to the last is expected: of stocks and indices the regular
    one, of futures their own (`Given.bar_spans`); a kind of contract without a span is not looked
    at for holes. checked: bars expected; failed: those that are not there. Severe when the whole day is missing; an
    illiquid contract rightly has holes where nothing traded.
    """
    bars = given.tables.get("bars")
    known = [frame for frame in (given.bars_before, bars) if frame is not None and not frame.is_empty()]
    if not known or given.bar_day is None:
        return unable("no bars of that day or of the days before")
    recent = pl.concat(known).filter(pl.col("trade_date") >= given.bar_day - LONGEST_QUIET)
    expected = recent.group_by(WHOSE, *SERIES[1:], "sec_type", maintain_order=True).agg(
        pl.col("symbol", "con_id").last(),
        pl.col("start").filter(pl.col("trade_date") == given.bar_day).unique().alias("starts"),
        (pl.col("end") - pl.col("start")).median().alias("length"),
    )
    checked, failed, found = 0, 0, []
    for row in expected.iter_rows(named=True):
        span = given.bar_session if row["regular"] else given.bar_spans.get(row["sec_type"])
        if span is None:
            continue
        daily = row["bar_size"] == DAILY
        wanted = 1 if daily else -(-(span[1] - span[0]) // row["length"])
        present = sum(daily or span[0] <= start < span[1] for start in row["starts"])
        absent = max(0, wanted - present)
        checked, failed = checked + wanted, failed + absent
        if absent:
            found.append(
                {
                    "table": "bars",
                    "symbol": row["symbol"],
                    "con_id": row["con_id"],
                    "value": absent,
                    "limit": 0.0,
                    "rows": absent,
                    "message": f"{row['symbol']} {row['bar_size']} {row['what']}: {absent} of {wanted} bars missing",
                    "severe": absent == wanted,
                }
            )
    return Outcome(checked, failed, listed(found)) if checked else unable("no session that bars are expected in")


def _prices() -> pl.Expr:
    return pl.format(
        "open {}, high {}, low {}, close {}", *(pl.col(name).cast(pl.String).fill_null("null") for name in PRICES)
    )
