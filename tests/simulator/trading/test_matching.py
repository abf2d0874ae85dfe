"""Matching, triggers and groups without sockets: what a quote does to an order, and what must always hold."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v6.simulator.instruments.contracts import underlying_listing
from v6.simulator.instruments.underlyings import UNDERLYINGS
from v6.simulator.market.quotes import Snapshot
from v6.simulator.orders.order import Order
from v6.simulator.trading import groups, matching
from v6.simulator.trading.depth import Depth
from v6.simulator.trading.ticket import CANCELLED, FILLED, SUBMITTED, Ticket

SPY = underlying_listing(UNDERLYINGS["SPY"])
QUOTE = Snapshot(bid=99.99, ask=100.0, bid_size=300, ask_size=200, last=99.99, last_at=1, volume=1000.0)


def ticket(order_id: int = 1, perm_id: int = 1, **terms) -> Ticket:
    order = Order(**({"action": "BUY", "total_quantity": 100.0, "order_type": "LMT", "limit_price": 100.0,
                      "tif": "DAY", "account": "DU9000001"} | terms))  # fmt: skip
    return Ticket(order_id, 5, perm_id, SPY, order, status=SUBMITTED, transmitted=True, received=True)


def depth(buys: bool = True, quote: Snapshot = QUOTE) -> Depth:
    made = Depth(7, 1.0 if buys else -1.0, 0.01)
    made.show((quote.ask if buys else quote.bid) or 0.0, quote.ask_size if buys else quote.bid_size)
    return made


def match(order: Ticket, quote: Snapshot = QUOTE, traded: float = 0.0, offered: Depth | None = None):
    return matching.fills(order, order.remaining, quote, offered or depth(order.buys, quote), traded)


def test_a_marketable_order_fills_at_the_opposite_side_and_not_at_its_limit():
    assert match(ticket(limit_price=105.0)) == [(100.0, 100.0)]


def test_no_more_than_the_displayed_size_fills_at_once():
    offered = depth()
    assert match(ticket(total_quantity=500.0), offered=offered) == [(100.0, 200.0)]
    assert match(ticket(total_quantity=500.0), offered=offered) == []


def test_the_next_look_finds_the_next_level_a_tick_worse():
    offered = depth()
    offered.take(inf, 200)
    offered.show(100.0, 200)
    ((price, _),) = offered.take(inf, 50)
    assert price == 100.01


def test_a_limit_is_a_limit_at_deeper_levels_too():
    offered = depth()
    offered.take(100.0, 200)
    offered.show(100.0, 200)
    assert offered.take(100.0, 50) == []


def test_a_new_quote_brings_its_whole_size():
    offered = depth()
    offered.take(inf, 200)
    offered.show(100.02, 100)
    assert offered.take(inf, 500) == [(100.02, 100)]


def test_a_sale_walks_down_the_bids():
    offered = depth(buys=False)
    assert [price for price, _ in offered.take(-inf, 1500, sweep=True)][:2] == [99.99, 99.98]


def test_a_waiting_order_fills_at_its_own_price_when_the_market_comes():
    order = ticket(limit_price=99.5)
    order.resting = True
    lower = Snapshot(bid=99.3, ask=99.4, bid_size=100, ask_size=100, last=99.4, volume=1000.0)
    assert match(order, lower) == [(99.5, 100.0)]


def test_those_before_it_in_the_queue_are_served_first():
    order = ticket(limit_price=99.99)
    assert match(order, traded=200) == []
    assert order.ahead == 100
    assert match(order, traded=150) == [(99.99, 50.0)]


def test_a_trade_through_its_price_passes_over_the_queue():
    order = ticket(limit_price=99.99)
    match(order)
    through = Snapshot(bid=99.98, ask=100.0, bid_size=300, ask_size=200, last=99.98, volume=1000.0)
    assert match(order, through, traded=60) == [(99.99, 60.0)]
    assert order.ahead == 0, "those before it have been served"


def test_an_order_inside_the_spread_is_first_in_the_queue():
    wide = Snapshot(bid=99.0, ask=101.0, bid_size=300, ask_size=200, last=99.5, volume=1000.0)
    assert match(ticket(limit_price=100.0), wide, traded=30) == [(100.0, 30.0)]


def test_all_or_none_needs_the_whole_size_within_its_limit():
    assert match(ticket(total_quantity=300.0, all_or_none=True)) == []
    assert sum(fill.shares for fill in match(ticket(total_quantity=300.0, limit_price=101.0, all_or_none=True))) == 300


# triggers


@pytest.mark.parametrize(
    ("terms", "triggered"),
    [
        ({"order_type": "STP", "aux_price": 99.99}, True), ({"order_type": "STP", "aux_price": 100.5}, False),
        ({"order_type": "STP", "aux_price": 99.99, "action": "SELL"}, True),
        ({"order_type": "STP", "aux_price": 99.5, "action": "SELL"}, False),
        ({"order_type": "MIT", "aux_price": 100.5}, True), ({"order_type": "MIT", "aux_price": 99.5}, False),
        ({"order_type": "LIT", "aux_price": 99.5, "action": "SELL"}, True),
        ({"order_type": "STP", "aux_price": 100.0, "trigger_method": 8}, False),
        ({"order_type": "STP", "aux_price": 99.99, "trigger_method": 4}, True),
    ],
)  # fmt: skip
def test_stops_and_touches_look_at_the_price_their_method_names(terms, triggered):
    assert matching.triggers(ticket(**terms), QUOTE) is triggered


def at(last: float) -> Snapshot:
    return Snapshot(bid=last - 0.01, ask=last + 0.01, bid_size=100, ask_size=100, last=last, volume=1.0)


def test_a_trailing_stop_moves_with_the_market_and_never_back():
    order = ticket(order_type="TRAIL", aux_price=2.0, action="SELL", limit_price=None)
    stops = []
    for last in (100.0, 103.0, 102.0):
        matching.follow(order, at(last))
        stops.append(order.stop)
    assert stops == [98.0, 101.0, 101.0]
    assert not matching.triggers(order, at(102.0))
    assert matching.triggers(order, at(101.0))


def test_a_trailing_percentage_is_of_the_price():
    order = ticket(order_type="TRAIL", trailing_percent=5.0, limit_price=None)
    matching.follow(order, at(100.0))
    assert order.stop == 105.0


def test_a_trailing_limit_follows_its_stop():
    order = ticket(order_type="TRAIL LIMIT", aux_price=2.0, action="SELL", limit_price=None, limit_offset=0.5)
    matching.follow(order, at(100.0))
    assert (order.stop, order.limit) == (98.0, 97.5)


# relative and market-to-limit orders


@pytest.mark.parametrize(
    ("terms", "price"),
    [
        ({}, 100.0), ({"action": "SELL"}, 99.99),  # a tick better than the own side, here the other one
        ({"aux_price": 0.03}, 100.02), ({"aux_price": 0.03, "action": "SELL"}, 99.97),
        ({"aux_price": 0.03, "limit_price": 100.01}, 100.01), ({"aux_price": 0.03, "limit_price": 101.0}, 100.02),
    ],
)  # fmt: skip
def test_a_relative_order_is_its_offset_better_than_its_own_side_and_its_limit_is_a_cap(terms, price):
    order = ticket(**{"order_type": "REL", "limit_price": None} | terms)
    assert matching.limit(order, QUOTE) == pytest.approx(price)


def test_a_relative_order_follows_its_own_side():
    order = ticket(order_type="REL", aux_price=0.02, limit_price=None)
    assert [matching.limit(order, at(last)) for last in (100.0, 103.0, 102.0)] == pytest.approx(
        [100.01, 103.01, 102.01]
    )
    wide = Snapshot(bid=99.0, ask=101.0, bid_size=300, ask_size=200, last=99.5, volume=1000.0)
    assert not matching.marketable(order, wide)
    assert match(order, wide, traded=30) == []
    through = Snapshot(bid=99.0, ask=101.0, bid_size=300, ask_size=200, last=99.01, volume=1000.0)
    assert match(order, through, traded=30) == [(pytest.approx(99.02), 30.0)]


def test_a_market_to_limit_order_takes_any_price_until_its_first_fill_has_made_it_a_limit_order():
    order = ticket(order_type="MTL", limit_price=None)
    assert matching.limit(order, QUOTE) == inf
    order.limit = 100.0
    assert matching.limit(order, QUOTE) == 100.0
    assert match(order, at(100.5)) == []


# what must always hold

prices = st.integers(9_000, 11_000).map(lambda cents: cents / 100)
sizes = st.integers(1, 50).map(lambda lots: lots * 100.0)


@st.composite
def quotes(draw):
    bid = draw(prices)
    ask = round(bid + draw(st.integers(1, 20)) / 100, 2)
    last = draw(st.sampled_from((bid, ask, round((bid + ask) / 2, 2))))
    return Snapshot(bid=bid, ask=ask, bid_size=draw(sizes), ask_size=draw(sizes), last=last, volume=1.0)


@st.composite
def orders(draw, perm_id: int = 1):
    return ticket(
        perm_id, perm_id, action=draw(st.sampled_from(("BUY", "SELL"))),
        total_quantity=float(draw(st.integers(1, 20_000))),
        order_type=draw(st.sampled_from(("MKT", "LMT"))), limit_price=draw(prices),
        tif=draw(st.sampled_from(("DAY", "IOC", "FOK"))), all_or_none=draw(st.booleans()),
    )  # fmt: skip


@given(orders(), st.lists(st.tuples(quotes(), st.integers(0, 5_000)), min_size=1, max_size=8))
def test_filled_and_remaining_are_the_total_and_no_fill_beats_the_quote_or_its_limit(order, looks):
    offered = Depth(7, order.sign, 0.01)
    for quote, traded in looks:
        offered.show(quote.ask if order.buys else quote.bid, quote.ask_size if order.buys else quote.bid_size)
        far = quote.ask if order.buys else quote.bid
        for price, shares in matching.fills(order, order.remaining, quote, offered, float(traded)):
            assert shares > 0
            if order.order.order_type == "LMT":
                assert order.sign * price <= order.sign * order.order.limit_price
            best = min(far, order.order.limit_price) if order.buys else max(far, order.order.limit_price)
            assert order.sign * price >= order.sign * (far if order.order.order_type == "MKT" else best)
            order.book(shares, price)
        assert order.filled + order.remaining == order.order.total_quantity
        assert order.filled <= order.order.total_quantity
        if order.order.all_or_none or order.order.tif == "FOK":
            assert order.filled in (0, order.order.total_quantity)


@given(
    st.lists(st.integers(1, 500), min_size=2, max_size=5), st.sampled_from((1, 2, 3)),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 500)), max_size=30),
)  # fmt: skip
def test_a_group_of_equal_orders_never_fills_more_than_one_of_them(totals, kind, fills):
    total = float(max(totals))
    group = [
        ticket(number, number, total_quantity=total, oca_group="G", oca_type=kind)
        for number in range(1, len(totals) + 1)
    ]
    for place, size in fills:
        order = group[place % len(group)]
        shares = min(float(size), order.remaining)
        if order.done or shares <= 0:
            continue
        order.book(shares, 100.0)
        if order.remaining <= 0:
            order.status = FILLED
        for other, quantity in groups.after_fill(order, shares, group):
            if quantity is None:
                other.status = CANCELLED
            else:
                other.resize(quantity)
    assert sum(order.filled for order in group) <= total


@given(st.integers(1, 1000), st.lists(st.integers(1, 1000), max_size=10))
def test_children_never_sell_more_than_their_parent_has_bought(total, steps):
    parent = ticket(1, 1, total_quantity=float(total))
    taker = ticket(2, 2, action="SELL", total_quantity=float(total), parent_id=1, oca_group="1", oca_type=3)
    stop = ticket(3, 3, action="SELL", total_quantity=float(total), parent_id=1, oca_group="1", oca_type=3)
    family = [parent, taker, stop]
    for place, step in enumerate(steps):
        if place % 2 == 0 and parent.remaining:
            parent.book(min(float(step), parent.remaining), 100.0)
            parent.status = parent.status if parent.remaining else FILLED
        child = family[1 + place // 2 % 2]
        shares = 0.0 if child.done else min(float(step), groups.allowed(child, family))
        if shares > 0:
            child.book(shares, 101.0)
            if child.remaining <= 0:
                child.status = FILLED
            for other, quantity in groups.after_fill(child, shares, family):
                if quantity is None:
                    other.status = CANCELLED
                else:
                    other.resize(quantity)
        assert taker.filled + stop.filled <= parent.filled
