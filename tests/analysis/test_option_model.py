"""One option's value, implied volatility and greeks, against published numbers and a fine binomial tree."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.analysis.option_model import NotInvertibleError, Option, OptionModel, floor

MODEL = OptionModel()
VOLATILITIES, MONTHS, STRIKES = (0.2, 0.3, 0.4), (0.0833, 0.3333, 0.5833), (35.0, 40.0, 45.0)
# American puts, S = 40, r = 0.0488, no dividends: the "true" column of Exhibit 3 in Ju, "An approximate formula for
# pricing American options", Journal of Derivatives (1999); a row a volatility and time, a column a strike
JU = (
    (0.0062, 0.8522, 5.0000),
    (0.2001, 1.5798, 5.0883),
    (0.4328, 1.9904, 5.2670),
    (0.0774, 1.3099, 5.0597),
    (0.6975, 2.4825, 5.7056),
    (1.2198, 3.1696, 6.2436),
    (0.2466, 1.7681, 5.2868),
    (1.3460, 3.3874, 6.5099),
    (2.1549, 4.3526, 7.3830),
)
# Barone-Adesi and Whaley's approximation, K = 100, r = q = 0.10: Haug, "Option pricing formulas" (1998), page 24
BARONE_ADESI_WHALEY = (
    ("C", 90, 0.10, 0.15, 0.0206),
    ("C", 100, 0.10, 0.25, 3.1280),
    ("C", 110, 0.10, 0.35, 11.1679),
    ("C", 110, 0.50, 0.15, 10.8087),
    ("C", 100, 0.50, 0.35, 9.5106),
    ("P", 90, 0.50, 0.15, 10.5595),
    ("P", 100, 0.50, 0.25, 6.8014),
    ("P", 110, 0.50, 0.35, 5.8823),
)


def tree(option: Option, volatility: float, steps: int = 1000) -> float:
    """Cox, Ross and Rubinstein's binomial tree, by hand; the mean of two depths cancels its oscillation."""

    def of(steps: int) -> float:
        time = option.years / steps
        up = math.exp(volatility * math.sqrt(time))
        chance = (math.exp((option.rate - option.dividend_yield) * time) - 1 / up) / (up - 1 / up)
        sign = 1 if option.right == "C" else -1
        prices = option.spot * up ** np.arange(-steps, steps + 1, 2.0)
        values = np.maximum(sign * (prices - option.strike), 0)
        for depth in range(steps - 1, -1, -1):
            values = math.exp(-option.rate * time) * (chance * values[1:] + (1 - chance) * values[:-1])
            if option.american:
                prices = option.spot * up ** np.arange(-depth, depth + 1, 2.0)
                values = np.maximum(values, sign * (prices - option.strike))
        return float(values[0])

    return (of(steps) + of(steps + 1)) / 2


def spy(right: str = "P", strike: float = 690.0, **changes: object) -> Option:
    values = {"american": True, "spot": 690.0, "years": 0.14, "rate": 0.04, "dividend_yield": 0.012}
    return Option(right=right, strike=strike, **(values | changes))  # type: ignore[arg-type]


def test_hulls_european_call_and_put() -> None:
    """Hull, Options, Futures, and Other Derivatives: S = 42, K = 40, r = 10 %, 20 % volatility, six months."""
    call = Option("C", 40, american=False, spot=42, years=0.5, rate=0.1, dividend_yield=0)

    assert round(MODEL.price(call, 0.2), 2) == 4.76
    assert round(MODEL.price(replace(call, right="P"), 0.2), 2) == 0.81


def test_hulls_greeks_in_the_units_of_tws() -> None:
    """Hull: S = 49, K = 50, r = 5 %, 20 %, 20 weeks: delta 0.522, gamma 0.066, vega 12.1, theta -4.31 a year."""
    greeks = MODEL.greeks(Option("C", 50, american=False, spot=49, years=20 / 52, rate=0.05, dividend_yield=0), 0.2)

    assert greeks.delta == pytest.approx(0.522, abs=5e-4)
    assert greeks.gamma == pytest.approx(0.066, abs=5e-4)
    assert greeks.vega == pytest.approx(12.1 / 100, abs=5e-4)
    assert greeks.theta == pytest.approx(-4.31 / 365, abs=2e-5)


@pytest.mark.parametrize("row", range(9))
def test_jus_american_puts(row: int) -> None:
    volatility, years = VOLATILITIES[row // 3], MONTHS[row % 3]
    for strike, expected in zip(STRIKES, JU[row], strict=True):
        put = Option("P", strike, american=True, spot=40, years=years, rate=0.0488, dividend_yield=0)
        assert MODEL.price(put, volatility) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(("right", "spot", "years", "volatility", "expected"), BARONE_ADESI_WHALEY)
def test_barone_adesi_and_whaleys_table_within_the_error_of_their_approximation(
    right: str, spot: float, years: float, volatility: float, expected: float
) -> None:
    option = spy(right, 100.0, spot=spot, years=years, rate=0.1, dividend_yield=0.1)

    assert MODEL.price(option, volatility) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("strike", [600.0, 690.0, 780.0])
@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize("dividend_yield", [0.0, 0.06])
def test_a_fine_binomial_tree_agrees_to_a_cent(right: str, strike: float, dividend_yield: float) -> None:
    option = spy(right, strike, dividend_yield=dividend_yield, years=0.5)

    assert MODEL.price(option, 0.2) == pytest.approx(tree(option, 0.2), abs=0.01)


def test_delta_of_an_american_put_is_that_of_the_tree() -> None:
    option = spy(strike=720.0)
    up, down = (tree(replace(option, spot=spot), 0.2) for spot in (700.0, 680.0))

    assert MODEL.greeks(option, 0.2).delta == pytest.approx((up - down) / 20, abs=2e-3)


def test_an_american_put_is_worth_more_than_a_european_one_and_a_call_without_dividends_is_not() -> None:
    for right, gains in (("P", True), ("C", False)):
        american = spy(right, 720.0, dividend_yield=0.0)
        difference = MODEL.price(american, 0.2) - MODEL.price(replace(american, american=False), 0.2)
        assert (difference > 0.05) is gains
        assert difference >= -1e-6


def test_the_value_of_a_day_is_theta() -> None:
    option = spy()
    tomorrow = replace(option, years=option.years - 1 / 365)

    change = MODEL.price(tomorrow, 0.2) - MODEL.price(option, 0.2)
    assert MODEL.greeks(option, 0.2).theta == pytest.approx(change, rel=0.01)


OPTIONS = st.builds(
    Option,
    right=st.sampled_from(["C", "P"]),
    strike=st.floats(560, 820),
    american=st.booleans(),
    spot=st.just(690.0),
    years=st.floats(0.02, 1.5),
    rate=st.floats(0.0, 0.08),
    dividend_yield=st.floats(-0.02, 0.08),
)


@given(OPTIONS, st.floats(0.05, 1.5))
@settings(max_examples=80, deadline=None)
def test_price_to_volatility_to_price(option: Option, volatility: float) -> None:
    price = MODEL.price(option, volatility)
    if price <= floor(option) + 0.005:
        return  # nothing but intrinsic value: no volatility to find

    assert MODEL.price(option, MODEL.implied_volatility(option, price)) == pytest.approx(price, abs=2e-4)


@given(OPTIONS, st.floats(0.05, 1.0), st.floats(0.01, 0.5))
@settings(max_examples=80, deadline=None)
def test_more_volatility_is_worth_more(option: Option, volatility: float, more: float) -> None:
    assert MODEL.price(option, volatility + more) >= MODEL.price(option, volatility) - 1e-3


@given(OPTIONS, st.floats(0.05, 1.0))
@settings(max_examples=80, deadline=None)
def test_no_price_is_below_its_floor(option: Option, volatility: float) -> None:
    assert MODEL.price(option, volatility) >= floor(option) - 1e-3


def test_the_floor_of_an_american_call_counts_the_best_day_to_exercise() -> None:
    """Dividends of 20 % and no volatility: a call in the money is worth most today, a put out of it at expiry."""
    call = spy("C", 600.0, dividend_yield=0.2, years=1.0)
    put = replace(call, right="P")

    assert floor(call) == 90.0
    assert floor(replace(call, american=False)) == 0.0
    assert floor(put) == pytest.approx(600 * math.exp(-0.04) - 690 * math.exp(-0.2))


def test_a_price_that_no_volatility_gives_is_refused() -> None:
    with pytest.raises(NotInvertibleError):
        MODEL.implied_volatility(spy("C"), 689.9)


def test_what_quantlib_cannot_compute_is_refused_and_not_guessed_l21() -> None:
    """A put that is worth exercising only within a band of prices: rate and yield below 0, the yield the lower."""
    with pytest.raises(NotInvertibleError, match="double-boundary"):
        MODEL.implied_volatility(spy(rate=-0.01, dividend_yield=-0.03), 40.0)
