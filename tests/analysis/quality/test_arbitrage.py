"""Prices that do not fit each other: parity, butterflies, calendars."""

import math
from typing import Any

import pytest
from hand_made import DAY, EXPIRY, LATER, SPOT, given, of_options, option
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from v6.analysis.quality.arbitrage import butterfly, calendar
from v6.analysis.quality.given import Given
from v6.analysis.quality.parity import parity

STRIKES = range(670, 712, 2)


def priced(strike: float, right: str, middle: float, **cells: Any) -> dict[str, Any]:
    return option(strike, right, bid=middle - 0.05, ask=middle + 0.05, **cells)


def black_scholes(
    strike: float, right: str, *, years: float = 28 / 365, rate: float = 0.0, sigma: float = 0.2
) -> float:
    """By hand; without dividends an American call is a European one."""

    def below(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    spread = sigma * math.sqrt(years)
    d1 = (math.log(SPOT / strike) + (rate + sigma**2 / 2) * years) / spread
    call = SPOT * below(d1) - strike * math.exp(-rate * years) * below(d1 - spread)
    return call if right == "C" else call - SPOT + strike * math.exp(-rate * years)


def surface(**cells: Any) -> list[dict[str, Any]]:
    return [priced(k, right, black_scholes(k, right), **cells) for k in STRIKES for right in "CP"]


def with_middle(strike: float, right: str, middle: float) -> Given:
    """The surface with one quote replaced."""
    rows = [row for row in surface() if (row["strike"], row["right"]) != (strike, right)]
    return of_options(*rows, priced(strike, right, middle))


def test_a_surface_of_one_model_has_no_arbitrage() -> None:
    market = of_options(*surface(), *surface(expiry=LATER))

    assert [(rule(market).checked, rule(market).failed) for rule in (parity, butterfly)] == [(42, 0), (84 - 8, 0)]


@pytest.mark.parametrize(("off", "wrong"), [(0.19, 0), (0.21, 1), (-0.19, 0), (-0.21, 1)])
def test_a_pair_off_parity_by_more_than_twice_its_half_spreads_is_found(off: float, wrong: int) -> None:
    """r = 0: both bounds are S - K. Half spreads of 0.05 + 0.05, twice: 0.20."""
    said = parity(with_middle(700, "C", black_scholes(700, "C") + off))

    assert said.failed == wrong
    if wrong:
        assert said.findings["value"].to_list() == pytest.approx([2.1])
        assert said.findings["message"][0].startswith("SPY 2026-12-18 700.0: call - put is")


def test_the_early_exercise_of_a_put_is_no_break_of_parity() -> None:
    """At 5 % a deep put is worth up to K (1 - exp(-rT)) more than parity says: 710 x 0.0038 = 2.7."""
    early = 710 * (1 - math.exp(-0.05 * 28 / 365))
    rows = [
        priced(k, right, black_scholes(k, right, rate=0.05) + (0.9 * early if (k, right) == (710, "P") else 0))
        for k in STRIKES
        for right in "CP"
    ]

    assert parity(of_options(*rows, rate=0.05)).failed == 0


def test_parity_needs_no_price_of_the_underlying_but_five_strikes() -> None:
    rows = [row | {"underlying_price": None} for row in surface()]

    assert parity(of_options(*rows)).checked == len(STRIKES)
    assert parity(of_options(*rows[:8])).unable == "no expiry has 5 strikes with a two-sided call and put"


@pytest.mark.parametrize(("body", "wrong"), [(10.19, 0), (10.21, 1)])
def test_a_body_whose_bid_is_above_the_asks_of_its_wings_is_found(body: float, wrong: int) -> None:
    """Wings at 9.95 x 10.05: a body of 10.19 is bid 10.14 ... the wings cost 10.05; beyond 10.05 + 2 x 0.05 it pays."""
    rows = [priced(690, "C", 10.0), priced(700, "C", body - 0.1), priced(710, "C", 10.0)]
    bid_of_body, asks_of_wings = rows[1]["bid"], 10.05

    said = butterfly(of_options(*rows))

    assert said.failed == wrong == int(bid_of_body > asks_of_wings)
    assert said.checked == 1


def test_wings_count_by_their_distance() -> None:
    """Strikes 690, 700, 730: the body may be worth 3/4 of the near wing + 1/4 of the far one, 30 and 0 make 22.5."""
    rows = [priced(690, "C", 30.0), priced(700, "C", 22.55), priced(730, "C", 0.06)]

    assert butterfly(of_options(*rows)).failed == 0
    assert butterfly(of_options(rows[0], priced(700, "C", 22.65), rows[2])).failed == 1


@pytest.mark.parametrize(("near", "wrong"), [(10.09, 0), (10.11, 1)])
def test_a_longer_option_that_is_worth_less_is_found(near: float, wrong: int) -> None:
    said = calendar(of_options(priced(690, "C", near), priced(690, "C", 10.0, expiry=LATER, con_id=1)))

    assert (said.checked, said.failed) == (1, wrong)


def test_options_of_other_classes_rights_or_slots_are_not_compared() -> None:
    other = [{"trading_class": "SPYW"}, {"symbol": "QQQ"}, {"task": "another"}]
    for cells in other:
        rows = (priced(690, "C", 20.0), priced(690, "C", 10.0, expiry=LATER, con_id=1, **cells))
        assert calendar(of_options(*rows)).unable == "no strike has two expiries with two-sided quotes"


@settings(deadline=None)
@for_all(sigma=st.floats(0.05, 1.5), width=st.integers(1, 20))
def test_prices_of_any_one_volatility_are_convex_and_grow_with_time(sigma: float, width: int) -> None:
    strikes = [690 - width, 690, 690 + width]
    near = [option(k, "C", bid=p, ask=p) for k in strikes if (p := black_scholes(k, "C", sigma=sigma)) > 1e-6]
    far = [
        option(row["strike"], "C", bid=p, ask=p, expiry=LATER)
        for row in near
        if (p := black_scholes(row["strike"], "C", sigma=sigma, years=(LATER - DAY).days / 365))
    ]

    assert butterfly(of_options(*near)).failed == 0
    assert calendar(of_options(*near, *far)).failed == 0


def test_nothing_to_compare_is_said() -> None:
    assert EXPIRY < LATER
    for rule in (parity, butterfly, calendar):
        assert (rule(given()).checked, rule(of_options(option())).checked) == (0, 0)
