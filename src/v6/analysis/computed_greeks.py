"""Implied volatility and greeks from the middle of bid and ask, for quotes that TWS sent none with. Pure.

    price           (bid + ask) / 2
    spot            the row's underlying_price, else its `spot`
    time            calendar time from the slot to 16:00 New York of the expiry (an early close is not looked up), in
                    years of 365 days; a class settled in the morning: 09:30 of the day after its last trading day
    dividend_yield  of the slot, trading class and expiry, implied by put-call parity (`dividend_yields`)
    computed_iv     the volatility with which `option_model` gives `price`: American exercise, except the trading
                    classes of EUROPEAN

The greeks are per unit of the underlying: theta per calendar day, vega per 1 point of volatility (0.01). TWS's own are
in these units: recorded ones agree with computed ones (tests/analysis/test_recorded_greeks.py) [measured].

Reasons, the first that holds: `expired`; `no_spot`; `no_quotes` neither bid nor ask, `one_sided` one of them; `crossed`
bid above ask; `no_forward` no usable call and put of one strike in the expiry; `below_intrinsic` the price is not above
the value without volatility; `not_invertible` no volatility from 0.001 to 5 gives it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import polars as pl

from v6.analysis.dividend_yields import Pair, implied_yield
from v6.analysis.option_model import NotInvertibleError, Option, OptionModel, floor
from v6.model import WhyNull

EUROPEAN = {
    # trading class -> when it settles; every other class is American. Read in the exchanges' and brokers' pages
    # [documented]: SPX, SPXW cboe.com/products/indexopts/spx_spec.aspx; XSP .../mini_spx_options/specifications;
    # XEO .../xeo_spec.aspx; DJX .../djx_spec.aspx; RUT, RUTW, MRUT .../mini_russell_2000_index_options (its table);
    # NDX, NDXP, XND nasdaq.com/nasdaq-100-index-options; VIX macroption.com/vix-options-settlement; VIXW, its weekly
    # class, likewise [unverified]. OEX is American. TWS's expiry is the last trading day, not the expiration (release
    # notes of its API 9.72: "Within TWS, we use the last trading day"): of a morning class the day before it settles
    "SPX": "morning",
    "SPXW": "close",
    "XSP": "close",
    "XEO": "close",
    "NDX": "morning",
    "NDXP": "close",
    "XND": "close",
    "RUT": "morning",
    "RUTW": "close",
    "MRUT": "close",
    "DJX": "morning",
    "VIX": "morning",
    "VIXW": "morning",
}
LEAST_IV, MOST_IV = 0.01, 5.0
"""TWS's volatility is usable within (0.01, 5]."""
SECONDS_A_YEAR = 365 * 86_400
IDENTITY = ("trade_date", "slot", "task", "con_id", "symbol", "expiry", "strike", "right", "trading_class")
INPUTS = ("why_null", "price", "spot", "rate", "dividend_yield")
COMPUTED = ("computed_iv", "computed_delta", "computed_gamma", "computed_vega", "computed_theta")
Expiry = tuple[datetime, str, date]
"""Slot, trading class and expiry: what has one dividend yield."""


def compute(frame: pl.DataFrame, *, rate: float, everything: bool = False) -> pl.DataFrame:
    """Exactly the columns of `option_greeks`, a row for each row of `frame` that has no usable volatility of TWS.

    `frame`: columns of `option_snapshots`, whole slots of it (an expiry's calls and puts tell its dividend yield), and
    optionally `spot`, the price of the underlying where the row has none. `rate`: risk-free, continuous, per year.
    `everything`: rows with TWS's volatility too. Rows stay in their order; a row without a volatility has `why_null`.
    """
    model = OptionModel()
    quotes = _prepared(frame, rate)
    yields = _yields(model, quotes.filter(pl.col("why_null").is_null()))
    if not everything:
        quotes = quotes.filter(~pl.col("iv").is_between(LEAST_IV, MOST_IV, closed="right").fill_null(value=False))
    values = pl.DataFrame(
        [_computed(model, row, yields) for row in quotes.iter_rows(named=True)],
        schema={"why_null": pl.String, "dividend_yield": pl.Float64} | dict.fromkeys(COMPUTED, pl.Float64),
    )
    return quotes.drop("why_null").hstack(values).select(*IDENTITY, *COMPUTED, *INPUTS)


def _prepared(frame: pl.DataFrame, rate: float) -> pl.DataFrame:
    """The frame with class, american, years, spot, price, rate, and why_null of what the quote alone tells."""
    bid, ask, model_spot = (_positive(name) for name in ("bid", "ask", "underlying_price"))
    given_spot = _positive("spot") if "spot" in frame.columns else pl.lit(None, pl.Float64)
    settles = pl.col("class").replace_strict(EUROPEAN, default="american", return_dtype=pl.String)
    end = (
        pl.when(settles == "morning")
        .then(pl.col("expiry").dt.offset_by("1d").dt.combine(pl.time(9, 30)))
        .otherwise(pl.col("expiry").dt.combine(pl.time(16)))
    )
    left = end.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC") - pl.col("slot")
    return (
        frame.with_columns(pl.coalesce("trading_class", "symbol").alias("class"))
        .with_columns(
            american=settles == "american",
            years=left.dt.total_seconds() / SECONDS_A_YEAR,
            spot=pl.coalesce(model_spot, given_spot),
            price=(bid + ask) / 2,
            rate=pl.lit(rate, pl.Float64),
        )
        .with_columns(
            why_null=pl.when(pl.col("years") <= 0)
            .then(pl.lit(WhyNull.EXPIRED.value))
            .when(pl.col("spot").is_null())
            .then(pl.lit(WhyNull.NO_SPOT.value))
            .when(bid.is_null() & ask.is_null())
            .then(pl.lit(WhyNull.NO_QUOTES.value))
            .when(bid.is_null() | ask.is_null())
            .then(pl.lit(WhyNull.ONE_SIDED.value))
            .when(bid > ask)
            .then(pl.lit(WhyNull.CROSSED.value))
        )
    )


def _positive(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64)
    return pl.when(number.is_finite() & (number > 0)).then(number)


def _yields(model: OptionModel, usable: pl.DataFrame) -> dict[Expiry, float | None]:
    """The dividend yield of every slot, class and expiry with quotes."""
    key = ["slot", "class", "expiry", "strike"]
    calls, puts = (usable.filter(pl.col("right") == right) for right in ("C", "P"))
    both = calls.join(puts.select(*key, pl.col("price").alias("put"), pl.col("spot").alias("put_spot")), on=key)
    pairs: dict[Expiry, list[Pair]] = {}
    for row in both.with_columns(spot=(pl.col("spot") + pl.col("put_spot")) / 2).iter_rows(named=True):
        pairs.setdefault(_expiry(row), []).append(Pair(_option(row, 0.0), row["price"], row["put"]))
    return {expiry: implied_yield(model, found) for expiry, found in pairs.items()}


def _computed(model: OptionModel, row: Mapping[str, Any], yields: Mapping[Expiry, float | None]) -> dict[str, Any]:
    """why_null, dividend_yield and COMPUTED of one quote; what is absent is null."""
    dividend_yield = yields.get(_expiry(row))
    found: dict[str, Any] = {"why_null": row["why_null"], "dividend_yield": dividend_yield}
    if row["why_null"] is not None:
        return found
    if dividend_yield is None:
        return found | {"why_null": WhyNull.NO_FORWARD.value}
    option, price = _option(row, dividend_yield), row["price"]
    if price <= floor(option):
        return found | {"why_null": WhyNull.BELOW_INTRINSIC.value}
    try:
        volatility = model.implied_volatility(option, price)
        greeks = model.greeks(option, volatility)
    except NotInvertibleError:
        return found | {"why_null": WhyNull.NOT_INVERTIBLE.value}
    return found | {"computed_iv": volatility} | {f"computed_{name}": value for name, value in asdict(greeks).items()}


def _expiry(row: Mapping[str, Any]) -> Expiry:
    return row["slot"], row["class"], row["expiry"]


def _option(row: Mapping[str, Any], dividend_yield: float) -> Option:
    names = ("right", "strike", "american", "spot", "years", "rate")
    return Option(**{name: row[name] for name in names}, dividend_yield=dividend_yield)
