"""The value, implied volatility and greeks of one option by QuantLib. Pure; the only module that imports QuantLib.

Black-Scholes-Merton: lognormal prices, a constant rate r and dividend yield q (both continuous, per year), exercise at
expiry (QuantLib's AnalyticEuropeanEngine) or at any time (QdFpAmericanEngine, fast scheme: Andersen, Lake and
Offengenden, "High-performance American option pricing", Journal of Computational Finance 20 (2016)).

A value depends on its inputs only through S/K, r T, q T and sigma sqrt(T) and is proportional to K. QuantLib counts
whole days, so every option is priced here as one of a year on a strike of 1 with these four numbers: exact to the
second, and one call and one put serve all contracts. QuantLib's evaluation date is fixed: it never looks at a clock.

Greeks are central differences of the value: delta and gamma per unit of the underlying, vega per 1 point of volatility
(0.01), theta per calendar day (a 365th of the derivative in time).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import Any, Literal

LOWEST, HIGHEST = 1e-3, 5.0
"""Volatilities among which one is looked for."""
PRECISION = 1e-7
"""Of a volatility that is found."""
FALLBACK_GUESS, SECANTS = 0.3, 12
STEP_SPOT, STEP_VOLATILITY, STEP_TIME = 0.05, 0.01, 0.01
"""Of the differences: in standard deviations of the price at expiry, of the volatility, of the time left."""
VEGA_POINT = 0.01
DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Option:
    """A contract and what surrounds it. `years` to its expiry, above 0; `rate` and `dividend_yield` are continuous."""

    right: Literal["C", "P"]
    strike: float
    american: bool
    spot: float
    years: float
    rate: float
    dividend_yield: float


@dataclass(frozen=True, slots=True)
class Greeks:
    delta: float
    gamma: float
    vega: float
    theta: float


class NotInvertibleError(ValueError):
    """No volatility from LOWEST to HIGHEST gives the price, or QuantLib cannot compute with what is given."""


def floor(option: Option) -> float:
    """The value without volatility: below it no volatility gives a price.

    The payoff on the forward path, discounted: at expiry, and for an American option at the best time before.
    """
    sign = 1 if option.right == "C" else -1
    rate, dividend_yield = option.rate, option.dividend_yield
    times = [option.years]
    if option.american:
        times.append(0.0)
        growth = rate * option.strike / (dividend_yield * option.spot) if dividend_yield else 0.0
        if growth > 0 and rate != dividend_yield:
            times.append(min(max(log(growth) / (rate - dividend_yield), 0.0), option.years))
    worths = [option.spot * exp(-dividend_yield * t) - option.strike * exp(-rate * t) for t in times]
    return max(0.0, *(sign * worth for worth in worths))


class OptionModel:
    """QuantLib's objects, made once. Not for several threads at once."""

    def __init__(self) -> None:
        import QuantLib as ql  # noqa: N813 the name its own documentation uses

        reference = ql.Date(1, 1, 2020)
        ql.Settings.instance().evaluationDate = reference
        year = ql.Actual365Fixed()
        self._spot, self._rate, self._yield, self._deviation = (ql.SimpleQuote(0.5) for _ in range(4))
        handle = ql.QuoteHandle
        process = ql.BlackScholesMertonProcess(
            handle(self._spot),
            ql.YieldTermStructureHandle(ql.FlatForward(reference, handle(self._yield), year)),
            ql.YieldTermStructureHandle(ql.FlatForward(reference, handle(self._rate), year)),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(reference, ql.NullCalendar(), handle(self._deviation), year)
            ),
        )
        last = reference + DAYS_A_YEAR
        styles = {
            False: (ql.EuropeanExercise(last), ql.AnalyticEuropeanEngine(process)),
            True: (
                ql.AmericanExercise(reference, last),
                ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.fastScheme()),
            ),
        }
        self._kinds = {"C": ql.Option.Call, "P": ql.Option.Put}
        self._options: dict[tuple[str, bool], Any] = {}
        for american, (exercise, engine) in styles.items():
            for right, kind in self._kinds.items():
                option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, 1.0), exercise)
                option.setPricingEngine(engine)
                self._options[right, american] = option
        self._solver = ql.Brent()
        self._black_deviation = ql.blackFormulaImpliedStdDev

    def price(self, option: Option, volatility: float) -> float:
        """Its value, in the currency of the spot. Raises RuntimeError where QuantLib cannot."""
        return self._value(option, option.spot, option.years, volatility)

    def implied_volatility(self, option: Option, price: float) -> float:
        """The volatility that gives `price`, to PRECISION; `price` is above `floor`. Raises NotInvertibleError."""

        def excess(volatility: float) -> float:
            return (self.price(option, volatility) - price) / option.strike

        try:
            found = self._by_secants(excess, self._european_guess(option, price))
            if found is None:
                found = self._solver.solve(excess, PRECISION, FALLBACK_GUESS, LOWEST, HIGHEST)
        except RuntimeError as error:  # QuantLib's only exception; also: not of different sign at LOWEST and HIGHEST
            raise NotInvertibleError(str(error)) from error
        if not isfinite(found):
            raise NotInvertibleError(f"{found} for {option} at {price:g}")
        return float(found)

    def _european_guess(self, option: Option, price: float) -> float:
        """What the price would mean without early exercise: near the answer, and found without a search in Python."""
        forward = option.spot * exp((option.rate - option.dividend_yield) * option.years)
        kind, discount = self._kinds[option.right], exp(-option.rate * option.years)
        try:
            deviation = self._black_deviation(kind, option.strike, forward, price, discount)
        except RuntimeError:  # an early exercise is all that the price is worth
            return FALLBACK_GUESS
        return min(max(float(deviation) / sqrt(option.years), LOWEST), HIGHEST)

    @staticmethod
    def _by_secants(excess: Callable[[float], float], guess: float) -> float | None:
        """A root, a few evaluations from a good guess; None where that does not lead to one."""
        before, above = guess, excess(guess)
        here = guess * (0.99 if above > 0 else 1.01)
        for _ in range(SECANTS):
            value = excess(here)
            if value == above:
                return None
            before, here, above = here, here - value * (here - before) / (value - above), value
            if not LOWEST <= here <= HIGHEST:
                return None
            if abs(here - before) < PRECISION:
                return here
        return None

    def greeks(self, option: Option, volatility: float) -> Greeks:
        """At `volatility`. Raises NotInvertibleError."""
        try:
            return self._differences(option, volatility)
        except RuntimeError as error:
            raise NotInvertibleError(str(error)) from error

    def _differences(self, option: Option, volatility: float) -> Greeks:
        spot, years = option.spot, option.years
        step = STEP_SPOT * spot * min(volatility * sqrt(years), 1.0)
        up, here, down = (self._value(option, at, years, volatility) for at in (spot + step, spot, spot - step))
        change = STEP_VOLATILITY * volatility
        more, less = (self._value(option, spot, years, at) for at in (volatility + change, volatility - change))
        longer, shorter = (
            self._value(option, spot, at, volatility) for at in (years * (1 + STEP_TIME), years * (1 - STEP_TIME))
        )
        return Greeks(
            delta=(up - down) / (2 * step),
            gamma=(up - 2 * here + down) / step**2,
            vega=(more - less) / (2 * change) * VEGA_POINT,
            theta=(shorter - longer) / (2 * STEP_TIME * years) / DAYS_A_YEAR,
        )

    def _value(self, option: Option, spot: float, years: float, volatility: float) -> float:
        self._spot.setValue(spot / option.strike)
        self._rate.setValue(option.rate * years)
        self._yield.setValue(option.dividend_yield * years)
        self._deviation.setValue(volatility * sqrt(years))
        return option.strike * float(self._options[option.right, option.american].NPV())
