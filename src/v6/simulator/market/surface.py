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
_REST = 1.0 - RHO * RHO
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


def _phi(theta: float) -> float:
    phi: float = ETA / (theta**GAMMA * (1.0 + theta) ** (1.0 - GAMMA))
    return phi


def total_variance(log_moneyness: float, theta: float) -> float:
    scaled = _phi(theta) * log_moneyness
    shifted = scaled + RHO
    return 0.5 * theta * (1.0 + RHO * scaled + sqrt(shifted * shifted + _REST))


class Slice(NamedTuple):
    """What all options of one expiry share at one instant; `phi` is SSVI's power law of theta."""

    spot: float
    years: float
    theta: float
    phi: float
    carried: float  # the spot, less the dividends until then
    discount: float
    forward: float
    root_years: float
    dividend: float


def expiry_slice(spot: float, years: float, theta: float, dividend: float) -> Slice:
    """`theta` is theta(T), the total variance at the money; `dividend` a continuous yield."""
    carry, discount = exp(-dividend * years), exp(-RATE * years)
    return Slice(
        spot, years, theta, _phi(theta), spot * carry, discount, spot * carry / discount, sqrt(years), dividend
    )


def price_and_greeks(shared: Slice, strike: float, call: bool) -> Greeks:
    """Model price and greeks of one option."""
    spot, _, theta, phi, carried, discount, forward, root_years, dividend = shared
    moneyness = log(strike / forward)
    scaled = phi * moneyness
    shifted = scaled + RHO
    deviation = sqrt(0.5 * theta * (1.0 + RHO * scaled + sqrt(shifted * shifted + _REST)))
    iv = deviation / root_years
    d1 = 0.5 * deviation - moneyness / deviation
    density = exp(-0.5 * d1 * d1) / _ROOT_2PI
    sign = 1.0 if call else -1.0
    over = 0.5 * (1.0 + erf(sign * d1 / _ROOT_2))
    under = 0.5 * (1.0 + erf(sign * (d1 - deviation) / _ROOT_2))
    price = sign * (carried * over - strike * discount * under)
    decay = -carried * density * iv / (2.0 * root_years)
    decay += sign * (dividend * carried * over - RATE * strike * discount * under)
    return Greeks(
        iv,
        sign * carried / spot * over,
        price if price > 0.0 else 0.0,
        carried * density / (spot * spot * deviation),
        carried * density * root_years / 100.0,
        decay / 365.0,
        spot,
    )
