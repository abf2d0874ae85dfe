"""What an order would require: margins, commission, and nothing placed."""

import pytest
from ib_insync import MarketOrder, Stock
from wire_orders import errors, order_fields, orders_only, said

pytestmark = pytest.mark.integration


def test_what_if_gives_margins_before_change_and_after(ib):
    state = ib.whatIfOrder(Stock("SPY", "SMART", "USD"), MarketOrder("BUY", 100, tif="DAY"))
    assert state.status == "PreSubmitted"
    before, change, after = (float(getattr(state, f"initMargin{part}")) for part in ("Before", "Change", "After"))
    assert after == pytest.approx(before + change, abs=0.02)
    assert change == pytest.approx(100 * 600 * 0.25, rel=0.2)
    assert float(state.maintMarginChange) <= change
    assert state.minCommission < state.commission == 1.0 < state.maxCommission
    assert state.commissionCurrency == "USD"


def test_what_if_lowers_the_margin_of_a_position_that_it_closes(ib):
    state = ib.whatIfOrder(Stock("SPY", "SMART", "USD"), MarketOrder("SELL", 100, tif="DAY"))
    assert float(state.initMarginChange) < 0


def test_what_if_places_nothing_and_uses_no_id(client, tws):
    frames = said(client, *order_fields(7, type="MKT", what_if=1))
    assert orders_only(frames) == [("openOrder", "PreSubmitted")]
    assert orders_only(said(client, 16, 1)) == []
    assert tws.server.books.quantity("DU9000001", 756733, tws.server.epoch()) == 100
    client.send(8, 1, 1)
    assert client.until(9)[2] == "1"


def test_what_if_beyond_the_means_gives_margins_and_then_201(client):
    frames = said(client, *order_fields(7, type="MKT", quantity=500_000, what_if=1))
    assert orders_only(frames) == [("openOrder", "PreSubmitted"), ("error", "201")]


def test_what_if_must_be_transmitted(client):
    ((code, _),) = errors(said(client, *order_fields(7, type="MKT", what_if=1, transmit=0)))
    assert code == 321


def test_what_if_of_a_wrong_order_is_refused_as_the_order_would_be(client):
    assert [code for code, _ in errors(said(client, *order_fields(7, limit=1.001, what_if=1)))] == [110]
