"""Forward prices of an option chain by put-call parity, and its straddles. Pure, vectorised over every group at once.

Frames have one row a contract and (trade_date, slot, symbol): a *group* is one underlying in one slot. Columns:
trade_date, slot, symbol, expiry, strike, right (C, P), bid, ask, `middle` (from `with_middles`), `dte`.
"""

import polars as pl

GROUP = ("trade_date", "slot", "symbol")
EXPIRY = (*GROUP, "expiry", "dte")
NEAREST = 3
"""Strikes whose parities are taken the median of."""
YEAR = 365.0
"""Days of a year. Times to expiry are calendar days from the trade date, over this."""


def with_middles(quotes: pl.DataFrame) -> pl.DataFrame:
    """Adds `middle` = (bid + ask) / 2 of quotes with both sides that are not crossed (else null), and `dte`, the
    calendar days from trade_date to expiry."""
    return quotes.with_columns(
        pl.when(pl.col("bid") <= pl.col("ask")).then((pl.col("bid") + pl.col("ask")) / 2).alias("middle"),
        (pl.col("expiry") - pl.col("trade_date")).dt.total_days().alias("dte"),
    )


def pairs(quotes: pl.DataFrame) -> pl.DataFrame:
    """Strikes whose call and put both have a middle: group, expiry, dte, strike, call, put (middles)."""
    priced = quotes.filter(pl.col("middle").is_not_null(), pl.col("dte") >= 0)
    sides = [
        priced.filter(pl.col("right") == right).select(*EXPIRY, "strike", pl.col("middle").alias(name))
        for right, name in (("C", "call"), ("P", "put"))
    ]
    return sides[0].join(sides[1], on=[*EXPIRY, "strike"])


def forwards(pairs: pl.DataFrame, rate: float) -> pl.DataFrame:
    """The forward of every group's expiry: group, expiry, dte, forward. Expiries without a pair have no row.

    F = K + e^{rT} (C - P) at the strikes K with the smallest |C - P| (the nearest to the forward; of equal ones the
    lower strike), the median over the NEAREST = 3 of them, fewer where there are fewer; T = dte / 365, `rate` r
    continuous a year. Parity is exact for European options. American ones deviate by what early exercise is worth,
    which is least at the money; that, and a quote that is off, is why it is a median over the nearest strikes only.
    (Hull, Options, Futures and Other Derivatives, put-call parity; the VIX white paper takes the single nearest.)
    """
    growth = (rate * pl.col("dte") / YEAR).exp()
    nearest = pairs.with_columns((pl.col("call") - pl.col("put")).alias("gap")).sort(
        *EXPIRY, pl.col("gap").abs(), "strike"
    )
    return nearest.group_by(EXPIRY, maintain_order=True).agg(
        (pl.col("strike") + growth * pl.col("gap")).head(NEAREST).median().alias("forward")
    )


def straddles(pairs: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """The at-the-money straddle of each group's nearest expiry: group, expected_move, expected_move_expiry.

    Call middle + put middle at the strike nearest to the forward that has both (of two equally near, the lower); there
    is no interpolation between strikes. The nearest expiry is the first, the trade date's own included, whose pairs lie
    on both sides of its forward, or on it: a straddle that happens to be held far from the money is not one. Groups
    without one have no row. In the price of one share of the underlying.
    """
    beside = pl.col("strike") - pl.col("forward")
    return (
        pairs.join(forwards, on=EXPIRY)
        .with_columns(beside.alias("beside"))
        .filter(
            pl.col("beside").min().over(EXPIRY) <= 0,
            pl.col("beside").max().over(EXPIRY) >= 0,
        )
        .sort(*GROUP, "dte", pl.col("beside").abs(), "strike")
        .group_by(GROUP, maintain_order=True)
        .agg(
            (pl.col("call") + pl.col("put")).first().alias("expected_move"),
            pl.col("expiry").first().alias("expected_move_expiry"),
        )
    )
