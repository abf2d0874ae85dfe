"""The continuous dividend yield that an expiry's own prices imply, by put-call parity. Pure.

For a call C and a put P of one strike K: S e^(-q T) = c - p + K e^(-r T), hence q. c and p are the European values: for
American options the premium for early exercise is taken off first, at the volatility that gives the quoted price, and q
is computed again, ROUNDS times. The pairs nearest the forward (smallest |C - P|) are taken, and the median of their q.

It is a cost of carry more than a forecast of dividends: it also holds lending fees, a rate that differs from r, and the
error of a spot that is not of the same second. Together with r it gives the forward that the quotes imply, and that is
what the volatilities rest on. What it cannot hold: an early exercise is best just before a discrete dividend.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import exp, log
from statistics import median
from typing import NamedTuple

from v6.analysis.option_model import NotInvertibleError, Option, OptionModel, floor

PAIRS = 3
ROUNDS = 3


class Pair(NamedTuple):
    """The middle prices of a call and a put of one strike and expiry; `option`: the call, its yield not yet known."""

    option: Option
    call: float
    put: float


def implied_yield(model: OptionModel, pairs: Iterable[Pair]) -> float | None:
    """The median yield of the PAIRS nearest the forward; None without a usable pair."""
    nearest = sorted(pairs, key=lambda pair: (abs(pair.call - pair.put), pair.option.strike))[:PAIRS]
    found = [dividend_yield for pair in nearest if (dividend_yield := _of_pair(model, pair)) is not None]
    return median(found) if found else None


def _of_pair(model: OptionModel, pair: Pair) -> float | None:
    dividend_yield = _parity(pair.option, pair.call - pair.put)
    if not pair.option.american:
        return dividend_yield
    for _ in range(ROUNDS):
        if dividend_yield is None:
            return None
        call = replace(pair.option, right="C", dividend_yield=dividend_yield)
        put = replace(call, right="P")
        try:
            premium = _early_exercise(model, call, pair.call) - _early_exercise(model, put, pair.put)
        except NotInvertibleError:
            return None
        dividend_yield = _parity(pair.option, pair.call - pair.put - premium)
    return dividend_yield


def _parity(option: Option, difference: float) -> float | None:
    """The yield for c - p = `difference`; None where no forward above 0 gives it."""
    discounted_forward = difference + option.strike * exp(-option.rate * option.years)
    return -log(discounted_forward / option.spot) / option.years if discounted_forward > 0 else None


def _early_exercise(model: OptionModel, option: Option, price: float) -> float:
    if price <= floor(option):
        raise NotInvertibleError(f"{price:g} is not above the value without volatility")
    volatility = model.implied_volatility(option, price)
    return price - model.price(replace(option, american=False), volatility)
