"""Orders of one client through ib_insync: placed, filled, changed, cancelled."""

import pytest
from ib_insync import LimitOrder, MarketOrder, Option, Order, Stock, StopLimitOrder, StopOrder
from wire_orders import wait

pytestmark = pytest.mark.integration
SPY = Stock("SPY", "SMART", "USD")


@pytest.fixture
def quote(tws):
    """SPY's quote at this moment, as the simulator has it."""
    from v6.simulator.instruments.listings import Spec

    def look():
        server = tws.server
        listing = server.contracts.find(Spec(symbol="SPY", sec_type="STK", exchange="SMART"), server.now().date())[0]
        return server.feed.quote(listing, server.epoch())

    return look


def test_a_market_order_fills_at_the_opposite_side(ib, quote):
    before = quote()
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")
    assert wait(ib, lambda: trade.fills[0].commissionReport.execId)
    assert trade.orderStatus.filled == 10
    assert trade.orderStatus.remaining == 0
    assert abs(trade.orderStatus.avgFillPrice - before.ask) < 0.5
    assert trade.fills[0].execution.side == "BOT"
    assert trade.fills[0].commissionReport.commission == 1.0


def test_a_fill_changes_position_and_cash(ib, tws):
    books, account = tws.server.books, "DU9000001"
    cash = books.total_cash(account)
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10, tif="DAY"))
    assert wait(ib, lambda: trade.isDone())
    position = next(each for each in ib.reqPositions() if each.contract.conId == 756733)
    assert position.position == 110
    paid = 10 * trade.orderStatus.avgFillPrice + 1.0
    assert books.total_cash(account) == pytest.approx(cash - paid)
    assert position.avgCost == pytest.approx((100 * 640 + paid) / 110)


def test_a_sale_realizes_profit_against_the_average_cost(ib):
    trade = ib.placeOrder(SPY, MarketOrder("SELL", 40, tif="DAY"))
    assert wait(ib, lambda: trade.fills and trade.fills[0].commissionReport.execId)
    price = trade.orderStatus.avgFillPrice
    assert trade.fills[0].commissionReport.realizedPNL == pytest.approx(40 * (price - 640) - 1.0)


def test_a_limit_order_far_from_the_market_waits_and_is_cancelled(ib):
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 10, 100, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    ib.cancelOrder(trade.order)
    assert wait(ib, lambda: trade.orderStatus.status == "Cancelled")
    assert trade.log[-1].errorCode in (0, 202)
    assert trade.orderStatus.remaining == 10


def test_a_known_id_changes_the_order_and_lets_it_fill(ib, quote):
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 10, 100, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    perm_id = trade.orderStatus.permId
    trade.order.lmtPrice, trade.order.totalQuantity = round(quote().ask + 1, 2), 20
    ib.placeOrder(SPY, trade.order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")
    assert trade.orderStatus.filled == 20
    assert trade.orderStatus.permId == perm_id


def test_a_limit_order_may_become_a_market_order(ib):
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 10, 100, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    trade.order.orderType, trade.order.lmtPrice = "MKT", 0
    ib.placeOrder(SPY, trade.order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


def test_a_stop_waits_for_its_trigger_and_says_so(ib, quote):
    trade = ib.placeOrder(SPY, StopOrder("SELL", 10, 100, tif="GTC"))
    assert wait(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    assert trade.orderStatus.whyHeld == "trigger"
    trade.order.auxPrice = round(quote().last + 5, 2)
    ib.placeOrder(SPY, trade.order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


def test_a_stop_limit_becomes_a_limit_order_when_triggered(ib, quote):
    last = quote().last
    trade = ib.placeOrder(SPY, StopLimitOrder("BUY", 10, round(last - 20, 2), round(last - 10, 2), tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    assert not trade.fills


@pytest.mark.parametrize(("terms", "distance"), [({"auxPrice": 20.0}, 20), ({"trailingPercent": 5}, 30)])
def test_a_trailing_stop_stands_at_its_distance_and_is_shown_there(ib, tws, quote, terms, distance):
    trade = ib.placeOrder(SPY, Order(action="SELL", totalQuantity=10, orderType="TRAIL", tif="DAY", **terms))
    assert wait(ib, lambda: trade.orderStatus.whyHeld == "trigger")
    (ticket,) = tws.server.trading.blotter.open
    assert ticket.order.trail_stop_price == ticket.stop == pytest.approx(quote().last - distance, abs=2)
    assert not trade.fills


def test_a_trailing_limit_gets_its_limit_from_stop_and_offset(ib, tws, quote):
    stop = round(quote().last - 50, 2)
    order = Order(action="SELL", totalQuantity=10, orderType="TRAIL LIMIT", auxPrice=50, trailStopPrice=stop,
                  lmtPriceOffset=0.05, tif="DAY")  # fmt: skip
    trade = ib.placeOrder(SPY, order)
    assert wait(ib, lambda: trade.orderStatus.whyHeld == "trigger")
    assert trade.order.lmtPrice == pytest.approx(stop - 0.05, abs=0.6)


def test_a_trailing_stop_that_is_already_behind_the_market_fills(ib, quote):
    behind = round(quote().last + 10, 2)
    order = Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=1, trailStopPrice=behind, tif="DAY")
    trade = ib.placeOrder(SPY, order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


@pytest.mark.parametrize("kind", ["MIT", "LIT"])
def test_an_if_touched_order_below_its_touch_fills(ib, quote, kind):
    last = quote().last
    touch, most = round(last + 10, 2), round(last + 11, 2)
    order = Order(action="BUY", totalQuantity=10, orderType=kind, auxPrice=touch, lmtPrice=most, tif="DAY")
    trade = ib.placeOrder(SPY, order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")
    assert trade.orderStatus.avgFillPrice < last + 5


def test_an_order_for_an_option_costs_commission_by_contract(ib):
    held = next(each for each in ib.positions() if each.contract.secType == "OPT" and each.contract.symbol == "SPY")
    option = Option(conId=held.contract.conId, exchange="SMART")
    ib.qualifyContracts(option)
    trade = ib.placeOrder(option, MarketOrder("SELL", 2, tif="DAY"))
    assert wait(ib, lambda: trade.isDone() and all(fill.commissionReport.execId for fill in trade.fills))
    assert sum(fill.commissionReport.commission for fill in trade.fills) == pytest.approx(1.30)


def test_an_immediate_or_cancel_order_never_waits(ib):
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 10, 100, tif="IOC"))
    assert wait(ib, lambda: trade.orderStatus.status == "Cancelled")
    assert not trade.fills
