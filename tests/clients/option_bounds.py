"""What an option can be worth at all: Black-Scholes at the ends of what rates and dividends may be."""

import math
from statistics import NormalDist

RATES = (0.0, 0.08)
DIVIDENDS = (0.0, 0.04)
YEAR_SECONDS = 365 * 86400.0


def value(
    right: str, price: float, strike: float, years: float, volatility: float, rate: float, dividend: float
) -> float:
    """Black, Scholes and Merton's price of a European option."""
    spread = volatility * math.sqrt(years)
    first = (math.log(price / strike) + (rate - dividend + volatility**2 / 2) * years) / spread
    sign = 1 if right == "C" else -1
    normal = NormalDist().cdf
    return sign * (
        price * math.exp(-dividend * years) * normal(sign * first)
        - strike * math.exp(-rate * years) * normal(sign * (first - spread))
    )


def bounds(right: str, price: float, strike: float, years: float, volatility: float) -> tuple[float, float]:
    """The least and the most that this volatility allows, with any rate and dividend yield of RATES and DIVIDENDS."""
    values = [value(right, price, strike, years, volatility, r, q) for r in RATES for q in DIVIDENDS]
    return min(values), max(values)
