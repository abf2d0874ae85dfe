"""Prices of the synthetic world: pure functions of (seed, instant), the same after every restart and on every host.

One market factor moves everything; each stock adds noise of its own; indices follow their ETF, futures their index at
the cost of carry, and short-dated volatility rises when the factor has fallen.
"""

from functools import lru_cache
from math import exp, sqrt

from v6.simulator.instruments.underlyings import UNDERLYINGS, Future, Underlying
from v6.simulator.market import noise
from v6.simulator.market.surface import (
    RATE,
    YEAR,
    Greeks,
    Slice,
    at_the_money_variance,
    expiry_slice,
    price_and_greeks,
)

STEPS_A_SECOND = 4  # TWS aggregates updates to about four a second
MARKET_VOLATILITY = 0.15
CALM = 0.165
OWN_MOOD = 0.1
MOOD_VOLATILITY = 0.5
_DAYS = range(13, 24)
_SLOW = range(20, 24)
_FAST = range(2, 20)


class Market:
    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._price = lru_cache(maxsize=1 << 15)(self._price_at)
        self._factor = lru_cache(maxsize=1 << 13)(self._factor_at)
        self._slice = lru_cache(maxsize=1 << 12)(self._slice_at)

    def _factor_at(self, step: int) -> tuple[float, float]:
        """The market factor and its fast part (what has happened lately)."""
        tau = noise.variance_time(step / STEPS_A_SECOND)
        base = noise.key(self.seed, "market")
        fast = noise.walk(base, tau, MARKET_VOLATILITY, _FAST)
        return fast + noise.walk(base, tau, MARKET_VOLATILITY, _SLOW), fast

    def _price_at(self, symbol: str, step: int) -> float:
        underlying = UNDERLYINGS[symbol]
        if underlying.follows:
            return underlying.base * self._price(underlying.follows, step) / UNDERLYINGS[underlying.follows].base
        factor, fast = self._factor(step)
        if symbol == "VIX":
            return 100.0 * self._calm(fast)
        own = noise.walk(noise.key(self.seed, symbol), noise.variance_time(step / STEPS_A_SECOND), underlying.own)
        return underlying.base * exp(underlying.beta * factor + own)

    @staticmethod
    def _calm(fast: float) -> float:
        """At-the-money short-dated volatility of the S&P 500."""
        return CALM * exp(-5.0 * fast)

    def price(self, symbol: str, instant: float) -> float:
        """The fair value of a stock or index, unrounded."""
        return self._price(symbol, int(instant * STEPS_A_SECOND))

    def future_price(self, future: Future, expires_at: float, instant: float) -> float:
        underlying = UNDERLYINGS[future.follows]
        years = max(expires_at - instant, 0.0) / YEAR
        return self.price(future.follows, instant) * exp((RATE - underlying.dividend) * years)

    def _variance(self, symbol: str, years: float, step: int) -> float:
        """theta(T): the total variance at the money over the next years."""
        underlying = self._source(symbol)
        _, fast = self._factor(step)
        spot = (self._calm(fast) * underlying.volatility * self._mood(underlying, step)) ** 2
        return at_the_money_variance(years, spot, (CALM * 1.15 * underlying.volatility) ** 2)

    def _slice_at(self, symbol: str, expires_at: float, step: int) -> Slice:
        """Time runs in steps of a minute near the end, so that it never is zero."""
        years = max(expires_at - step / STEPS_A_SECOND, 60.0) / YEAR
        theta = self._variance(symbol, years, step)
        return expiry_slice(self._price(symbol, step), years, theta, UNDERLYINGS[symbol].dividend)

    def _mood(self, underlying: Underlying, step: int) -> float:
        """How much dearer a single stock's near options are than usual; indices and their funds follow the market."""
        if underlying.own < OWN_MOOD:
            return 1.0
        tau = noise.variance_time(step / STEPS_A_SECOND)
        return exp(noise.walk(noise.key(self.seed, "mood", underlying.symbol), tau, MOOD_VOLATILITY, _DAYS))

    @staticmethod
    def _source(symbol: str) -> Underlying:
        underlying = UNDERLYINGS[symbol]
        return UNDERLYINGS[underlying.follows] if underlying.follows else underlying

    def option(self, symbol: str, strike: float, expires_at: float, call: bool, instant: float) -> Greeks:
        """The model's price and greeks; put-call parity and no-arbitrage hold exactly before rounding."""
        step = int(instant * STEPS_A_SECOND)
        return price_and_greeks(self._slice(symbol, expires_at, step), strike, call)

    def implied_volatility(self, symbol: str, instant: float, days: float = 30.0) -> float:
        """At the money, over the next days, annualised: 0.25 is 25 %; TWS's 30-day implied volatility of a stock."""
        years = days * 86400.0 / YEAR
        return sqrt(self._variance(symbol, years, int(instant * STEPS_A_SECOND)) / years)
