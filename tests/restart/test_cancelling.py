"""Cancels before a restart against a simulated TWS: each confirmed or reported, none of them twice (L35)."""

import asyncio
import sys
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # cancel_bench
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # gateway_support, whatever the import mode

from cancel_bench import GLOBAL_CANCEL, OURS, Bench, outcomes, slow_exchange
from gateway_support import SPY, wait_until
from orders_support import CANCEL, FAR, place, working

from v6.gateway.contracts import to_library
from v6.journal import restarts
from v6.restart.preparation.owners import Owners
from v6.restart.records.order_outcomes import identity
from v6.simulator.testing import SimulatedTWS
from v6.simulator.trading import refusals
from v6.simulator.trading.desk import Desk

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


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


# a TWS whose answers contradict its list


def not_found(_desk: Desk, _client: int, order_id: int) -> refusals.Refusal:
    """The cancel is answered with 10147 and done nothing about."""
    return refusals.cancel_unknown(order_id)


def inactive(desk: Desk, client: int, order_id: int) -> None:
    """The cancel is answered with the status Inactive, and the order works on."""
    ticket = desk._trading.blotter.find(client, order_id)
    assert ticket is not None
    really, ticket.status = ticket.status, "Inactive"
    desk._trading.reports.status(ticket)
    ticket.status = really


@pytest.mark.parametrize("answer", [not_found, inactive])
def test_what_tws_lists_as_open_is_not_cancelled_whatever_it_answers(
    bench: Bench, tws: SimulatedTWS, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    (number,) = bench.place(5)
    monkeypatch.setattr(Desk, "_cancel", answer)
    cancels = bench.own([5])
    assert working(tws).keys() == {(5, number)}
    (step,) = cancels.undone()
    assert (step.order_id, step.outcome) == (number, "unconfirmed")
    assert "TWS still lists it as" in step.detail


# placed in the last moment


def test_an_order_placed_after_the_reading_is_in_the_books_of_the_global_cancel(
    bench: Bench, tws: SimulatedTWS
) -> None:
    bench.place(5)
    read = bench.open_orders()
    (late,) = bench.place(6)
    cancels = bench.everything(read)
    assert working(tws) == {}
    assert outcomes(cancels)[6, late] == "cancelled"


def test_an_order_placed_just_before_the_global_cancel_is_booked_from_what_tws_completed(
    bench: Bench, tws: SimulatedTWS
) -> None:
    bench.place(5)

    def place_another(name: str) -> None:
        if name == "cancel_intended":
            tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 3, "limit": 300})

    bench.reached = type("Spy", (list,), {"append": staticmethod(place_another)})()
    cancels = bench.everything()
    assert working(tws) == {}
    assert [step.outcome for step in cancels.steps()] == ["cancelled"] * 2
    assert any("BUY 3 QQQ" in step.words and "just before" in step.detail for step in cancels.steps())


def test_l35_a_new_order_brings_no_second_global_cancel_to_those_under_way(home: Path) -> None:
    """The rerun waits for what the killed run has sent, and only then cancels the new one."""
    with slow_exchange(2.0) as tws:
        bench = Bench(home, tws.port)
        with closing(bench.db):
            (old,), (new,) = bench.place(5), bench.place(6)
            assert wait_until(lambda: set(working(tws).values()) == {"Submitted"}, 6)
            bench.intend(*bench.open_orders(5))
            with bench.program(5) as killed:
                killed.cancel_orders([old], 0.1)
            assert working(tws)[5, old] == "PendingCancel"
            seen: list[dict[tuple[int, int], str]] = []
            bench.reached = type("Spy", (list,), {"append": staticmethod(lambda _: seen.append(working(tws)))})()
            cancels = bench.everything()
            assert [(5, old) in at for at in seen] == [False, False], "it was still under way at the global cancel"
            assert outcomes(cancels) == {(5, old): "cancelled", (6, new): "cancelled"}
            assert working(tws) == {}
