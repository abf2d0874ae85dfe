"""Brackets and OCA groups on the wire: held children, proportional reduction, cancels that take others along."""

import pytest
from wire_orders import order_fields, orders_only, said, statuses

pytestmark = pytest.mark.integration


def bracket(client, *, parent: dict, take: float = 900.0, stop: float = 300.0, quantity: int = 100) -> list[list[str]]:
    """Parent 1, profit taker 2, stop 3; only the last is transmitted."""
    client.send(*order_fields(1, quantity=quantity, transmit=0, **parent))
    client.send(*order_fields(2, action="SELL", quantity=quantity, limit=take, parent=1, transmit=0))
    return said(client, *order_fields(3, action="SELL", quantity=quantity, type="STP", aux=stop, parent=1))


def held(frames: list[list[str]], order_id: int) -> str:
    """whyHeld of the last status of an order."""
    return [fields[10] for fields in frames if fields[0] == "3" and fields[1] == str(order_id)][-1]


def test_nothing_is_said_of_an_order_that_is_not_transmitted(client):
    assert said(client, *order_fields(1, limit=100, transmit=0)) == []
    assert orders_only(said(client, 5, 1)) == []


def test_an_order_that_was_never_transmitted_ends_as_apicancelled(client):
    said(client, *order_fields(1, limit=100, transmit=0))
    (status,) = said(client, 4, 1, 1, "")
    assert status[2] == "ApiCancelled"
    assert status[6] == "0", "it never had a permanent id"


def test_transmitting_the_same_order_later_sends_it(client):
    said(client, *order_fields(1, limit=100, transmit=0))
    assert statuses(said(client, *order_fields(1, limit=100)), 1)[-1] == "Submitted"


def test_the_last_transmitted_child_sends_the_whole_family(client):
    frames = bracket(client, parent={"limit": 100})
    assert statuses(frames, 1)[-1] == "Submitted"
    assert statuses(frames, 2) == ["PreSubmitted"]
    assert held(frames, 2) == "child"
    assert held(frames, 3) == "child,trigger"


def test_children_work_once_their_parent_has_filled(client):
    frames = bracket(client, parent={"type": "MKT"})
    assert statuses(frames, 1)[-1] == "Filled"
    assert statuses(frames, 2)[-1] == "Submitted"
    assert held(frames, 3) == "trigger"


def test_cancelling_the_parent_cancels_its_children(client):
    bracket(client, parent={"limit": 100})
    frames = said(client, 4, 1, 1, "")
    assert [statuses(frames, order_id)[-1] for order_id in (1, 2, 3)] == ["Cancelled"] * 3


def test_the_profit_taker_ends_the_stop(client):
    bracket(client, parent={"type": "MKT"})
    frames = said(client, *order_fields(2, action="SELL", limit=300, parent=1))  # now far through the market
    assert statuses(frames, 2)[-1] == "Filled"
    assert statuses(frames, 3) == ["PendingCancel", "Cancelled"]
    assert ("completedOrder",) in orders_only(frames)


def test_a_child_that_cancels_its_parent_does_so_only_when_asked(client):
    bracket(client, parent={"limit": 100})
    assert statuses(said(client, 4, 1, 3, ""), 1) == []
    client.send(*order_fields(11, limit=100, transmit=0))
    said(client, *order_fields(12, action="SELL", limit=900, parent=11, auto_cancel_parent=1))
    assert statuses(said(client, 4, 1, 12, ""), 11)[-1] == "Cancelled"


def test_a_refused_parent_takes_its_children_with_it(client):
    frames = bracket(client, parent={"type": "MKT"}, quantity=500_000)
    codes = [(fields[2], fields[3]) for fields in frames if fields[0] == "4"]
    assert codes == [("1", "201"), ("2", "135"), ("3", "135")]


def test_a_child_of_a_filled_parent_is_refused(client):
    said(client, *order_fields(1, type="MKT"))
    frames = said(client, *order_fields(2, action="SELL", limit=900, parent=1))
    assert [fields[4] for fields in frames if fields[0] == "4"] == [
        "Order rejected - reason:Parent order is being cancelled."
    ]


def test_a_partly_filled_parent_lets_its_children_work_for_that_part(client, tws):
    bracket(client, parent={"limit": 100})
    tws.control({"do": "fill", "client": 5, "order": 1, "price": 100, "quantity": 40})
    frames = said(client)
    assert statuses(frames, 2)[-1] == "Submitted"
    tws.control({"do": "fill", "client": 5, "order": 2, "price": 900, "quantity": 40})
    assert tws.server.books.quantity("DU9000001", 756733, tws.server.epoch()) == 100
    frames = said(client)
    stop = [fields for fields in frames if fields[0] == "3" and fields[1] == "3"][-1]
    assert stop[4] == "60", "the stop has shrunk by what the taker sold"


def test_cancelling_a_partly_filled_parent_keeps_its_children_for_that_part(client, tws):
    bracket(client, parent={"limit": 100})
    tws.control({"do": "fill", "client": 5, "order": 1, "price": 100, "quantity": 40})
    said(client)
    frames = said(client, 4, 1, 1, "")
    assert statuses(frames, 1)[-1] == "Cancelled"
    taker = [fields for fields in frames if fields[0] == "3" and fields[1] == "2"][-1]
    assert (taker[2], taker[4]) == ("Submitted", "40")


# OCA groups


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_filled_order_ends_its_group(client, kind):
    said(client, *order_fields(1, limit=100, oca="G", oca_type=kind))
    said(client, *order_fields(2, limit=101, oca="G", oca_type=kind))
    frames = said(client, *order_fields(3, type="MKT", oca="G", oca_type=kind))
    for order_id in (1, 2):
        assert statuses(frames, order_id) == ["PendingCancel", "Cancelled"]
    assert orders_only(frames).count(("error", "202")) == 2
    assert orders_only(frames).count(("completedOrder",)) == 2


@pytest.mark.parametrize(("kind", "left"), [(1, None), (2, "60"), (3, "60")])
def test_a_partial_fill_cancels_or_shrinks_its_group(client, tws, kind, left):
    said(client, *order_fields(1, limit=100, oca="G", oca_type=kind))
    said(client, *order_fields(2, limit=101, oca="G", oca_type=kind))
    tws.control({"do": "fill", "client": 5, "order": 1, "price": 100, "quantity": 40})
    other = [fields for fields in said(client) if fields[0] == "3" and fields[1] == "2"][-1]
    assert (other[2], other[4]) == (("Cancelled", "100") if left is None else ("Submitted", left))


def test_cancelling_one_order_of_a_group_cancels_the_others(client):
    said(client, *order_fields(1, limit=100, oca="G", oca_type=3))
    said(client, *order_fields(2, limit=101, oca="G", oca_type=3))
    frames = said(client, 4, 1, 1, "")
    assert statuses(frames, 1) == ["Cancelled"]
    assert statuses(frames, 2) == ["PendingCancel", "Cancelled"]


def test_a_group_that_has_filled_takes_no_more_orders(client):
    said(client, *order_fields(1, type="MKT", oca="G", oca_type=1))
    frames = said(client, *order_fields(2, limit=100, oca="G", oca_type=1))
    assert [fields[4] for fields in frames if fields[0] == "4"] == [
        "Order rejected - reason:OCA group is already filled."
    ]


def test_ib_insync_brackets_work_unchanged(ib):
    from ib_insync import Stock
    from wire_orders import wait

    contract = Stock("SPY", "SMART", "USD")
    orders = ib.bracketOrder("BUY", 10, limitPrice=900, takeProfitPrice=950, stopLossPrice=300)
    for order in orders:
        order.tif = "GTC"
    entry, taker, stop = (ib.placeOrder(contract, order) for order in orders)
    assert wait(ib, lambda: entry.orderStatus.status == "Filled" and taker.orderStatus.status == "Submitted")
    ib.cancelOrder(taker.order)
    assert wait(ib, lambda: stop.orderStatus.status == "Cancelled")
