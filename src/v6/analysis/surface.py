"""Constant-maturity volatilities of an option chain: at the money and of the 25-delta wings. Pure, vectorised.

Frames are those of `v6.analysis.parity`, with `iv` (annualised, 0.25 is 25 %; null: none), `delta`, `trading_class` and
`middle`. A *curve* is one row an expiry: group, expiry, dte, `iv`, `why` (a WhyNull where iv is null). Nothing is ever
extrapolated: a point outside of what is quoted is null, with a reason.
"""

from collections.abc import Sequence

import polars as pl

from v6.analysis.parity import EXPIRY, GROUP, YEAR
from v6.model import WhyNull

WING = 0.25
"""The delta of the wings, of a put negative."""


def one_class(quotes: pl.DataFrame) -> pl.DataFrame:
    """Of every group's expiry only the trading class with the most contracts (of equally many, the first by name): two
    classes of one expiry settle differently (SPX, SPXW) or deliver something else (an adjusted class)."""
    members = pl.len().over(*GROUP, "expiry", "trading_class")
    first = pl.col("trading_class").sort_by([-pl.col("members").cast(pl.Int64), "trading_class"]).first()
    return (
        quotes.with_columns(pl.col("trading_class").fill_null(""))
        .with_columns(members.alias("members"))
        .filter(pl.col("trading_class") == first.over(*GROUP, "expiry"))
        .drop("members")
    )


def interpolated(points: pl.DataFrame, by: Sequence[str], x: str, y: str, at: pl.Expr) -> pl.DataFrame:
    """`y` at x = `at`, linear between the two neighbouring points of each `by`: by, y. Points at the same x count with
    their mean. No row where `at` (one value for each `by`) has no point on one side; a point at exactly `at` is exact.
    """
    known = (
        points.with_columns(at.alias("at"))
        .drop_nulls([x, y, "at"])
        .sort(*by, x, y)
        .group_by(*by, "at", x, maintain_order=True)
        .agg(pl.col(y).mean())
    )
    below, above = pl.col(x) <= pl.col("at"), pl.col(x) >= pl.col("at")
    width = pl.col("x1") - pl.col("x0")
    weight = pl.when(width > 0).then((pl.col("at") - pl.col("x0")) / width).otherwise(0.0)
    return (
        known.group_by(*by, "at", maintain_order=True)
        .agg(
            pl.col(x).filter(below).last().alias("x0"),
            pl.col(y).filter(below).last().alias("y0"),
            pl.col(x).filter(above).first().alias("x1"),
            pl.col(y).filter(above).first().alias("y1"),
        )
        .drop_nulls(["x0", "x1"])
        .select(*by, (pl.col("y0") + weight * (pl.col("y1") - pl.col("y0"))).alias(y))
    )


def at_the_money(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """The curve of implied volatility at the forward.

    A strike's volatility is that of its out-of-the-money side: the call's at the forward and above, the put's below
    (less early-exercise value, tighter quotes); where that side has none, the other side's. Linear in strike between
    the two neighbouring strikes that have one. Why null: no_quotes, no_iv, no_forward (no strike with call and put),
    too_few_strikes (none with a volatility on one side of the forward).
    """
    sides = [pl.col("iv").filter(pl.col("right") == right).mean().alias(right) for right in ("C", "P")]
    smile = (
        quotes.join(forwards, on=EXPIRY)
        .group_by(*EXPIRY, "forward", "strike", maintain_order=True)
        .agg(*sides)
        .with_columns(
            pl.when(pl.col("strike") >= pl.col("forward"))
            .then(pl.coalesce("C", "P"))
            .otherwise(pl.coalesce("P", "C"))
            .alias("iv")
        )
    )
    found = interpolated(smile, EXPIRY, "strike", "iv", pl.col("forward"))
    counted = _counted(quotes).join(forwards, on=EXPIRY, how="left")
    why = _why(
        (pl.col("quoted") == 0, WhyNull.NO_QUOTES),
        (pl.col("volatilities") == 0, WhyNull.NO_IV),
        (pl.col("forward").is_null(), WhyNull.NO_FORWARD),
        otherwise=WhyNull.TOO_FEW_STRIKES,
    )
    return _curve(counted, found, why)


def wing(quotes: pl.DataFrame, right: str) -> pl.DataFrame:
    """The curve of implied volatility of the put (`right` P) with delta -0.25, or of the call with delta 0.25.

    Of the contracts of that right with a volatility and a delta, linear in delta between the two neighbouring deltas.
    Why null: no_quotes, no_iv, no_delta, too_few_strikes (every delta lies on one side).
    """
    one_side = quotes.filter(pl.col("right") == right)
    found = interpolated(one_side, EXPIRY, "delta", "iv", pl.lit(WING if right == "C" else -WING))
    why = _why(
        (pl.col("quoted") == 0, WhyNull.NO_QUOTES),
        (pl.col("volatilities") == 0, WhyNull.NO_IV),
        (pl.col("deltas") == 0, WhyNull.NO_DELTA),
        otherwise=WhyNull.TOO_FEW_STRIKES,
    )
    return _curve(_counted(one_side), found, why)


def constant_maturity(curve: pl.DataFrame, days: int, name: str) -> pl.DataFrame:
    """Volatility at exactly `days` calendar days: group, `name`, `name`_reason.

    Total variance w = iv^2 T, T = dte / 365, linear in time between the nearest expiry with a volatility at or before
    `days` and the nearest at or after it; iv = sqrt(w(days) 365 / days). An expiry of exactly `days` is exact, one on
    its last day has no time left and is not used. Where one side has none: the reason of its nearest expiry, or
    not_bracketed where no expiry is listed there; the near side's before the far side's. (Linear total variance: the
    step between the two terms of CBOE's VIX white paper; Gatheral, The Volatility Surface, 2006, chapter 3.)
    """
    alive = curve.filter(pl.col("dte") > 0).sort(*GROUP, "dte")
    spread = alive.with_columns((pl.col("iv") ** 2 * pl.col("dte") / YEAR).alias(name))
    value = interpolated(spread, GROUP, "dte", name, pl.lit(days)).with_columns((pl.col(name) * YEAR / days).sqrt())
    reason = f"{name}_reason"
    near, far = pl.col("dte") <= days, pl.col("dte") >= days
    why = alive.group_by(GROUP, maintain_order=True).agg(
        pl.col("iv").filter(near).count().alias("near"),
        pl.col("why").filter(near).last().alias("why_near"),
        pl.col("why").filter(far).first().alias("why_far"),
    )
    missing = pl.when(pl.col("near") > 0).then(pl.col("why_far")).otherwise(pl.col("why_near"))
    unknown = pl.when(pl.col(name).is_null()).then(missing.fill_null(WhyNull.NOT_BRACKETED.value))
    return (
        curve.select(GROUP)
        .unique(maintain_order=True)
        .join(value, on=GROUP, how="left")
        .join(why, on=GROUP, how="left")
        .select(*GROUP, name, unknown.alias(reason))
    )


def difference(frame: pl.DataFrame, name: str, minuend: str, subtrahend: str) -> pl.DataFrame:
    """Adds `name` = minuend - subtrahend and its reason: the subtrahend's where that is null, else the minuend's."""
    return frame.with_columns(
        (pl.col(minuend) - pl.col(subtrahend)).alias(name),
        pl.coalesce(f"{subtrahend}_reason", f"{minuend}_reason").alias(f"{name}_reason"),
    )


def of_curves(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """One row a group: atm_iv_30d, atm_iv_60d, term_structure_slope, skew_25d, each with its reason.

    term_structure_slope = atm_iv_60d - atm_iv_30d. skew_25d = IV(put, delta -0.25) - IV(call, delta 0.25) at 30 days:
    each wing is first interpolated in delta within every expiry (`wing`), then its own total variance linearly in time
    (`constant_maturity`), and the two 30-day volatilities are subtracted. Positive: puts cost more.
    """
    money = at_the_money(quotes, forwards)
    parts = [
        constant_maturity(money, 30, "atm_iv_30d"),
        constant_maturity(money, 60, "atm_iv_60d"),
        constant_maturity(wing(quotes, "P"), 30, "put"),
        constant_maturity(wing(quotes, "C"), 30, "call"),
    ]
    joined = quotes.select(GROUP).unique(maintain_order=True)
    for part in parts:
        joined = joined.join(part, on=GROUP, how="left")
    # a symbol without any put (or call) has no curve of it at all
    absent = [pl.col(f"{side}_reason").fill_null(WhyNull.NOT_BRACKETED.value) for side in ("put", "call")]
    joined = joined.with_columns(
        pl.when(pl.col(side).is_null()).then(reason) for side, reason in zip(("put", "call"), absent, strict=True)
    )
    sloped = difference(joined, "term_structure_slope", "atm_iv_60d", "atm_iv_30d")
    return difference(sloped, "skew_25d", "put", "call").drop("put", "put_reason", "call", "call_reason")


def _counted(quotes: pl.DataFrame) -> pl.DataFrame:
    """Per expiry, how many contracts have a middle, a volatility, a volatility and a delta."""
    has_delta = pl.col("iv").is_not_null() & pl.col("delta").is_not_null()
    return quotes.group_by(EXPIRY, maintain_order=True).agg(
        pl.col("middle").count().alias("quoted"),
        pl.col("iv").count().alias("volatilities"),
        has_delta.sum().alias("deltas"),
    )


def _why(*tests: tuple[pl.Expr, WhyNull], otherwise: WhyNull) -> pl.Expr:
    """The first reason whose test is true."""
    cases = [pl.when(test).then(pl.lit(reason.value)) for test, reason in tests]
    return pl.coalesce(*cases, pl.lit(otherwise.value))


def _curve(expiries: pl.DataFrame, found: pl.DataFrame, why: pl.Expr) -> pl.DataFrame:
    curve = expiries.join(found, on=EXPIRY, how="left")
    return curve.select(*EXPIRY, "iv", pl.when(pl.col("iv").is_null()).then(why).alias("why"))
