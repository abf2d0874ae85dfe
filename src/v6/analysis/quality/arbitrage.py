"""Prices of several strikes or expiries that somebody could trade against each other for nothing.

American exercise: a price is convex in the strike, and a longer option of the same strike is never worth less (Merton
1973). Quotes of one slot are up to its deadline apart, so a fast market makes such findings too.
"""

from __future__ import annotations

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, contract, described, unable

OPTIONS = "option_snapshots"
NOISE = 1e-9


def butterfly(given: Given) -> Outcome:
    """Three neighbouring strikes K1 < K2 < K3 of an expiry whose prices are not convex, beyond the spreads.

    With w = (K3 - K2) / (K3 - K1), middles V and half spreads h, wrong when
    V2 - w V1 - (1 - w) V3 > `arbitrage_spreads` x (h2 + w h1 + (1 - w) h3); at 1.0 that is a trade: the bid of the
    body is above the asks of the wings. checked: triples; the finding is the middle one's.
    """
    key = ["task", "slot", "symbol", "trading_class", "expiry", "right"]
    triples = _neighbours(given, key, "strike")
    if triples is None:
        return unable("no expiry has three strikes with two-sided quotes")
    width = pl.col("strike_after") - pl.col("strike_before")
    weight = (pl.col("strike_after") - pl.col("strike")) / width
    excess = pl.col("mid") - weight * pl.col("mid_before") - (1 - weight) * pl.col("mid_after")
    halves = pl.col("half") + weight * pl.col("half_before") + (1 - weight) * pl.col("half_after")
    known = triples.drop_nulls(["mid_before", "mid_after"])
    if known.is_empty():
        return unable("no expiry has three strikes with two-sided quotes")
    words = pl.format(
        "{}: above its neighbours {} and {} by {}", contract(known), "strike_before", "strike_after", excess.round(4)
    )
    return _beyond(given, known, excess, halves, words)


def calendar(given: Given) -> Outcome:
    """An option worth more than the next longer one of its strike, beyond the spreads.

    Wrong when V(near) - V(far) > `arbitrage_spreads` x (h(near) + h(far)). checked: neighbouring expiries; the finding
    is the nearer one's. For European options (SPX) deep in the money this can be right.
    """
    key = ["task", "slot", "symbol", "trading_class", "strike", "right"]
    nothing = "no strike has two expiries with two-sided quotes"
    neighbours = _neighbours(given, key, "expiry")
    known = None if neighbours is None else neighbours.drop_nulls("mid_after")
    if known is None or known.is_empty():
        return unable(nothing)
    excess = pl.col("mid") - pl.col("mid_after")
    words = pl.format("{}: worth {} more than that of {}", contract(known), excess.round(4), "expiry_after")
    return _beyond(given, known, excess, pl.col("half") + pl.col("half_after"), words)


def _neighbours(given: Given, key: list[str], along: str) -> pl.DataFrame | None:
    """Two-sided quotes with `along`, mid and half of the one before and the one after it in their group."""
    options = given.options
    if options is None:
        return None
    known = (
        options.drop_nulls("mid").sort(*key, along, "con_id").unique([*key, along], keep="first", maintain_order=True)
    )
    columns = (along, "mid", "half")
    return known.with_columns(
        *(pl.col(name).shift(1).over(key).alias(f"{name}_before") for name in columns),
        *(pl.col(name).shift(-1).over(key).alias(f"{name}_after") for name in columns),
    )


def _beyond(given: Given, known: pl.DataFrame, excess: pl.Expr, halves: pl.Expr, words: pl.Expr) -> Outcome:
    limit = given.limits.arbitrage_spreads
    wrong = known.filter(excess > limit * halves + NOISE)
    value = pl.when(halves > 0).then(excess / halves)
    return Outcome(len(known), len(wrong), described(wrong, OPTIONS, words, value=value, limit=limit))
