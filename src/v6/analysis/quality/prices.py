"""Prices that jump where nothing explains it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, contract, described, unable

LEAST = 12
"""Changes of a contract that a deviation can be estimated from."""
NEAR = timedelta(minutes=15)
TICK = 0.01
TO_SIGMA = 1.4826
"""Median absolute deviation x this is the standard deviation of a normal variable."""


def price_jump(given: Given) -> Outcome:
    """A change of an option's middle that its delta and the underlying's move do not explain.

    e = dV - (delta before + delta now) / 2 x dS from one slot to the next (15 minutes at most). The mean of the two
    deltas carries the curvature to second order. Wrong when |e - median| > `price_jump_deviations` x 1.4826 x MAD of
    the contract's own e of that day (at least a tick of 0.01), and more than the two half spreads, which e cannot see
    through. checked: changes of contracts with at least 12 of them. A jump that comes back makes two findings.
    """
    options = given.options
    if options is None:
        return unable("no option quotes that day")
    key = ["task", "con_id"]
    names = ("slot", "mid", "half", "delta", "spot")
    changes = (
        options.drop_nulls(["mid", "delta", "spot"])
        .sort("con_id", "slot")
        .with_columns(pl.col(name).shift(1).over(key).alias(f"{name}_before") for name in names)
        .filter(pl.col("slot") - pl.col("slot_before") <= NEAR)
        .with_columns(
            (
                (pl.col("mid") - pl.col("mid_before"))
                - (pl.col("delta") + pl.col("delta_before")) / 2 * (pl.col("spot") - pl.col("spot_before"))
            ).alias("unexplained")
        )
        .filter(pl.len().over(key) >= LEAST)
    )
    if changes.is_empty():
        return unable(f"no contract has {LEAST} changes with delta and a price of its underlying")
    away = (pl.col("unexplained") - pl.col("unexplained").median().over(key)).abs()
    known = changes.with_columns(away.alias("away")).with_columns(
        (TO_SIGMA * pl.col("away").median().over(key)).clip(lower_bound=TICK).alias("usual")
    )
    deviations = pl.col("away") / pl.col("usual")
    limit = given.limits.price_jump_deviations
    wrong = known.filter(deviations > limit, pl.col("away") > pl.col("half") + pl.col("half_before"))
    words = pl.format(
        "{}: middle from {} to {}, {} more than its delta explains",
        contract(wrong),
        *(pl.col(name).round(4) for name in ("mid_before", "mid", "unexplained")),
    )
    return Outcome(len(known), len(wrong), described(wrong, "option_snapshots", words, value=deviations, limit=limit))
