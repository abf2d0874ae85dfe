"""Conditions, algorithms and attributes: worked or refused, never overlooked."""

import pytest
from ib_insync import (
    ExecutionCondition,
    LimitOrder,
    MarginCondition,
    MarketOrder,
    PercentChangeCondition,
    PriceCondition,
    Stock,
    TagValue,
    TimeCondition,
    VolumeCondition,
)
from raw_tws_client import TUESDAY
from wire_orders import wait

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
SPY, SPY_ID = Stock("SPY", "SMART", "USD"), 756733

HELD = [
    PriceCondition(price=100, conId=SPY_ID, exch="SMART"), TimeCondition(time="20261124 09:00:00 US/Eastern"),
    MarginCondition(percent=1), VolumeCondition(volume=1, conId=SPY_ID, exch="SMART"),
    PercentChangeCondition(changePercent=-50, conId=SPY_ID, exch="SMART"),
]  # fmt: skip
NOT_HELD = [
    PriceCondition(price=9000, conId=SPY_ID, exch="SMART"), TimeCondition(time="20261124 15:00:00 US/Eastern"),
    MarginCondition(percent=101), VolumeCondition(volume=2_000_000_000, conId=SPY_ID, exch="SMART"),
    PercentChangeCondition(changePercent=50, conId=SPY_ID, exch="SMART"),
    ExecutionCondition(secType="STK", exch="SMART", symbol="QQQ"),
]  # fmt: skip


def conditioned(*conditions, **terms):
    return MarketOrder("BUY", 10, tif="DAY", conditions=list(conditions), **terms)


@pytest.mark.parametrize("condition", HELD, ids=lambda each: type(each).__name__)
def test_an_order_whose_condition_holds_fills(ib, condition):
    trade = ib.placeOrder(SPY, conditioned(condition))
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


@pytest.mark.parametrize("condition", NOT_HELD, ids=lambda each: type(each).__name__)
def test_an_order_whose_condition_does_not_hold_waits(ib, condition):
    trade = ib.placeOrder(SPY, conditioned(condition))
    assert wait(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    assert not trade.fills


def test_conditions_are_joined_by_and_or_or(ib):
    yes, no = HELD[0], NOT_HELD[0]
    either = PriceCondition(conjunction="o", price=9000, conId=SPY_ID, exch="SMART")
    waiting = ib.placeOrder(SPY, conditioned(yes, no))
    filled = ib.placeOrder(SPY, conditioned(either, yes))
    assert wait(ib, lambda: filled.orderStatus.status == "Filled")
    assert not waiting.fills


def test_an_execution_elsewhere_sets_an_order_off(ib):
    trade = ib.placeOrder(SPY, conditioned(ExecutionCondition(secType="STK", exch="SMART", symbol="QQQ")))
    assert wait(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    ib.placeOrder(Stock("QQQ", "SMART", "USD"), MarketOrder("BUY", 1, tif="DAY"))
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


def test_a_condition_may_end_the_order_instead(ib):
    order = LimitOrder("BUY", 10, 100, tif="DAY", conditions=[HELD[0]], conditionsCancelOrder=True)
    trade = ib.placeOrder(SPY, order)
    assert wait(ib, lambda: trade.orderStatus.status == "Cancelled")


def codes(ib, order) -> list[int]:
    found = []
    ib.errorEvent += lambda _, code, *__: found.append(code)
    ib.placeOrder(SPY, order)
    wait(ib, lambda: found)
    return found


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"conditions": [TimeCondition(time="soon")]}, 391), ({"cashQty": 1000}, 10244),
        ({"algoStrategy": "Wishful"}, 439), ({"hedgeType": "D"}, 387), ({"scaleInitLevelSize": 1}, 387),
        ({"adjustedOrderType": "TRAIL", "triggerPrice": 1}, 387),
    ],
)  # fmt: skip
def test_what_is_not_worked_is_refused(ib, terms, code):
    assert codes(ib, MarketOrder("BUY", 10, tif="DAY", **terms)) == [code]


def test_an_order_by_a_known_algorithm_is_worked_as_the_plain_one(ib):
    order = MarketOrder(
        "BUY", 10, tif="DAY", algoStrategy="Adaptive", algoParams=[TagValue("adaptivePriority", "Normal")]
    )
    trade = ib.placeOrder(SPY, order)
    assert wait(ib, lambda: trade.orderStatus.status == "Filled")


def test_what_ibapi_981_sets_unasked_is_refused_as_by_newer_tws(ib):
    assert codes(ib, MarketOrder("BUY", 10, tif="DAY", eTradeOnly=True)) == [10268]
    assert codes(ib, MarketOrder("BUY", 10, tif="DAY", firmQuoteOnly=True))[-1] == 10269


def test_older_tws_took_them(calendar, connected):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, refuse_old_attributes=False) as tws:
        ib = connected(tws.port)
        trade = ib.placeOrder(SPY, MarketOrder("BUY", 10, tif="DAY", eTradeOnly=True, firmQuoteOnly=True))
        assert wait(ib, lambda: trade.orderStatus.status == "Filled")
        ib.disconnect()
