"""What must hold of the surface whatever the market: order, scale, neighbours, parity."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import surface_rows
from v6.analysis import option_statistics, parity, surface

pytestmark = pytest.mark.long

DAY = date(2026, 11, 20)
SLOT = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
SPOTS = st.floats(20, 900)
LEVELS = st.floats(0.08, 0.9)
FEW = settings(max_examples=25, deadline=None)


def chain(spot: float, level: float = 0.2, symbol: str = "SPY") -> pl.DataFrame:
    listed = surface_rows.contracts(symbol, 1000.0, DAY).with_columns(pl.col("strike") * spot / 1000.0)
    rows = surface_rows.quotes(
        listed, [SLOT], [spot], surface=lambda m, y: level + 0.1 * y - 0.2 * m + m**2, half_spread=spot * 1e-6
    )
    return rows.with_columns(computed=pl.lit(value=False))


def statistics(rows: pl.DataFrame) -> pl.DataFrame:
    return option_statistics.of_slots(rows, surface_rows.RATE)


@FEW
@given(SPOTS, LEVELS)
def test_parity_recovers_the_forward_that_the_prices_were_made_with(spot: float, level: float) -> None:
    pairs = parity.pairs(parity.with_middles(chain(spot, level)))

    found = parity.forwards(pairs, surface_rows.RATE).sort("dte")

    expected = spot * np.exp(surface_rows.RATE * found["dte"].to_numpy() / 365)
    np.testing.assert_allclose(found["forward"].to_numpy(), expected, rtol=1e-9)


@FEW
@given(SPOTS, st.integers(0, 2**31))
def test_the_order_of_the_rows_does_not_matter(spot: float, seed: int) -> None:
    rows = pl.concat([chain(spot), chain(2 * spot, 0.3, "QQQ")])

    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)

    assert_frame_equal(statistics(shuffled), statistics(rows), check_exact=True)


@FEW
@given(SPOTS, st.floats(0.1, 10))
def test_prices_in_another_unit_leave_volatilities_and_scale_the_expected_move(spot: float, scale: float) -> None:
    rows = chain(spot)
    scaled = rows.with_columns(pl.col("strike", "bid", "ask") * scale)

    one, other = statistics(rows).row(0, named=True), statistics(scaled).row(0, named=True)

    for name in ("atm_iv_30d", "atm_iv_60d", "skew_25d", "term_structure_slope"):
        assert abs(one[name] - other[name]) < 1e-8, name
    assert abs(other["expected_move"] / one["expected_move"] / scale - 1) < 1e-6


@FEW
@given(SPOTS)
def test_one_underlying_does_not_depend_on_another(spot: float) -> None:
    both = statistics(pl.concat([chain(spot), chain(spot * 3, 0.5, "QQQ")]))

    assert_frame_equal(both.filter(symbol="SPY"), statistics(chain(spot)), check_exact=True)


@FEW
@given(
    st.lists(st.tuples(st.integers(1, 120), st.floats(0.05, 2.0)), min_size=1, max_size=8, unique_by=lambda e: e[0]),
    st.integers(2, 110),
)
def test_total_variance_lies_between_that_of_the_neighbouring_expiries(
    expiries: list[tuple[int, float]], days: int
) -> None:
    curve = pl.DataFrame(
        {
            "trade_date": DAY,
            "slot": SLOT,
            "symbol": "SPY",
            "expiry": DAY,
            "dte": [dte for dte, _ in expiries],
            "iv": [iv for _, iv in expiries],
            "why": pl.Series([None] * len(expiries), dtype=pl.String),
        }
    )

    found = surface.constant_maturity(curve, days, "iv_n").row(0, named=True)

    near = [(dte, iv) for dte, iv in expiries if dte <= days]
    far = [(dte, iv) for dte, iv in expiries if dte >= days]
    if not near or not far:
        assert (found["iv_n"], found["iv_n_reason"]) == (None, "not_bracketed")
        return
    bounds = sorted(iv**2 * dte for dte, iv in (max(near), min(far)))
    assert bounds[0] * (1 - 1e-9) <= found["iv_n"] ** 2 * days <= bounds[1] * (1 + 1e-9)
