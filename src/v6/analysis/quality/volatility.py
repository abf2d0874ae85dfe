"""Implied volatilities and greeks that cannot be."""

from __future__ import annotations

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, contract, described, unable

OPTIONS = "option_snapshots"
NO_ROWS = "no option quotes that day"
NOISE = 1e-6
"""TWS computes greeks of deep options to about 1e-9: a sign below this says nothing."""
GREEKS = ("delta", "gamma", "vega", "theta")
CALL = pl.col("right") == "C"

OF_WRONG_SIGN: dict[str, pl.Expr] = {
    "delta": pl.when(CALL)
    .then(~pl.col("delta").is_between(-NOISE, 1 + NOISE))
    .otherwise(~pl.col("delta").is_between(-1 - NOISE, NOISE)),
    "gamma": pl.col("gamma") < -NOISE,
    "vega": pl.col("vega") < -NOISE,
    # Interest can make time work for the holder of a deep option (and TWS's model says so): not a fault there.
    "theta": (pl.col("theta") > NOISE) & (pl.col("delta").abs() < 0.9),
}


def iv_range(given: Given) -> Outcome:
    """iv outside (`min_iv`, `max_iv`]. checked: rows that have one."""
    low, high = given.limits.min_iv, given.limits.max_iv
    if not (rows := given.rows(OPTIONS)):
        return unable(NO_ROWS)
    known = rows[0][1].drop_nulls("iv")
    if known.is_empty():
        return unable("no row has an iv")
    wrong = known.filter((pl.col("iv") <= low) | (pl.col("iv") > high))
    words = pl.format("{}: iv {} outside ({}, {}]", contract(wrong), pl.col("iv"), pl.lit(low), pl.lit(high))
    limit = pl.when(pl.col("iv") <= low).then(low).otherwise(high)
    return Outcome(
        len(known), len(wrong), described(wrong, OPTIONS, words, column="iv", value=pl.col("iv"), limit=limit)
    )


def iv_not_invertible(given: Given) -> Outcome:
    """The middle of bid and ask lies where no volatility leads: below the intrinsic value, or above the most that the
    option can be worth.

    American exercise: max(S - K, 0) <= call <= S and max(K - S, 0) <= put <= K (Merton 1973). Severe when the whole
    quote lies outside, so that every price in it does; deep options are often quoted around their intrinsic value.
    checked: two-sided quotes with a price of the underlying.
    """
    options = given.options
    if options is None:
        return unable(NO_ROWS)
    known = options.drop_nulls(["mid", "spot"])
    if known.is_empty():
        return unable("no two-sided quote with a price of its underlying")
    spot, strike = pl.col("spot"), pl.col("strike")
    least = pl.when(CALL).then(spot - strike).otherwise(strike - spot).clip(lower_bound=0.0)
    most = pl.when(CALL).then(spot).otherwise(strike)
    wrong = known.with_columns(least=least, most=most).filter(
        (pl.col("mid") < pl.col("least") - NOISE) | (pl.col("mid") > pl.col("most") + NOISE)
    )
    low = pl.col("mid") < pl.col("least")
    words = pl.format(
        "{}: {} x {} with the underlying at {}: no volatility gives the middle",
        contract(wrong),
        *(pl.col(name).round(4) for name in ("bid", "ask", "spot")),
    )
    found = described(
        wrong,
        OPTIONS,
        words,
        value=pl.col("mid"),
        limit=pl.when(low).then("least").otherwise("most"),
        severe=pl.when(low).then(pl.col("ask") < pl.col("least")).otherwise(pl.col("bid") > pl.col("most")),
    )
    return Outcome(len(known), len(wrong), found)


def greek_sign(given: Given) -> Outcome:
    """0 <= delta of a call <= 1, -1 <= delta of a put <= 0, gamma >= 0, vega >= 0, theta <= 0 (deep options excepted).

    checked: rows that have a greek; failed: rows with at least one of the wrong sign. A finding a greek.
    """
    if not (rows := given.rows(OPTIONS)):
        return unable(NO_ROWS)
    known = rows[0][1].filter(pl.any_horizontal(pl.col(GREEKS).is_not_null()))
    if known.is_empty():
        return unable("no row has a greek")
    found, any_wrong = [], pl.lit(value=False)
    for name, test in OF_WRONG_SIGN.items():
        any_wrong = any_wrong | test.fill_null(value=False)
        wrong = known.filter(test)
        words = pl.format("{}: {} {}", contract(wrong), pl.lit(name), pl.col(name))
        found.append(described(wrong, OPTIONS, words, column=name, value=pl.col(name), limit=0.0))
    return Outcome(len(known), known.select(any_wrong.sum()).item(), pl.concat(found))
