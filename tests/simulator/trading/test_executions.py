"""Executions, commissions and completed orders, asked for."""

import pytest
from raw_tws_client import TUESDAY
from wire_orders import errors, order_fields, said

pytestmark = pytest.mark.integration
ALL = ("", "", "", "", "", "")


def executions(frames):
    return [fields for fields in frames if fields[0] == "11"]


@pytest.fixture
def traded(raw):
    """A purchase of SPY by client 5 and a sale of QQQ by client 6."""
    one, two = raw(client_id=5), raw(client_id=6)
    said(one, *order_fields(1, type="MKT", quantity=10, ref="mine"))
    qqq = (320227571, "QQQ", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")
    said(two, *order_fields(1, type="MKT", quantity=5, action="SELL", contract=qqq))
    return one


def test_every_clients_executions_come_with_their_commissions(traded):
    frames = said(traded, 7, 3, 4, 0, *ALL)
    assert [fields[0] for fields in frames] == ["11", "59", "11", "59", "55"]
    first, second = executions(frames)
    assert first[1] == "4", "the request's id"
    assert first[26] == "mine"
    assert (first[18], second[18]) == ("BOT", "SLD")
    assert [fields[2] for fields in frames if fields[0] == "59"] == [first[14], second[14]]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ((5, *ALL), 1), ((6, *ALL), 1), ((77, *ALL), 0),
        ((0, "DU9000001", "", "", "", "", ""), 2), ((0, "DU9000009", "", "", "", "", ""), 0),
        ((0, "", "", "QQQ", "", "", ""), 1), ((0, "", "", "", "OPT", "", ""), 0), ((0, "", "", "", "STK", "", ""), 2),
        ((0, "", "", "", "", "", "BUY"), 1), ((0, "", "", "", "", "", "SLD"), 1), ((0, "", "", "", "", "SMART", ""), 2),
        ((0, "", "20261124 10:00:00", "", "", "", ""), 2), ((0, "", "20261124 23:00:00", "", "", "", ""), 0),
        ((0, "", "20261124-12:00:00", "", "", "", ""), 2),
    ],
)  # fmt: skip
def test_filters_pick_executions(traded, wanted, count):
    assert len(executions(said(traded, 7, 3, 4, *wanted))) == count


def test_a_filter_time_that_is_none_is_refused(traded):
    assert [code for code, _ in errors(said(traded, 7, 3, 4, 0, "", "yesterday", "", "", "", ""))] == [391]


def test_executions_and_completed_orders_are_forgotten_at_midnight(traded, tws):
    tws.step_to(TUESDAY.replace(day=25, hour=0, minute=1))
    assert executions(said(traded, 7, 3, 4, 0, *ALL)) == []
    assert [fields for fields in said(traded, 99, 0) if fields[0] == "101"] == []


def test_executions_of_days_before_are_kept_when_tws_is_set_so(traded, tws):
    tws.server.trading.archive.days = 1
    tws.step_to(TUESDAY.replace(day=25, hour=0, minute=1))
    assert len(executions(said(traded, 7, 3, 4, 0, *ALL))) == 2


def test_completed_orders_tell_what_was_left_and_what_was_done(traded):
    said(traded, *order_fields(2, limit=100))
    said(traded, 4, 1, 2, "")
    frames = said(traded, 99, 0)
    assert frames[-1][0] == "102"
    filled, cancelled = (
        next(f for f in frames if f[0] == "101" and word in f) for word in ("Filled Size: 10", "Cancelled by Trader")
    )
    assert filled[12:14] == ["BUY", "0"]
    assert cancelled[12:14] == ["BUY", "100"]


def test_completed_orders_of_the_api_leave_out_what_was_typed_into_tws(traded, tws):
    tws.control({"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 1})
    assert len([f for f in said(traded, 99, 0) if f[0] == "101"]) == 3
    assert len([f for f in said(traded, 99, 1) if f[0] == "101"]) == 2


def test_ib_insync_finds_fills_and_completed_orders_when_it_comes_back(tws, connected):
    from ib_insync import MarketOrder, Stock
    from wire_orders import wait

    first = connected(tws.port, client_id=10)
    trade = first.placeOrder(Stock("SPY", "SMART", "USD"), MarketOrder("BUY", 10, tif="DAY"))
    assert wait(first, lambda: trade.isDone())
    perm_id = trade.orderStatus.permId
    first.disconnect()
    again = connected(tws.port, client_id=11)
    assert [fill.execution.permId for fill in again.fills()] == [perm_id]
    assert again.fills()[0].commissionReport.commission == 1.0
    assert [trade.order.permId for trade in again.reqCompletedOrders(False)] == [perm_id]
