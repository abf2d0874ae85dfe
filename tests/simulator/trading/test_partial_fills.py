"""Sizes at the quote limit what fills; time and volume do the rest."""

import pytest
from ib_insync import LimitOrder, MarketOrder, Order, Stock
from raw_tws_client import TUESDAY
from wire_orders import wait

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
SPY = Stock("SPY", "SMART", "USD")


@pytest.fixture
def tws(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, margins=False) as running:
        yield running


def test_a_large_market_order_fills_in_parts_at_worsening_prices(ib):
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 20_000, tif="DAY"))
    assert wait(ib, lambda: len(trade.fills) >= 3, 10)
    shares = [fill.execution.shares for fill in trade.fills]
    assert [fill.execution.cumQty for fill in trade.fills] == [sum(shares[: count + 1]) for count in range(len(shares))]
    assert 0 < trade.orderStatus.filled == 20_000 - trade.orderStatus.remaining
    assert len({fill.execution.price for fill in trade.fills}) > 1


def test_only_the_first_part_pays_the_least_commission(ib):
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 20_000, tif="DAY"))
    assert wait(ib, lambda: len([fill for fill in trade.fills if fill.commissionReport.execId]) >= 2, 10)
    first, second = trade.fills[:2]
    assert first.commissionReport.commission >= 1.0
    assert second.commissionReport.commission == pytest.approx(second.execution.shares * 0.005)


def test_fill_or_kill_fills_as_a_whole_or_not_at_all(ib):
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10_000_000, tif="FOK"))
    assert wait(ib, lambda: trade.orderStatus.status == "Cancelled")
    assert not trade.fills


def test_an_immediate_order_takes_several_levels_and_gives_up_the_rest(ib):
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10_000_000, tif="IOC"))
    assert wait(ib, lambda: trade.orderStatus.status == "Cancelled")
    assert len(trade.fills) > 3
    assert 0 < trade.orderStatus.filled < 10_000_000


def test_all_or_none_waits_for_the_whole_size(ib):
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10_000_000, tif="DAY", allOrNone=True))
    assert wait(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    ib.sleep(0.6)
    assert not trade.fills


def test_a_limit_at_the_touch_waits_for_trades(ib, tws):
    from v6.simulator.instruments.listings import Spec

    server = tws.server
    listing = server.contracts.find(Spec(symbol="SPY", sec_type="STK", exchange="SMART"), server.now().date())[0]
    bid = server.feed.quote(listing, server.epoch()).bid
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 100, bid, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    assert wait(ib, lambda: trade.fills, 10)
    assert all(fill.execution.price == bid for fill in trade.fills)
    assert trade.fills[0].execution.lastLiquidity == 1


def test_a_market_to_limit_order_waits_with_the_rest_at_the_price_of_its_first_fill(ib, tws):
    trade = ib.placeOrder(SPY, Order(orderType="MTL", action="BUY", totalQuantity=20_000, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted" and trade.fills)
    ib.sleep(0.6)
    first = trade.fills[0].execution.price
    assert {fill.execution.price for fill in trade.fills} == {first}
    (ticket,) = tws.server.trading.blotter.open
    assert (ticket.limit, ticket.remaining) == (first, trade.orderStatus.remaining)


def test_a_relative_order_works_below_the_market_that_its_limit_keeps_it_from(ib):
    capped = Order(orderType="REL", action="BUY", totalQuantity=100, auxPrice=0.02, lmtPrice=100, tif="DAY")
    trade = ib.placeOrder(SPY, capped)
    assert wait(ib, lambda: trade.orderStatus.status == "Submitted")
    ib.sleep(0.6)
    assert not trade.fills


def test_a_relative_order_fills_as_soon_as_it_betters_its_side_up_to_the_other(ib):
    trade = ib.placeOrder(SPY, Order(orderType="REL", action="SELL", totalQuantity=100, auxPrice=1.0, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")
    assert trade.fills[0].execution.side == "SLD"


def test_a_halted_symbol_does_not_trade(ib, tws):
    tws._call(lambda: tws.server.market_state.halt("SPY"))
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 100, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    ib.sleep(0.6)
    assert not trade.fills
    tws._call(lambda: tws.server.market_state.resume("SPY") and None)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


def test_the_same_seed_and_moment_give_the_same_first_fill(calendar, connected):
    found = []
    for _ in range(2):
        with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, margins=False) as running:
            running.server.time.epoch = lambda: TUESDAY.timestamp()  # a clock that stands still
            ib = connected(running.port)
            trade = ib.placeOrder(SPY, MarketOrder("BUY", 100_000, tif="IOC"))
            assert wait(ib, lambda trade=trade: trade.isDone())
            found.append([(fill.execution.price, fill.execution.shares) for fill in trade.fills])
            ib.disconnect()
    assert found[0] == found[1] != []


def test_without_orders_the_market_is_not_looked_at(tws, ib):
    looked = []
    quote = tws.server.feed.quote
    tws.server.feed.quote = lambda listing, instant: looked.append(listing.symbol) or quote(listing, instant)
    trade = ib.placeOrder(SPY, LimitOrder("BUY", 100, 100, tif="DAY"))
    assert wait(ib, lambda: looked.count("SPY") > 3)
    assert set(looked) == {"SPY"}, "only where there is an order"
    ib.cancelOrder(trade.order)
    assert wait(ib, lambda: trade.isDone())
    ib.sleep(0.3)
    looked.clear()
    ib.sleep(0.6)
    assert looked == []
