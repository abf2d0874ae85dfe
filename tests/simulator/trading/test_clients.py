"""Whose orders are whose: own ones, all ones, client 0 and what is typed into TWS, the master client."""

import re

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import errors, order_fields, orders_only, said

from v6.simulator.testing import ControlError, simulated_tws

pytestmark = pytest.mark.integration
MANUAL = {"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 10, "limit": 100}


@pytest.fixture
def tws(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, master_client=9) as running:
        yield running


def opened(frames):
    """(order id, client id) of each openOrder."""
    return [(int(fields[1]), int(fields[24])) for fields in frames if fields[0] == "5"]


def test_open_orders_are_the_own_ones_and_all_open_orders_everybodys(raw):
    one, two = raw(client_id=5), raw(client_id=6)
    said(one, *order_fields(1, limit=100))
    said(two, *order_fields(2, limit=100))
    assert opened(said(one, 5, 1)) == [(1, 5)]
    assert opened(said(one, 16, 1)) == [(1, 5), (2, 6)]


def test_another_client_cannot_cancel_or_change_an_order(raw):
    one, two = raw(client_id=5), raw(client_id=6)
    said(one, *order_fields(1, limit=100))
    said(two)
    assert errors(said(two, 4, 1, 1, "")) == [(10147, "OrderId 1 that needs to be cancelled is not found.")]
    assert opened(said(two, *order_fields(1, limit=100))) != [], "ids are counted by client"


def test_a_client_is_told_of_its_own_orders_only(raw):
    one, two = raw(client_id=5), raw(client_id=6)
    said(two)
    said(one, *order_fields(1, type="MKT"))
    assert orders_only(said(two)) == []


def test_the_master_client_sees_every_clients_orders_and_executions(raw):
    one, master = raw(client_id=5), raw(client_id=9)
    said(master)
    said(one, *order_fields(1, type="MKT"))
    kinds = [each[0] for each in orders_only(said(master))]
    assert {"openOrder", "orderStatus", "execDetails", "commissionReport"} <= set(kinds)
    said(one, *order_fields(2, limit=100))
    assert (2, 5) in opened(said(master, 5, 1))


def test_orders_stay_when_their_client_leaves_and_are_found_when_it_is_back(tws, raw):
    one = raw(client_id=5)
    said(one, *order_fields(1, limit=100))
    one.close()
    tws.server.options.occupied_seconds = tws.server.options.freed_seconds = 0
    again = RawClient(tws.port, client_id=7)
    try:
        assert opened(said(again, 16, 1)) == [(1, 5)]
    finally:
        again.close()


# typed into TWS


def test_client_0_binds_what_was_typed_into_tws_by_asking_for_open_orders(tws, raw):
    zero = raw(client_id=0)
    said(zero)
    perm_id = tws.control(MANUAL)["perm_id"]
    assert orders_only(said(zero)) == []
    frames = said(zero, 5, 1)
    bound = next(fields for fields in frames if fields[0] == "100")
    assert bound[1:3] == [str(perm_id), "0"]
    assert int(bound[3]) < 0
    assert opened(frames) == [(int(bound[3]), 0)]
    assert orders_only(said(zero, 4, 1, bound[3], ""))[-1] == ("error", "202")


def test_client_0_that_binds_automatically_is_told_at_once(tws, raw):
    zero = raw(client_id=0)
    said(zero, 15, 1, 1)
    tws.control(MANUAL)
    frames = said(zero)
    assert frames[0][0] == "100"
    assert opened(frames)[0][0] < 0
    said(zero, 15, 1, 0)
    tws.control(MANUAL)
    assert orders_only(said(zero)) == []


def test_other_clients_see_manual_orders_among_all_but_may_not_bind(tws, raw):
    one = raw(client_id=5)
    said(one)
    tws.control(MANUAL)
    assert opened(said(one, 5, 1)) == []
    assert opened(said(one, 16, 1)) == [(0, 0)]
    assert [code for code, _ in errors(said(one, 15, 1, 1))] == [321]


def test_ib_insync_as_client_0_keeps_manual_orders_by_their_permanent_id(tws, connected):
    from wire_orders import wait

    ib = connected(tws.port, client_id=0)
    perm_id = tws.control(MANUAL)["perm_id"]
    assert wait(ib, lambda: perm_id in ib.wrapper.permId2Trade)
    assert ib.wrapper.permId2Trade[perm_id].orderStatus.status == "Submitted"


# commands


def test_the_control_port_fills_and_rejects_orders(tws, client):
    said(client, *order_fields(1, limit=100))
    assert tws.control({"do": "fill", "client": 5, "order": 1, "price": 99.5}) == {
        "ok": True, "status": "Filled", "filled": 100.0, "remaining": 0.0,
    }  # fmt: skip
    said(client, *order_fields(2, limit=100))
    assert tws.control({"do": "reject", "client": 5, "order": 2, "reason": "No"})["status"] == "Inactive"
    assert (201, "Order rejected - reason:No") in errors(said(client))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"symbol": "NOPE"}, "symbol: 'NOPE'; allowed: AAL, "), ({"symbol": None}, "symbol: None; allowed: a text"),
        ({"con_id": 4711}, "0 contracts fit 4711; allowed: exactly one"), ({"con_id": "x"}, "allowed: a whole number"),
        ({"sec_type": "OPT"}, "contracts fit SPY; allowed: exactly one"),
        ({"sec_type": "BOND"}, "sec_type: 'BOND'; allowed: STK, OPT, FUT"),
        ({"sec_type": "OPT", "right": "CALL"}, "right: 'CALL'; allowed: C, P"),
        ({"action": "BY"}, "action: 'BY'; allowed: BUY, SELL"), ({"action": None}, "action: None; allowed: BUY, SELL"),
        ({"quantity": None}, "quantity: None; allowed: a number above 0"), ({"quantity": "many"}, "quantity: 'many'"),
        ({"quantity": -7}, "quantity: -7; allowed: a number above 0"), ({"quantity": 0}, "quantity: 0; allowed"),
        ({"quantity": True}, "quantity: True; allowed"), ({"quantity": 1.5}, "Fractional-sized order"),
        ({"type": "XXX"}, "type: 'XXX'; allowed: MKT, LMT, "), ({"type": "lmt"}, "type: 'lmt'; allowed: MKT, LMT, "),
        ({"type": "LMT"}, "limit: None; allowed: a number above 0"), ({"type": "STP"}, "stop: None; allowed"),
        ({"type": "STP LMT", "stop": 700}, "limit: None"), ({"type": "TRAIL"}, "stop: None"),
        ({"limit": -1}, "limit: -1; allowed: a number above 0"), ({"limit": 700.001}, "minimum price variation"),
        ({"tif": "GTX"}, "tif: 'GTX'; allowed: DAY, FOK, GTC, IOC, OPG"), ({"tif": "OPG"}, "(321)"),
        ({"type": "MOC", "tif": "GTC"}, "order: TWS refuses it: The Tif option should be set to DAY"),
        ({"account": "DU9000009"}, "account: 'DU9000009'; allowed: DU9000001"),
        ({"qty": 1}, "qty: unknown; allowed: con_id, symbol, "),
    ],
)  # fmt: skip
def test_an_order_typed_wrongly_is_refused_with_what_is_allowed(tws, change, words):
    request_ = {"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 1} | change
    with pytest.raises(ControlError, match=re.escape(words)):
        tws.control({key: value for key, value in request_.items() if value is not None})
    assert tws.server.trading.blotter.open == []
    assert tws.server.trading.archive.orders == []


@pytest.mark.parametrize(
    "terms",
    [
        {"symbol": "spy", "action": "SELL", "type": "STP", "stop": 100},
        {"symbol": "SPY", "action": "SELL", "type": "TRAIL", "stop": 5, "tif": "GTC"},
        {"con_id": 756733, "action": "BUY", "limit": 100}, {"symbol": "ES", "sec_type": "FUT", "expiry": "202612",
                                                            "action": "BUY", "limit": 100},
        {"symbol": "SPY", "sec_type": "OPT", "expiry": "20270115", "strike": 650, "right": "C", "action": "BUY",
         "limit": 0.05},
    ],
)  # fmt: skip
def test_orders_of_every_kind_can_be_typed_into_tws(tws, terms):
    tws.control({"do": "manual_order", "quantity": 1, **terms})
    (order,) = tws.control({"do": "orders"})["orders"]
    assert order["symbol"].startswith(("SPY", "ESZ6"))
    assert order["remaining"] == 1


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "fill", "client": 5, "order": 99, "price": 1}, "no such open order; allowed: perm_id, or client and"),
        ({"do": "fill", "client": "a", "order": 1, "price": 1}, "client: 'a'; allowed: a whole number"),
        ({"do": "fill", "client": 5, "price": 1}, "order: None; allowed: a whole number"),
        ({"do": "fill", "perm_id": "x", "price": 1}, "perm_id: 'x'; allowed: a whole number"),
        ({"do": "fill", "client": 5, "order": 1}, "price: None; allowed: a number above 0"),
        ({"do": "fill", "client": 5, "order": 1, "price": 0}, "price: 0; allowed: a number above 0"),
        ({"do": "fill", "client": 5, "order": 1, "price": 1, "quantity": -1}, "quantity: -1; allowed: a number above"),
        ({"do": "fill", "client": 5, "order": 1, "price": 1, "shares": 2}, "shares: unknown; allowed: perm_id, "),
        ({"do": "reject", "client": 5, "order": 1, "reason": 5}, "reason: 5; allowed: a text"),
        ({"do": "orders", "client": 5}, "client: unknown; allowed: nothing more"),
    ],
)
def test_a_wrong_command_about_an_order_is_refused(tws, client, request_, words):
    said(client, *order_fields(1, limit=100))
    with pytest.raises(ControlError, match=re.escape(words)):
        tws.control(request_)
    assert [each["remaining"] for each in tws.control({"do": "orders"})["orders"]] == [100]
