"""What an option is worth at the close, from its closing quote. Pure.

    mid        (bid + ask) / 2, when both sides are there, bid <= ask, and ask - bid <= max(0.25 x mid, 0.20)
    last       the last trade of this session (volume above 0) inside the quote: bid <= last <= ask, a side that is
               absent bounds nothing
    one_sided  the bid when nobody offers (it is worth at least that); ask / 2 when nobody bids and ask <= 0.20
    null       otherwise: crossed, too wide, or no quote; nothing is made up (L21)

The first of these that applies. Exchanges settle options by models of their own; this is the market's word, and where
there is none it says so. Prices are in the contract's currency, of one unit (not times the multiplier).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SANE_SHARE, SANE_MONEY = 0.25, 0.20
"""The widest spread whose middle means something: of the middle, and in money (a nickel beside a quarter is usual)."""


def with_marks(frame: "pl.DataFrame") -> "pl.DataFrame":
    """The frame with `mark` and `mark_source`, from its columns bid, ask, last and volume."""
    import polars as pl

    bid, ask, last = pl.col("bid"), pl.col("ask"), pl.col("last")
    mid, spread = (bid + ask) / 2, ask - bid
    two_sided = bid.is_not_null() & ask.is_not_null()
    sane = two_sided & (spread >= 0) & (spread <= pl.max_horizontal(SANE_SHARE * mid, pl.lit(SANE_MONEY)) + 1e-9)
    quoted = bid.is_not_null() | ask.is_not_null()
    inside = (last >= bid).fill_null(bid.is_null()) & (last <= ask).fill_null(ask.is_null())
    traded = quoted & last.is_not_null() & (pl.col("volume") > 0).fill_null(False) & inside
    bid_only = bid.is_not_null() & ask.is_null()
    ask_only = bid.is_null() & ask.is_not_null() & (ask <= SANE_MONEY + 1e-9)
    mark = pl.when(sane).then(mid).when(traded).then(last).when(bid_only).then(bid).when(ask_only).then(ask / 2)
    source = (
        pl.when(sane)
        .then(pl.lit("mid"))
        .when(traded)
        .then(pl.lit("last"))
        .when(bid_only | ask_only)
        .then(pl.lit("one_sided"))
    )
    return frame.with_columns(mark=mark, mark_source=source)
