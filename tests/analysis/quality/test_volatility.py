"""Volatilities and greeks that cannot be."""

from typing import Any

import pytest
from hand_made import given, of_options, option
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from v6.analysis.quality.volatility import greek_sign, iv_not_invertible, iv_range


@pytest.mark.parametrize(("iv", "wrong"), [(0.01, True), (0.0101, False), (5.0, False), (5.001, True), (1e-5, True)])
def test_a_volatility_lies_above_one_percent_and_at_most_at_five_hundred(iv: float, wrong: bool) -> None:
    assert iv_range(of_options(option(iv=iv))).failed == wrong


def test_rows_without_a_volatility_are_not_rows_with_a_good_one() -> None:
    assert iv_range(of_options(option(iv=None))).unable == "no row has an iv"
    assert iv_range(of_options(option(iv=None), option(691))).checked == 1


@pytest.mark.parametrize(
    ("row", "severe"),
    [
        (option(650, bid=39.0, ask=39.9), True),  # 40 of intrinsic value: even the ask is below
        (option(650, bid=39.0, ask=40.5), False),  # the middle 39.75 is below, the ask is not
        (option(730, "P", bid=39.0, ask=39.9), True),
        (option(650, bid=700.0, ask=710.0), True),  # a call above the underlying itself
        (option(650, "P", bid=651.0, ask=652.0), True),  # a put above its strike
    ],
)
def test_a_price_that_no_volatility_leads_to_is_found(row: dict[str, Any], severe: bool) -> None:
    said = iv_not_invertible(of_options(row, option()))

    assert (said.checked, said.failed, said.breached) == (2, 1, severe)


@settings(deadline=None)
@for_all(
    spot=st.floats(50, 500),
    strike=st.floats(50, 500),
    sigma=st.floats(0.05, 2.0),
    right=st.sampled_from("CP"),
)
def test_no_price_that_a_volatility_made_is_called_impossible(
    spot: float, strike: float, sigma: float, right: str
) -> None:
    """Black-Scholes without interest, by hand: with r = q = 0 an American option is worth a European one."""
    import math

    def below(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    d1 = (math.log(spot / strike) + sigma**2 / 24) / (sigma / math.sqrt(12))  # a month
    call = spot * below(d1) - strike * below(d1 - sigma / math.sqrt(12))
    worth = call if right == "C" else call - spot + strike

    assert iv_not_invertible(of_options(option(strike, right, bid=worth, ask=worth, underlying_price=spot))).failed == 0


def test_without_a_price_of_the_underlying_nothing_is_known_about_intrinsic_values() -> None:
    said = iv_not_invertible(of_options(option(underlying_price=None)))

    assert said.unable == "no two-sided quote with a price of its underlying"


@pytest.mark.parametrize(
    ("right", "greek", "value"),
    [
        ("C", "delta", -0.1),
        ("C", "delta", 1.1),
        ("P", "delta", 0.1),
        ("P", "delta", -1.1),
        ("C", "gamma", -0.01),
        ("P", "vega", -0.01),
        ("C", "theta", 1.08),
    ],
)
def test_a_greek_of_the_wrong_sign_is_found(right: str, greek: str, value: float) -> None:
    said = greek_sign(of_options(option(690, right, **{greek: value}), option(691, right)))

    assert (said.checked, said.failed) == (2, 1)
    assert said.findings.select("column", "value").rows() == [(greek, value)]


@pytest.mark.parametrize(
    "cells",
    [{"gamma": -5.9e-15}, {"delta": 0.95, "theta": 0.01}, {"delta": None, "gamma": None}],
    ids=["noise of a deep option", "interest on a deep option", "no greeks but two"],
)
def test_what_tws_rightly_says_of_deep_options_is_no_finding(cells: dict[str, Any]) -> None:
    assert greek_sign(of_options(option(**cells), option(691))).failed == 0


def test_a_row_with_two_wrong_greeks_is_one_failed_row_and_two_findings() -> None:
    said = greek_sign(of_options(option(delta=-0.2, gamma=-1.0)))

    assert (said.failed, said.findings.height) == (1, 2)
    assert greek_sign(given()).unable == "no option quotes that day"
