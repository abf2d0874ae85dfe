"""Every cancel is confirmed by TWS or reported: none twice, none forgotten (L35)."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from gateway_support import TUESDAY
from orders_support import CANCEL, FAR, place, working

from v6.gateway.cancelling import Cancelling
from v6.gateway.client import Gateway
from v6.gateway.order_rows import Status
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


def test_each_cancel_is_confirmed(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        numbers = [place(gw) for _ in range(3)]
        found = gw.cancel_orders(numbers, 5)
        assert {number: each.outcome for number, each in found.items()} == dict.fromkeys(numbers, "cancelled")
        assert gw.own_open_orders() == []
        assert gw.cancel_orders([], 5) == {}


def test_a_partly_filled_order_says_how_much_was_filled(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, client_id=7) as gw:
        number = place(gw)
        tws.control({"do": "fill", "client": 7, "order": number, "quantity": 4, "price": FAR})
        found = gw.cancel_orders([number], 5)[number]
    assert (found.outcome, found.detail) == ("cancelled", "Cancelled after 4 were filled")


def test_what_cannot_be_cancelled_says_why(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    """Only the client that placed an order can cancel it."""
    with gateway(tws.port, client_id=7) as seven, gateway(tws.port, client_id=8) as eight:
        filled, twice = place(seven), place(seven)
        others = place(eight, order_id=seven.next_order_id(500))
        tws.control({"do": "fill", "client": 7, "order": filled, "price": FAR})
        assert seven.cancel_orders([twice], 5)[twice].outcome == "cancelled"
        found = seven.cancel_orders([filled, twice, others, 77777], 5)
        assert {number: each.outcome for number, each in found.items()} == {
            filled: "filled",
            twice: "cancelled",
            others: "unknown",
            77777: "unknown",
        }
        assert "10147" in found[others].detail
        assert working(tws) == {(8, others): "Submitted"}


def test_a_read_only_api_refuses(gateway: Callable[..., Gateway]) -> None:
    with simulated_tws(start_at=TUESDAY, read_only=True) as tws, gateway(tws.port, client_id=7) as gw:
        found = gw.cancel_orders([5], 5)[5]
    assert found.outcome == "refused"
    assert "Read-Only" in found.detail


def test_the_intent_is_written_before_each_cancel_leaves(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    """A run that cannot write what it is about to do does not do it (L35)."""
    with gateway(tws.port, client_id=7) as gw:
        first, second = place(gw), place(gw)
        sent_before: list[int] = []

        def intend(number: int) -> None:
            sent_before.append(tws.stats.requests[CANCEL])
            if number == second:
                raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            gw.cancel_orders([first, second], 5, before=intend)
        assert sent_before[0] == 0
        gw.current_time()
        assert set(working(tws)) == {(7, second)}
        assert tws.stats.requests[CANCEL] == 1


def test_a_cancel_that_is_not_confirmed_in_time_is_reported_and_awaited_without_a_second_one(
    gateway: Callable[..., Gateway],
) -> None:
    with (
        simulated_tws(fast=False, start_at=TUESDAY, submit_seconds=(1.0, 1.0)) as tws,
        gateway(tws.port, client_id=7) as gw,
    ):
        number = place(gw)
        late = gw.cancel_orders([number], 0.2)[number]
        assert late.outcome == "unconfirmed"
        assert "0.2 s were over" in late.detail
        assert working(tws) == {(7, number): "PendingCancel"}
        again = gw.cancel_orders([number], 5, already_sent=[number])[number]
        assert again.outcome == "cancelled"
        gone = gw.cancel_orders([number], 5, already_sent=[number])[number]
        assert (gone.outcome, "lists it no more" in gone.detail) == ("unknown", True)
        assert tws.stats.requests[CANCEL] == 1


def test_a_second_cancel_while_one_is_under_way_waits_for_the_first(gateway: Callable[..., Gateway]) -> None:
    """TWS answers it with 10148, state PendingCancel."""
    with (
        simulated_tws(fast=False, start_at=TUESDAY, submit_seconds=(0.5, 0.5)) as tws,
        gateway(tws.port, client_id=7) as gw,
    ):
        number = place(gw)
        gw.cancel_orders([number], 0.1)
        assert gw.cancel_orders([number], 5)[number].outcome == "cancelled"


def test_a_tws_that_goes_away_leaves_them_unconfirmed_at_once(gateway: Callable[..., Gateway]) -> None:
    with (
        simulated_tws(fast=False, start_at=TUESDAY, submit_seconds=(1.0, 1.0)) as tws,
        gateway(tws.port, client_id=7) as gw,
    ):
        first, second = place(gw), place(gw)
        dropping = threading.Timer(0.3, tws.drop_all)
        dropping.start()
        started = time.monotonic()
        found = gw.cancel_orders([first, second], 20)
        dropping.join()
        assert time.monotonic() - started < 3
    assert {each.outcome for each in found.values()} == {"unconfirmed"}
    assert all("the connection ended" in each.detail for each in found.values())


def test_what_did_not_leave_says_so(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    """Five messages a second: the time is over before the last cancels have had their turn."""
    with gateway(tws.port, client_id=7) as gw:
        numbers = [place(gw) for _ in range(7)]
    with gateway(tws.port, client_id=7, messages_per_second=5.0) as gw:
        found = gw.cancel_orders(numbers, 0.9)
        unsent = [number for number in numbers if "not sent" in found[number].detail]
    assert found[numbers[0]].outcome == "cancelled"
    assert numbers[-1] in unsent
    assert {found[number].outcome for number in unsent} == {"unconfirmed"}
    assert tws.stats.requests[CANCEL] == len(numbers) - len(unsent)


def test_the_global_cancel_takes_everybodys(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 1, "limit": 300})
    with gateway(tws.port, client_id=7) as seven, gateway(tws.port, client_id=8) as eight:
        place(seven)
        place(eight)
        seven.global_cancel()
        assert seven.open_orders() == []
    assert working(tws) == {}


def test_a_status_of_another_clients_order_with_the_same_number_does_not_count(
    tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    """The master client hears of everybody's (L26)."""

    async def hear() -> tuple[bool, bool]:
        async with gateway(tws.port, client_id=7) as gw:
            receiver = gw.connection.receiver
            watch = receiver.orders[50] = Cancelling(50, 7)
            receiver.orderStatus(50, "Cancelled", 0, 10, 0, 1, 0, 0, 8, "", 0)
            others = watch.done.done()
            receiver.orderStatus(50, "Cancelled", 0, 10, 0, 2, 0, 0, 7, "", 0)
            return others, watch.done.done()

    assert asyncio.run(hear()) == (False, True)


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (202, "Order Canceled - reason:", "cancelled"),
        (10147, "OrderId 5 that needs to be cancelled is not found.", "unknown"),
        (135, "Can't find order with id =5", "unknown"),
        (10148, "OrderId 5 that needs to be cancelled cannot be cancelled, state: Filled.", "filled"),
        (10148, "OrderId 5 that needs to be cancelled cannot be cancelled, state: Cancelled.", "cancelled"),
        (10148, "OrderId 5 that needs to be cancelled cannot be cancelled, state: PendingSubmit.", "refused"),
        (10148, "OrderId 5 that needs to be cancelled cannot be cancelled, state: PendingCancel.", "unconfirmed"),
        (161, "Cancel attempted when order is not in a cancellable state.  Order permId =9", "refused"),
        (321, "The API interface is currently in Read-Only mode.", "refused"),
        (399, "Order Message: your order will not be placed at the exchange until 09:30", "unconfirmed"),
    ],
)
def test_tws_codes_decide(code: int, text: str, outcome: str) -> None:
    async def judge() -> str:
        watch = Cancelling(5, 7)
        watch.error(code, text)
        return watch.result("time was over").outcome

    assert asyncio.run(judge()) == outcome


def test_a_status_after_a_doubtful_error_decides() -> None:
    """161 comes for an order whose cancel is under way as well as for one that is over."""

    async def judge() -> str:
        watch = Cancelling(5, 7)
        watch.error(161, "Cancel attempted when order is not in a cancellable state.")
        watch.status(Status(5, 7, 9, "Filled", 10, 0))
        return watch.result("time was over").outcome

    assert asyncio.run(judge()) == "filled"
