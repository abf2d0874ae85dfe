"""Quotes that no market shows: crossed, locked, of one side, or standing still while the underlying moves."""

from __future__ import annotations

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, contract, described, unable, united

QUOTED = ("option_snapshots", "underlying_snapshots", "futures_snapshots", "closing_marks")
NO_QUOTES = "no quotes that day"
BID, ASK = pl.col("bid"), pl.col("ask")
LEAST_OF_A_FEED, WHOLE_FEED = 20, 0.95
UNCHANGED = ("bid", "ask", "bid_size", "ask_size", "last", "volume")


def crossed(given: Given) -> Outcome:
    """bid > ask. Severe when more than `max_crossed_share` of a table's two-sided quotes cross."""
    most = given.limits.max_crossed_share
    return _two_sided(given, BID > ASK, "bid {} is above ask {}", most)


def locked(given: Given) -> Outcome:
    """bid = ask: a moment that markets do show, so never severe."""
    return _two_sided(given, BID == ASK, "bid {} equals ask {}", 1.0)


def one_sided(given: Given) -> Outcome:
    """Exactly one of bid and ask. A finding a table and symbol, severe above `max_one_sided_share` of its rows.

    Nobody bids for an option that is worth less than the smallest tick: some of it is a true picture of the market.
    """
    most = given.limits.max_one_sided_share
    parts = []
    for table, rows in given.rows(*QUOTED):
        shares = rows.group_by("symbol").agg(
            pl.len().alias("checked"), (BID.is_null() != ASK.is_null()).sum().alias("failed")
        )
        wrong = (
            shares.filter(pl.col("failed") > 0).sort("symbol").with_columns(value=pl.col("failed") / pl.col("checked"))
        )
        words = pl.format("{} of {} quotes of {} have one side", "failed", "checked", "symbol")
        found = described(
            wrong,
            table,
            words,
            value=pl.col("value"),
            limit=most,
            rows=pl.col("failed"),
            severe=pl.col("value") > most,
        )
        parts.append(Outcome(len(rows), int(shares["failed"].sum()), found))
    return united(parts, NO_QUOTES)


def stale(given: Given) -> Outcome:
    """A quote (prices, sizes, last, volume) that did not change for `stale_slots` slots, while the underlying moved by
    more than `stale_underlying_move` and |delta x the move| was more than the whole spread.

    The last condition leaves out what rightly stands still, such as 0.01 x 0.02 far from the money. checked: quotes of
    two sides with delta and spot; failed: those within such a run. A finding a run, at its last slot.
    """
    options = given.options
    if options is None:
        return unable(NO_QUOTES)
    known = options.drop_nulls(["mid", "delta", "spot"]).sort("con_id", "slot")
    if known.is_empty():
        return unable("no quote has delta and a price of its underlying")
    key = ["task", "con_id"]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1).over(key)) for name in UNCHANGED)
    first_spot = pl.col("spot").first()
    runs = (
        known.with_columns((~same).cum_sum().over(key).alias("run"))
        .group_by(*key, "run", maintain_order=True)
        .agg(
            pl.col("slot", "symbol", "expiry", "strike", "right").last(),
            pl.col("delta").abs().min(),
            pl.col("half").first(),
            pl.len().alias("slots"),
            (pl.col("spot") - first_spot).abs().max().alias("moved"),
            first_spot.alias("from_spot"),
        )
        .filter(
            pl.col("slots") >= given.limits.stale_slots,
            pl.col("moved") / pl.col("from_spot") > given.limits.stale_underlying_move,
            pl.col("delta") * pl.col("moved") > 2 * pl.col("half"),
        )
        .with_columns(value=pl.col("moved") / pl.col("from_spot"))
    )
    words = pl.format(
        "{} unchanged for {} slots while the underlying moved by {}", contract(runs), "slots", _rounded("moved")
    )
    found = described(
        runs,
        "option_snapshots",
        words,
        value=pl.col("value"),
        limit=given.limits.stale_underlying_move,
        rows=pl.col("slots"),
    )
    return Outcome(len(known), int(runs["slots"].sum()), found)


def frozen(given: Given) -> Outcome:
    """A slot in which a symbol's options are all (95 % of at least 20) exactly as in the slot before: prices, sizes,
    last and volume. The feed stands still, and with it the quote of the underlying that `stale` would need.

    checked: slots of symbols with quotes in the slot before; failed: those. A finding a slot and symbol.
    """
    options = given.options
    if options is None:
        return unable(NO_QUOTES)
    key = ["task", "con_id"]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1).over(key)) for name in UNCHANGED)
    slots = (
        options.drop_nulls("mid")
        .sort("con_id", "slot")
        .with_columns(same.alias("same"), pl.col("slot").shift(1).over(key).alias("slot_before"))
        .drop_nulls("slot_before")
        .group_by("task", "symbol", "slot")
        .agg(pl.len().alias("quotes"), pl.col("same").sum())
        .filter(pl.col("quotes") >= LEAST_OF_A_FEED)
        .sort("slot", "symbol")
    )
    if slots.is_empty():
        return unable(f"no symbol has {LEAST_OF_A_FEED} quotes in two slots")
    wrong = slots.with_columns(value=pl.col("same") / pl.col("quotes")).filter(pl.col("value") >= WHOLE_FEED)
    words = pl.format("{} of {} quotes of {} are as in the slot before", "same", "quotes", "symbol")
    found = described(wrong, "option_snapshots", words, value=pl.col("value"), limit=WHOLE_FEED, rows=pl.col("same"))
    return Outcome(len(slots), len(wrong), found)


def _two_sided(given: Given, wrong: pl.Expr, words: str, most: float) -> Outcome:
    parts = []
    for table, rows in given.rows(*QUOTED):
        quotes = rows.drop_nulls(["bid", "ask"])
        bad = quotes.filter(wrong)
        found = described(
            bad,
            table,
            pl.format("{}: " + words, contract(bad), BID, ASK),
            value=BID - ASK,
            limit=0.0,
            severe=len(bad) > most * len(quotes),
        )
        parts.append(Outcome(len(quotes), len(bad), found))
    return united(parts, NO_QUOTES)


def _rounded(name: str) -> pl.Expr:
    return pl.col(name).round(4)
