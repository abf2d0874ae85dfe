"""The option surface: SSVI total variance and Black-Scholes-Merton, both closed forms.

SSVI (Gatheral, Jacquier 2014, "Arbitrage-free SVI volatility surfaces") with the power-law phi: no calendar or
butterfly arbitrage as long as theta never falls with time, ETA * (1 + |RHO|) <= 2 and 0 < GAMMA <= 1/2.
European exercise throughout: early exercise is not priced.
"""

from math import erf, exp, log, pi, sqrt
from typing import NamedTuple

RHO, ETA, GAMMA = -0.55, 1.1, 0.45
RATE = 0.038
YEAR = 365.0 * 86400.0
_ROOT_2PI = sqrt(2.0 * pi)
_ROOT_2 = sqrt(2.0)
MEAN_REVERSION = 3.0  # a year


class Greeks(NamedTuple):
    """`iv` 0.25 = 25 %, vega for one volatility point, theta for one calendar day, as TWS sends them."""

    iv: float
    delta: float
    price: float
    gamma: float
    vega: float
    theta: float
    underlying: float | None


def at_the_money_variance(years: float, spot_variance: float, long_variance: float) -> float:
    """theta(T): the mean-reverting expected variance integrated to T; rises with T for any positive inputs."""
    decay = (1.0 - exp(-MEAN_REVERSION * years)) / MEAN_REVERSION
    return long_variance * years + (spot_variance - long_variance) * decay


def total_variance(log_moneyness: float, theta: float) -> float:
    phi: float = ETA / (theta**GAMMA * (1.0 + theta) ** (1.0 - GAMMA))
    scaled = phi * log_moneyness
    shifted = scaled + RHO
    return 0.5 * theta * (1.0 + RHO * scaled + sqrt(shifted * shifted + 1.0 - RHO * RHO))


def _normal(value: float) -> float:
    return 0.5 * (1.0 + erf(value / _ROOT_2))


def greeks(spot: float, strike: float, years: float, theta_variance: float, dividend: float, call: bool) -> Greeks:
    """Model price and greeks of one option; `theta_variance` is theta(T), `dividend` a continuous yield."""
    carry = exp(-dividend * years)
    discount = exp(-RATE * years)
    forward = spot * carry / discount
    variance = total_variance(log(strike / forward), theta_variance)
    deviation = sqrt(variance)
    iv = deviation / sqrt(years)
    d1 = log(forward / strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    density = exp(-0.5 * d1 * d1) / _ROOT_2PI
    sign = 1.0 if call else -1.0
    over, under = _normal(sign * d1), _normal(sign * d2)
    price = sign * (spot * carry * over - strike * discount * under)
    decay = -spot * carry * density * iv / (2.0 * sqrt(years))
    decay += sign * (dividend * spot * carry * over - RATE * strike * discount * under)
    return Greeks(
        iv=iv,
        delta=sign * carry * over,
        price=max(price, 0.0),
        gamma=carry * density / (spot * deviation),
        vega=spot * carry * density * sqrt(years) / 100.0,
        theta=decay / 365.0,
        underlying=spot,
    )
