"""Closings of positions against a simulated TWS: none of them twice, no order at work that nobody knows of (L35)."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # cancel_bench
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # gateway_support, whatever the import mode

from cancel_bench import OURS, Bench
from gateway_support import TUESDAY, wait_until
from orders_support import PLACE, place, working

from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import Contract
from v6.restart.preparation import closing as closings
from v6.restart.preparation.closing import Closings, in_doubt
from v6.simulator.testing import SimulatedTWS
from v6.simulator.trading import refusals
from v6.simulator.trading.desk import Desk

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

QQQ = Contract("STK", "QQQ", "SMART")
HELD = 10.0


@pytest.fixture
def held(bench: Bench) -> Contract:
    with bench.program(77) as gateway:
        contract = gateway.contract_details(QQQ)[0].contract
        gateway.place_market_order(contract, "BUY", HELD, gateway.accounts[0], gateway.next_order_id(), 5)
    return contract


@pytest.fixture
def halted(tws: SimulatedTWS, held: Contract, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """What is held does not trade, and every cancel is lost on its way."""
    tws.control({"do": "halt", "symbol": "QQQ"})
    monkeypatch.setattr(closings, "CANCEL_SECONDS", 1.0)
    monkeypatch.setattr(Desk, "_cancel", lambda *_: None)
    return held


def close(bench: Bench, held: Contract) -> tuple[list[OrderStep], list[str]]:
    """(what was placed now, what was not closed because an order of ours works)."""

    async def work() -> tuple[list[OrderStep], list[str]]:
        async with bench.gateway(OURS) as gateway:
            under = Closings(bench.db, bench.restart, gateway, bench.reached.append)
            return await under.close([str(held.con_id)], 1.0), under.blocked

    return asyncio.run(work())


def quantity(bench: Bench, held: Contract) -> float:
    with bench.program(78) as gateway:
        return sum(each.quantity for each in gateway.positions() if each.contract.con_id == held.con_id)


def another_restart(bench: Bench) -> None:
    start = TUESDAY + timedelta(days=1)
    bench.restart = restarts.begin(bench.db, "daily", start, start + timedelta(minutes=20)).id


@pytest.mark.parametrize("later", [lambda _: None, another_restart], ids=["the same restart", "the next restart"])
def test_l35_no_second_closing_order_while_the_first_may_fill(
    bench: Bench, tws: SimulatedTWS, halted: Contract, later: object
) -> None:
    """The symbol is halted and the withdrawal is lost: a second order would make a short position of it."""
    (first,), _ = close(bench, halted)
    assert first.outcome == "unconfirmed"
    assert callable(later)
    later(bench)
    sent = tws.stats.requests[PLACE]

    placed, blocked = close(bench, halted)

    assert placed == []
    assert tws.stats.requests[PLACE] == sent
    assert ["still works on it" in line for line in blocked] == [True]
    tws.control({"do": "resume", "symbol": "QQQ"})
    assert wait_until(lambda: not working(tws))
    assert quantity(bench, halted) == 0


def test_a_withdrawal_that_is_not_confirmed_is_not_called_taken_back(bench: Bench, halted: Contract) -> None:
    (step,), _ = close(bench, halted)
    assert "NOT known whether it was taken back: IT MAY STILL FILL" in step.detail
    assert [each.order_id for each in in_doubt(bench.db)] == [step.order_id]


def test_an_order_that_tws_says_it_does_not_know_and_lists_is_in_doubt(
    bench: Bench, halted: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Desk, "_cancel", lambda _desk, _client, order_id: refusals.cancel_unknown(order_id))
    (step,), _ = close(bench, halted)
    assert step.outcome == "unconfirmed"
    assert "TWS still lists it" in step.detail


def test_what_the_restart_before_left_at_work_is_taken_back_first(
    bench: Bench, tws: SimulatedTWS, halted: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,), _ = close(bench, halted)
    another_restart(bench)
    monkeypatch.undo()
    placed, blocked = close(bench, halted)
    assert (blocked, working(tws)) == ([], {})
    assert [step.outcome for step in placed] == ["taken_back"]
    old = next(step for step in restarts.closings(bench.db) if step.order_id == first.order_id)
    assert (old.restart, old.outcome) == (first.restart, "taken_back")
    assert in_doubt(bench.db) == []


def test_what_has_filled_since_is_not_closed_again(bench: Bench, tws: SimulatedTWS, halted: Contract) -> None:
    close(bench, halted)
    tws.control({"do": "resume", "symbol": "QQQ"})
    assert wait_until(lambda: not working(tws))
    another_restart(bench)
    assert close(bench, halted) == ([], [])
    assert quantity(bench, halted) == 0
    assert [step.outcome for step in restarts.closings(bench.db)] == ["unknown"]


def test_any_order_of_our_own_client_id_keeps_a_position_from_being_closed(
    bench: Bench, tws: SimulatedTWS, held: Contract
) -> None:
    with bench.gateway(OURS) as gateway:
        place(gateway, contract=held, action="SELL", lmtPrice=9999.0, account=gateway.accounts[0])
    placed, blocked = close(bench, held)
    assert placed == []
    assert len(blocked) == 1
    assert len(working(tws)) == 1, "it is not V6's closing order: it is not taken back either"


def test_an_order_of_somebody_else_keeps_no_position_from_being_closed(bench: Bench, held: Contract) -> None:
    bench.place(5, contract=held, action="SELL", lmtPrice=9999.0)
    placed, blocked = close(bench, held)
    assert [step.outcome for step in placed] == ["filled"]
    assert blocked == []
    assert quantity(bench, held) == 0
