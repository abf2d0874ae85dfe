"""Whose orders are whose: own ones, all ones, client 0 and what is typed into TWS, the master client."""

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import errors, order_fields, orders_only, said

from v6.simulator.testing import simulated_tws

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
    ("request_", "words"),
    [
        ({"do": "fill", "client": 5, "order": 99, "price": 1}, "no such open order"),
        ({"do": "manual_order", "symbol": "NOPE", "quantity": 1}, "0 contracts fit NOPE"),
        ({"do": "manual_order", "symbol": "SPY"}, "quantity: missing"),
        ({"do": "manual_order", "symbol": "SPY", "quantity": "many"}, "quantity: 'many' is not a number"),
    ],
)
def test_the_control_port_says_what_is_wrong(tws, request_, words):
    answer = tws.control(request_)
    assert not answer["ok"]
    assert words in answer["error"]
