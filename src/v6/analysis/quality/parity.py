"""Put-call parity of American options, against the forward that the day's own quotes imply."""

from __future__ import annotations

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, described, unable

EXPIRY = ["task", "slot", "symbol", "trading_class", "expiry"]
LEAST_PAIRS = 5
"""A median of fewer says nothing."""
YEAR = 365.0


def parity(given: Given) -> Outcome:
    """A call and a put of one strike that do not fit the others of their expiry.

    For American options (Merton 1973; Hull, Options, Futures and Other Derivatives, section "Put-call parity"), with
    D the present value of the dividends until T:

        S - D - K <= C - P <= S - K exp(-rT)

    S - D is estimated from the expiry itself, as the median X of C - P + K exp(-rT) over its strikes nearest to the
    money (so neither dividends nor a price of the underlying are needed), and S as max(spot, X):

        X - K - t <= C - P <= max(spot, X) - K exp(-rT) + t,    t = `parity_spreads` x the sum of the two half spreads

    C and P are middles; r is `statistics.risk_free_rate`, T calendar days / 365. checked: pairs of two-sided quotes in
    expiries with at least 5 of them; failed: pairs outside. value: by how many times the half spreads.
    """
    pairs = _pairs(given)
    if pairs is None or pairs.is_empty():
        return unable(f"no expiry has {LEAST_PAIRS} strikes with a two-sided call and put")
    tolerance = given.limits.parity_spreads * pl.col("halves")
    least = pl.col("centre") - pl.col("strike")
    most = pl.max_horizontal("spot", "centre") - pl.col("present")
    beyond = pl.max_horizontal(least - pl.col("difference"), pl.col("difference") - most)
    wrong = pairs.with_columns(beyond.alias("beyond")).filter(pl.col("beyond") > tolerance + 1e-9)
    words = pl.format(
        "{} {} {}: call - put is {}, by {} outside the bounds of its expiry",
        *("symbol", "expiry", "strike"),
        *(pl.col(name).round(4) for name in ("difference", "beyond")),
    )
    spreads = pl.when(pl.col("halves") > 0).then(pl.col("beyond") / pl.col("halves"))
    found = described(wrong, "option_snapshots", words, value=spreads, limit=given.limits.parity_spreads, rows=2)
    return Outcome(len(pairs), len(wrong), found)


def _pairs(given: Given) -> pl.DataFrame | None:
    """A row a pair: difference C - P, halves, present K exp(-rT), spot, and centre, the X of its expiry."""
    options = given.options
    if options is None:
        return None
    known = options.drop_nulls("mid").select(*EXPIRY, "strike", "right", "con_id", "mid", "half", "spot")
    calls, puts = (known.filter(pl.col("right") == right).drop("right") for right in ("C", "P"))
    years = (pl.col("expiry") - pl.lit(given.day)).dt.total_days().clip(lower_bound=0) / YEAR
    both = calls.join(puts.drop("spot"), on=[*EXPIRY, "strike"], suffix="_put", nulls_equal=True).with_columns(
        (pl.col("mid") - pl.col("mid_put")).alias("difference"),
        (pl.col("half") + pl.col("half_put")).alias("halves"),
        (pl.col("strike") * (-given.rate * years).exp()).alias("present"),
    )
    # Nearest to the money: where call and put are worth the same, whatever the price of the underlying.
    implied = pl.col("difference") + pl.col("present")
    nearest = pl.col("difference").abs().rank("ordinal").over(EXPIRY) <= 2 * LEAST_PAIRS
    return both.with_columns(
        pl.when(nearest).then(implied).median().over(EXPIRY).alias("centre"), pl.len().over(EXPIRY).alias("pairs")
    ).filter(pl.col("pairs") >= LEAST_PAIRS)
