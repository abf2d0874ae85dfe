"""What TWS knows of orders, by permId and client id, whichever library decodes it; nothing is left out silently."""

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from gateway_support import HANDSHAKE, READY, SPY, TUESDAY, frame, raw_tws
from orders_support import FAR, place, the_one

from v6.gateway.client import Gateway
from v6.gateway.errors import Disconnected, RequestError, RequestTimeout, Unreadable
from v6.gateway.order_rows import Status
from v6.gateway.placing import MarketOrder, Placed
from v6.model import OpenOrder
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
ACCOUNT = "DU9000001"


def test_open_orders_are_those_of_every_client_and_of_tws_itself(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    typed = tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 1, "limit": 300})
    with gateway(tws.port, client_id=7) as seven, gateway(tws.port, client_id=8) as eight:
        first, second = place(seven), place(eight, action="SELL", lmtPrice=900)
        listed = seven.open_orders()
        assert {(order.client_id, order.order_id) for order in listed} == {(7, first), (8, second), (0, 0)}
        assert the_one(listed, lambda order: order.client_id == 0).perm_id == typed["perm_id"]
        assert [order.order_id for order in seven.own_open_orders()] == [first]


def test_an_open_order_says_all_that_tws_knows_of_it(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        number = place(gw, tif="GTC", orderRef="hedge", account=ACCOUNT, ocaGroup="exits")
        [order] = gw.open_orders()
        filled = tws.control({"do": "fill", "client": 7, "order": number, "quantity": 4, "price": FAR})
        assert filled["remaining"] == 6
        [partly] = gw.open_orders()
    assert (order.client_id, order.order_id, order.account) == (7, number, ACCOUNT)
    assert (order.action, order.order_type, order.quantity, order.tif) == ("BUY", "LMT", 10, "GTC")
    assert (order.limit_price, order.stop_price, order.status) == (FAR, None, "Submitted")
    assert (order.order_ref, order.oca_group, order.contract.symbol) == ("hedge", "exits", "SPY")
    assert order.perm_id > 0
    assert (partly.perm_id, partly.filled, partly.remaining) == (order.perm_id, 4, 6)


@pytest.mark.parametrize(
    ("terms", "limit", "stop"),
    [
        ({"orderType": "STP", "lmtPrice": 0.0, "auxPrice": 550.0}, None, 550.0),
        ({"orderType": "STP LMT", "lmtPrice": 549.0, "auxPrice": 550.0}, 549.0, 550.0),
        ({"orderType": "TRAIL", "lmtPrice": 0.0, "auxPrice": 50.0, "trailStopPrice": 560.0}, None, 560.0),
    ],
)
def test_a_stop_says_where_it_triggers(
    terms: dict[str, object],
    limit: float | None,
    stop: float,
    tws: SimulatedTWS,
    gateway: Callable[..., Gateway],
) -> None:
    with gateway(tws.port, client_id=7) as gw:
        place(gw, action="SELL", **terms)
        [order] = gw.open_orders()
    assert (order.limit_price, order.stop_price) == (limit, stop)


def test_repeated_statuses_and_fills_while_asking_count_once(gateway: Callable[..., Gateway]) -> None:
    """TWS repeats what IB and the exchange each report; no order may appear twice (L26)."""
    with simulated_tws(fast=False, start_at=TUESDAY) as tws, gateway(tws.port, client_id=7) as gw:
        placed = {place(gw) for _ in range(6)}
        for _ in range(10):
            assert sorted(order.order_id for order in gw.open_orders()) == sorted(placed)


def test_two_questions_at_once_do_not_share_an_answer(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    """Both end with a message that names no request (L26)."""
    with gateway(tws.port, client_id=8) as other:
        place(other)

    async def ask_both() -> tuple[list[OpenOrder], list[OpenOrder]]:
        async with gateway(tws.port, client_id=7) as gw:
            all_of_them, own = await asyncio.gather(gw.open_orders_async(), gw.own_open_orders_async())
            return all_of_them, own

    all_of_them, own = asyncio.run(ask_both())
    assert [order.client_id for order in all_of_them] == [8]
    assert own == []


@pytest.mark.parametrize("question", ["open_orders", "completed_orders"])
def test_after_an_overdue_answer_the_connection_asks_no_more(
    question: str, tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    """What comes then could be the rest of it (L26); questions with an id go on."""
    with gateway(tws.port, request_timeout_seconds=0.3) as gw:
        tws.set(mute_after_start=True)
        with pytest.raises(RequestTimeout, match="orders"):
            getattr(gw, question)()
        tws.set(mute_after_start=False)
        with pytest.raises(Disconnected, match="an earlier answer is overdue"):
            getattr(gw, question)()
        assert gw.executions() == []
    with gateway(tws.port) as fresh:
        assert getattr(fresh, question)() == []


def test_completed_orders_are_named_by_their_perm_id(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        number = place(gw)
        [before] = gw.open_orders()
        tws.control({"do": "fill", "client": 7, "order": number, "quantity": 4, "price": FAR})
        gw.cancel_orders([number], 5)
        [cancelled] = gw.completed_orders()
        assert gw.open_orders() == []
    assert (cancelled.perm_id, cancelled.status) == (before.perm_id, "Cancelled")
    assert (cancelled.quantity, cancelled.filled, cancelled.remaining) == (10, 4, 6)
    assert (cancelled.client_id, cancelled.order_id) == (-1, 0), "TWS does not tell them"


def test_executions_are_everybodys_with_their_permanent_id_and_an_aware_time(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    with gateway(tws.port, client_id=7) as seven, gateway(tws.port, client_id=8) as eight:
        number = place(seven)
        [order] = seven.open_orders()
        tws.control({"do": "fill", "client": 7, "order": number, "price": FAR})
        [done] = eight.executions()
    assert (done.perm_id, done.client_id, done.order_id, done.account) == (order.perm_id, 7, number, ACCOUNT)
    assert (done.side, done.quantity, done.price, done.contract.symbol) == ("BOT", 10, FAR, "SPY")
    assert done.at.tzinfo is UTC
    assert timedelta() <= done.at - TUESDAY < timedelta(minutes=1)


def test_a_read_only_api_is_said_at_once(gateway: Callable[..., Gateway]) -> None:
    """TWS refuses without naming the request."""
    with simulated_tws(start_at=TUESDAY, read_only=True) as tws, gateway(tws.port) as gw:
        started = time.monotonic()
        for question in (gw.open_orders, gw.own_open_orders, gw.completed_orders):
            with pytest.raises(RequestError, match="Read-Only"):
                question()
        assert time.monotonic() - started < 3
        with pytest.raises(RequestError, match="321"):
            gw.place_market_order(SPY, "BUY", 1, ACCOUNT, gw.next_order_id(), 5)


def answering(request: bytes, answer: bytes) -> Callable[[socket.socket], None]:
    """A TWS that knows nothing but this answer."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        connection.recv(65536)
        connection.sendall(READY)
        while data := connection.recv(65536):
            if request in data:
                connection.sendall(answer)

    return talk


@pytest.mark.parametrize(
    ("question", "request_", "answer"),
    [
        ("open_orders", b"16\x001\x00", frame(5, 12, "not an order") + frame(53, 1)),
        ("completed_orders", b"99\x000\x00", frame(101, 12, "not an order") + frame(102)),
        ("positions", b"61\x001\x00", frame(61, 3, "not a position") + frame(62, 1)),
    ],
)
def test_what_the_library_cannot_read_is_not_left_out_silently(
    question: str, request_: bytes, answer: bytes, gateway: Callable[..., Gateway]
) -> None:
    """An order that is not listed is an order that nobody cancels (L34)."""
    with (
        raw_tws(answering(request_, answer)) as tws,
        gateway(tws.port) as gw,
        pytest.raises(Unreadable, match="could not read a message"),
    ):
        getattr(gw, question)()


def test_a_kind_of_message_that_nobody_knows_spoils_no_answer(gateway: Callable[..., Gateway]) -> None:
    talk = answering(b"16\x001\x00", frame(999, "news of a later version") + frame(53, 1))
    with raw_tws(talk) as tws, gateway(tws.port) as gw:
        assert gw.open_orders() == []


def test_a_status_that_comes_alone_is_enough_to_know_an_order() -> None:
    """TWS leaves steps out: a market order may be Filled at once."""

    async def follow() -> OpenOrder | None:
        placed = Placed(7, 50, MarketOrder(SPY, "SELL", 5, ACCOUNT))
        placed.status(Status(50, 7, 99, "Filled", 5, 0))
        assert placed.done.done()
        return placed.order()

    order = asyncio.run(follow())
    assert order is not None
    assert (order.perm_id, order.order_id, order.status, order.filled, order.quantity) == (99, 50, "Filled", 5, 5)


def test_a_market_order_is_followed_until_it_is_filled(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        number = gw.next_order_id()
        order = gw.place_market_order(SPY, "SELL", 5, ACCOUNT, number, 5, order_ref="V6 close")
        [done] = gw.executions()
    assert (order.client_id, order.order_id, order.status, order.filled) == (7, number, "Filled", 5)
    assert (order.order_ref, order.account, order.limit_price) == ("V6 close", ACCOUNT, None)
    assert (done.perm_id, done.side, done.quantity) == (order.perm_id, "SLD", 5)


def test_a_market_order_out_of_hours_is_reported_as_it_stands(gateway: Callable[..., Gateway]) -> None:
    night = datetime(2026, 11, 24, 23, 40, tzinfo=TUESDAY.tzinfo)
    with simulated_tws(start_at=night) as tws, gateway(tws.port, client_id=7) as gw:
        order = gw.place_market_order(SPY, "SELL", 5, ACCOUNT, gw.next_order_id(), 0.5)
        assert (order.status, order.filled, order.remaining) == ("PreSubmitted", 0, 5)
        assert [open_order.perm_id for open_order in gw.open_orders()] == [order.perm_id]


def test_a_refused_order_is_an_error_in_tws_words(gateway: Callable[..., Gateway]) -> None:
    with (
        simulated_tws(start_at=TUESDAY, no_shorting=frozenset({"QQQ"})) as tws,
        gateway(tws.port, client_id=7) as gw,
    ):
        qqq = gw.contract_details(SPY.__class__("STK", "QQQ", "SMART", primary_exchange="NASDAQ"))[0].contract
        with pytest.raises(RequestError, match=r"201.*not available for short sale") as refused:
            gw.place_market_order(qqq, "SELL", 5, ACCOUNT, gw.next_order_id(), 5)
        assert not refused.value.recoverable
        assert gw.open_orders() == []


def test_an_order_that_nobody_answers_is_unknown(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        tws.set(mute_after_start=True)
        with pytest.raises(RequestTimeout, match="SELL 5 SPY STK MKT"):
            gw.place_market_order(SPY, "SELL", 5, ACCOUNT, gw.next_order_id(), 0.3)


def test_order_ids_are_shared_with_no_request_and_never_fall_below_the_mark(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    """Errors carry one number, an order's or a request's (L26); TWS may give lost orders' ids out again (L35)."""
    with gateway(tws.port, client_id=7) as gw:
        assert gw.next_valid_id == 1
        gw.contract_details(SPY)
        first = gw.next_order_id()
        assert first > gw.next_valid_id
        assert gw.next_order_id(at_least=38103) >= 38103
        with pytest.raises(ValueError, match="must be above 0"):
            gw.place_market_order(SPY, "BUY", 0, ACCOUNT, first, 1)
        gw.place_market_order(SPY, "BUY", 1, ACCOUNT, gw.next_order_id(), 5)
    with gateway(tws.port, client_id=7) as gw:
        assert gw.next_valid_id > 38103, "TWS counts on from the highest id of an order"
