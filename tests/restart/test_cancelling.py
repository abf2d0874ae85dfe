"""Cancels before a restart against a simulated TWS: each confirmed or reported, none of them twice (L35)."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # gateway_support, whatever the import mode

from gateway_support import SPY, TUESDAY, ibkr, wait_until
from orders_support import CANCEL, FAR, place, working

from v6.gateway.client import Gateway, connect
from v6.gateway.contracts import to_library
from v6.journal import database, restarts
from v6.model import OpenOrder
from v6.restart.preparation.cancelling import Cancels, identity
from v6.restart.preparation.owners import Owners
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

GLOBAL_CANCEL = 58
OURS = 9


@contextmanager
def slow_exchange(seconds: float) -> Iterator[SimulatedTWS]:
    """A TWS whose orders and cancels take so long to the exchange."""
    quick = {"occupied_seconds": 0.0, "freed_seconds": 0.0, "realistic_statuses": False}
    with simulated_tws(fast=False, start_at=TUESDAY, submit_seconds=(seconds, seconds), **quick) as running:
        yield running


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


class Bench:
    """A restart in the journal, and gateways of any client id."""

    def __init__(self, home: Path, port: int) -> None:
        self.leases = home / "var" / "leases"
        self.port = port
        self.db = database.connect(home / "var" / "v6.db")
        self.restart = restarts.begin(self.db, "daily", TUESDAY, TUESDAY + timedelta(minutes=20)).id
        self.reached: list[str] = []

    def gateway(self, client_id: int | None, folder: str = "") -> Gateway:
        quick = {"connect_timeout_seconds": 2.0, "request_timeout_seconds": 3.0}
        leases = self.leases / folder if folder else self.leases
        return connect(ibkr(self.port, **quick), purpose="checks", leases=leases, client_id=client_id)

    @contextmanager
    def program(self, client_id: int) -> Iterator[Gateway]:
        """A program of the user: not among V6's leases."""
        with self.gateway(client_id, "programs") as gateway:
            yield gateway

    def place(self, client_id: int, count: int = 1, **terms: Any) -> list[int]:
        with self.program(client_id) as gateway:
            return [place(gateway, **terms) for _ in range(count)]

    def cancels(self) -> Cancels:
        return Cancels(self.db, self.restart, self.reached.append)

    def open_orders(self, *clients: int) -> list[OpenOrder]:
        with self.gateway(OURS) as gateway:
            return [order for order in gateway.open_orders() if not clients or order.client_id in clients]

    def own(self, clients: Sequence[int], seconds: float = 5.0, orders: Sequence[OpenOrder] = ()) -> Cancels:
        """Cancel every open order of these clients, and ask at the end."""
        cancels = self.cancels()

        async def work() -> None:
            async with self.gateway(OURS) as ours:
                listed = orders or [o for o in await ours.open_orders_async() if o.client_id in clients]
                owners = Owners(self.gateway, ours, clients)
                try:
                    await cancels.own(owners, listed, seconds)
                    await cancels.resolve(ours)
                finally:
                    await owners.close()

        asyncio.run(work())
        return cancels

    def everything(self) -> Cancels:
        cancels = self.cancels()

        async def work() -> None:
            async with self.gateway(OURS) as ours:
                await cancels.everything(ours, await ours.open_orders_async(), 5.0)

        asyncio.run(work())
        return cancels

    def intend(self, order: OpenOrder) -> None:
        """What a run that was killed has left."""
        restarts.intend(self.db, self.restart, order.perm_id, order.client_id, order.order_id, str(order))


@pytest.fixture
def bench(home: Path, tws: SimulatedTWS) -> Iterator[Bench]:
    made = Bench(home, tws.port)
    with closing(made.db):
        yield made


def outcomes(cancels: Cancels) -> dict[tuple[int, int], str]:
    return {(step.client_id, step.order_id): step.outcome for step in cancels.steps()}


# own


def test_orders_of_several_clients_are_cancelled_each_by_its_owner(bench: Bench, tws: SimulatedTWS) -> None:
    five, six = bench.place(5, 2), bench.place(6)
    found = outcomes(bench.own([5, 6]))
    assert found == {(5, five[0]): "cancelled", (5, five[1]): "cancelled", (6, six[0]): "cancelled"}
    assert working(tws) == {}
    assert tws.stats.requests[CANCEL] == 3


def test_clients_do_not_wait_for_one_another(home: Path) -> None:
    """Three owners whose exchange takes a second each are done in little more than one."""
    with slow_exchange(1.0) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            for client in (5, 6, 7):
                bench.place(client)
            began = time.monotonic()
            cancels = bench.own([5, 6, 7])
            assert time.monotonic() - began < 2.9
            assert set(outcomes(cancels).values()) == {"cancelled"}


def test_the_intent_is_in_the_journal_before_the_cancel_leaves(bench: Bench, tws: SimulatedTWS) -> None:
    bench.place(5)
    seen: list[tuple[str, list[str], int]] = []

    def look(name: str) -> None:
        rows = restarts.order_steps(bench.db, bench.restart)
        seen.append((name, [row.outcome for row in rows], tws.stats.requests[CANCEL]))

    bench.reached = type("Spy", (list,), {"append": staticmethod(look)})()
    bench.own([5])
    assert seen[0] == ("cancel_intended", ["sent"], 0)
    assert [name for name, _, _ in seen] == ["cancel_intended", "cancel_sent"]


def test_an_order_that_fills_while_it_is_cancelled_is_reported_as_filled(home: Path) -> None:
    with slow_exchange(1.0) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            (number,) = bench.place(5)
            assert wait_until(lambda: working(tws) == {(5, number): "Submitted"})

            def fill(name: str) -> None:
                if name == "cancel_intended":
                    tws.control({"do": "fill", "client": 5, "order": number, "price": FAR})

            bench.reached = type("Spy", (list,), {"append": staticmethod(fill)})()
            cancels = bench.own([5])
            assert outcomes(cancels) == {(5, number): "filled"}
            assert cancels.undone() == []


def test_a_refused_cancel_is_undone_with_the_words_of_tws(home: Path, tws: SimulatedTWS, bench: Bench) -> None:
    (number,) = bench.place(5)
    (order,) = bench.open_orders()
    tws.server.options.read_only = True
    cancels = bench.cancels()

    async def work() -> None:
        async with bench.gateway(OURS) as ours:
            owners = Owners(bench.gateway, ours, [5])
            await cancels.own(owners, [order], 3.0)
            await owners.close()

    asyncio.run(work())
    (step,) = cancels.undone()
    assert (step.order_id, step.outcome) == (number, "refused")
    assert "Read-Only" in step.detail


def test_an_owner_that_is_still_connected_keeps_its_orders_and_is_named(bench: Bench, tws: SimulatedTWS) -> None:
    with bench.program(5) as user:
        number = place(user)
        others = bench.place(6)
        cancels = bench.own([5, 6])
        assert outcomes(cancels) == {(5, number): "unreachable", (6, others[0]): "cancelled"}
        (step,) = cancels.undone()
        assert "client_id_in_use" in step.detail
        assert working(tws).keys() == {(5, number)}


def test_a_connected_owner_without_orders_is_no_trouble(bench: Bench) -> None:
    with bench.program(5):
        bench.place(6)
        assert bench.own([5, 6]).undone() == []


def test_our_own_id_among_the_owners_needs_no_second_connection(bench: Bench, tws: SimulatedTWS) -> None:
    numbers = bench.place(OURS)
    assert outcomes(bench.own([OURS])) == {(OURS, numbers[0]): "cancelled"}


def bracket(bench: Bench, client: int, **of_the_parent: Any) -> tuple[int, int, int]:
    with bench.program(client) as gateway:
        library, wire = gateway.connection.library, gateway.connection.client
        parent, taker, stop = (gateway.next_order_id() for _ in range(3))
        terms: tuple[dict[str, Any], ...] = (
            {"action": "BUY", "orderType": "LMT", "lmtPrice": FAR, "transmit": False} | of_the_parent,
            {"action": "SELL", "orderType": "LMT", "lmtPrice": 900.0, "parentId": parent, "transmit": False},
            {"action": "SELL", "orderType": "STP", "auxPrice": 300.0, "parentId": parent},
        )
        for number, more in zip((parent, taker, stop), terms, strict=True):
            order = library.module.Order(totalQuantity=10, tif="DAY", **more)
            wire.placeOrder(number, to_library(library, gateway.contract_details(SPY)[0].contract), order)
        assert wait_until(lambda: len(gateway.own_open_orders()) == 3)
    return parent, taker, stop


def test_a_bracket_is_cancelled_by_its_parent_alone(bench: Bench, tws: SimulatedTWS) -> None:
    numbers = bracket(bench, 5)
    found = outcomes(bench.own([5]))
    assert found == {(5, number): "cancelled" for number in numbers}
    assert tws.stats.requests[CANCEL] == 1


def test_children_that_their_parent_does_not_take_along_get_their_own_cancel(bench: Bench, tws: SimulatedTWS) -> None:
    """A parent that was partly filled leaves its exits working for what was bought."""
    parent, taker, stop = bracket(bench, 5)
    tws.control({"do": "fill", "client": 5, "order": parent, "price": FAR, "quantity": 4})
    found = outcomes(bench.own([5], seconds=8.0))
    assert working(tws) == {}
    assert found[5, parent] == "cancelled"
    assert {found[5, taker], found[5, stop]} == {"cancelled"}


def test_one_cancel_ends_an_oca_group(bench: Bench, tws: SimulatedTWS) -> None:
    numbers = bench.place(5, 3, ocaGroup="exit", ocaType=1)
    found = outcomes(bench.own([5]))
    assert found == {(5, number): "cancelled" for number in numbers}
    assert tws.stats.requests[CANCEL] == 1


# after a run that was killed


def test_l35_an_intent_whose_cancel_never_left_is_cancelled_once(bench: Bench, tws: SimulatedTWS) -> None:
    (number,) = bench.place(5)
    bench.intend(*bench.open_orders())
    assert outcomes(bench.own([5])) == {(5, number): "cancelled"}
    assert tws.stats.requests[CANCEL] == 1


def test_l35_a_cancel_under_way_is_awaited_and_not_sent_again(home: Path) -> None:
    with slow_exchange(1.5) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            (number,) = bench.place(5)
            assert wait_until(lambda: working(tws) == {(5, number): "Submitted"})
            with bench.program(5) as killed:
                (order,) = killed.own_open_orders()
                killed.cancel_orders([number], 0.2)
            bench.intend(order)
            assert working(tws) == {(5, number): "PendingCancel"}
            assert outcomes(bench.own([5])) == {(5, number): "cancelled"}
            assert tws.stats.requests[CANCEL] == 1


def test_what_a_killed_run_cancelled_is_reported_by_the_next(bench: Bench, tws: SimulatedTWS) -> None:
    first, second = bench.place(5, 2)
    one, two = bench.open_orders()
    bench.intend(one)
    bench.intend(two)
    with bench.program(5) as killed:
        killed.cancel_orders([first], 3)
    tws.control({"do": "fill", "client": 5, "order": second, "price": FAR})
    assert outcomes(bench.own([5], orders=[])) == {(5, first): "cancelled", (5, second): "filled"}
    assert tws.stats.requests[CANCEL] == 1


def test_broken_off_in_the_middle_every_order_has_its_row(home: Path) -> None:
    with slow_exchange(2.0) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            (five,), (six,) = bench.place(5), bench.place(6)
            assert wait_until(lambda: set(working(tws).values()) == {"Submitted"})
            tws.server.options.submit_seconds = (30.0, 30.0)
            orders = bench.open_orders()
            cancels = bench.cancels()

            async def work() -> None:
                async with bench.gateway(OURS) as ours:
                    owners = Owners(bench.gateway, ours, [5, 6])
                    try:
                        await asyncio.wait_for(cancels.own(owners, orders, 20.0), 1.5)
                    finally:
                        await owners.abort()

            with pytest.raises(TimeoutError):
                asyncio.run(work())
            assert {(step.client_id, step.order_id) for step in cancels.undone()} == {(5, five), (6, six)}


# all


def test_the_global_cancel_reaches_every_client_and_what_was_typed_into_tws(bench: Bench, tws: SimulatedTWS) -> None:
    bench.place(5)
    bench.place(6, tif="GTC")
    tws.control({"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 10, "limit": 600})
    cancels = bench.everything()
    assert [step.outcome for step in cancels.steps()] == ["cancelled"] * 3
    assert working(tws) == {}
    assert (tws.stats.requests[GLOBAL_CANCEL], tws.stats.requests[CANCEL]) == (1, 0)


def test_l35_a_global_cancel_under_way_is_not_sent_again(home: Path) -> None:
    with slow_exchange(1.0) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            bench.place(5, 2)
            assert wait_until(lambda: set(working(tws).values()) == {"Submitted"})
            for order in bench.open_orders():
                bench.intend(order)
            with bench.program(5) as killed:
                killed.global_cancel()
                assert wait_until(lambda: set(working(tws).values()) == {"PendingCancel"})
            assert [step.outcome for step in bench.everything().steps()] == ["cancelled"] * 2
            assert tws.stats.requests[GLOBAL_CANCEL] == 1


def test_orders_are_told_apart_before_tws_has_numbered_them() -> None:
    step = restarts.OrderStep(1, 0, 5, 3, "", datetime(2026, 11, 24), "sent", "")
    assert identity(step) == identity(step._replace(perm_id=77))
    assert identity(step) != identity(step._replace(order_id=4))
    typed = step._replace(client_id=0, order_id=0, perm_id=1)
    assert identity(typed) != identity(typed._replace(perm_id=2))
