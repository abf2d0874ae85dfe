"""Reading the trading state from TWS, all parts at once: what TWS does not tell is named, never taken for empty."""

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # restart_support, whatever the import mode

from restart_support import RESTART_CLIENT, door

from trading_states import CALL, END, ES, SPY, START
from v6 import clock
from v6.clock import NEW_YORK
from v6.gateway.client import Gateway
from v6.gateway.errors import RequestTimeout
from v6.journal import database, restarts
from v6.model import Contract, ScannerFilter
from v6.restart import registered
from v6.restart.records.difference import Became, compare
from v6.restart.records.state_file import TradingStateManager
from v6.restart.records.state_reader import StateReader, high_waters, read_trading_state
from v6.restart.records.trading_state import Part, TradingState
from v6.restart.windows import Occurrence
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
EVENING = datetime(2026, 11, 23, 14, 0, tzinfo=NEW_YORK)
NIGHT = Occurrence("daily_restart", START, END, True)
BUY = {"do": "place", "symbol": "SPY", "action": "BUY", "quantity": 5, "limit": 400}
GAINERS = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN")


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(database.connect(home / "var" / "v6.db")) as opened:
        yield opened


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    """Of an account that holds nothing but what a test trades."""
    with simulated_tws(start_at=EVENING) as running:
        yield running


def reading(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection, **wanted: Any) -> TradingState:
    async def read() -> TradingState:
        async with door(tws.port, leases) as gateway:
            return await read_trading_state(gateway, db, **wanted)

    return asyncio.run(read())


def test_everything_that_tws_knows_is_in_the_state(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> None:
    placed = tws.control(BUY | {"client": 20, "order": 31})
    tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 1, "limit": 300})
    tws.control({"do": "trade", "symbol": "IWM", "quantity": 40})
    filled = tws.control(BUY | {"client": 21, "order": 7, "symbol": "QQQ"})
    tws.control({"do": "fill", "client": 21, "order": 7, "price": 400.25})

    state = reading(tws, leases, db, occurrence=NIGHT, restart_id=7)

    assert state.partial == ()
    [mine, typed] = sorted(state.orders, key=lambda one: -one.client_id)
    assert (mine.perm_id, mine.client_id, mine.order_id) == (placed["perm_id"], 20, 31)
    assert (typed.contract.symbol, typed.client_id) == ("QQQ", 0)
    assert [one.perm_id for one in state.completed] == [filled["perm_id"]]
    [fill] = state.executions
    assert (fill.perm_id, fill.quantity, fill.price) == (filled["perm_id"], 5.0, 400.25)
    assert {one.contract.symbol: one.quantity for one in state.positions}["IWM"] == 40.0
    [account] = state.accounts
    assert float(state.account_values[account]["NetLiquidation"]) > 0
    assert (state.restart_id, state.window, state.window_start, state.window_end) == (7, "daily_restart", START, END)


def test_the_state_survives_the_file_exactly(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection, home: Path
) -> None:
    tws.control(BUY | {"client": 20, "order": 31})
    tws.control({"do": "fill", "client": 20, "order": 31, "quantity": 2, "price": 400.1})
    tws.control({"do": "trade", "symbol": "IWM", "quantity": 40})
    manager = TradingStateManager(home / "var" / "state", 14, timedelta(hours=1))

    state = reading(tws, leases, db, occurrence=NIGHT, restart_id=7)
    manager.save(state)

    assert manager.load(clock.now()) == state


def test_the_parts_are_asked_for_together(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> None:
    async def read() -> tuple[TradingState, float]:
        async with door(tws.port, leases, request_timeout_seconds=20.0) as gateway:
            tws.set(mute_after_start=True)
            started = clock.monotonic()
            state = await read_trading_state(gateway, db, seconds=0.5)
            return state, clock.monotonic() - started

    state, seconds = asyncio.run(read())

    assert [part for part in Part if state.why_not(part)] == [part for part in Part if part is not Part.SUBSCRIPTIONS]
    assert seconds < 1.5  # one after the other: 2.5


def test_each_part_is_told_as_it_arrives(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> None:
    done: list[Part] = []

    reading(tws, leases, db, part_done=done.append)

    assert sorted(done) == sorted(part for part in Part if part is not Part.SUBSCRIPTIONS)


def test_one_part_that_fails_is_named_and_the_others_are_read_l30(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    tws.control({"do": "trade", "symbol": "IWM", "quantity": 40})

    async def read() -> TradingState:
        async with door(tws.port, leases, request_timeout_seconds=0.3) as gateway:
            tws.set(mute_after_start=True)
            with pytest.raises(RequestTimeout):
                await gateway.open_orders_async()
            tws.set(mute_after_start=False)
            return await read_trading_state(gateway, db)

    state = asyncio.run(read())

    assert [entry.partition(": ")[0] for entry in state.partial] == ["open orders"]
    assert "overdue" in (state.why_not(Part.ORDERS) or "")
    assert "IWM" in {one.contract.symbol for one in state.positions}


def test_a_tws_that_goes_away_in_the_middle_leaves_a_state_of_what_was_read(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    tws.control(BUY | {"client": 20})

    async def read() -> TradingState:
        async with door(tws.port, leases) as gateway:
            reader = StateReader(gateway, db)
            await reader.read()
            tws.drop_all()
            while gateway.connected:
                await asyncio.sleep(0.01)
            again = StateReader(gateway, db)
            gone = await again.read()
            assert all(gone.why_not(part) for part in (Part.ORDERS, Part.POSITIONS))
            return reader.so_far()

    assert len(asyncio.run(read()).orders) == 1


def test_before_any_answer_everything_is_marked_as_not_read(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    async def look() -> TradingState:
        async with door(tws.port, leases) as gateway:
            return StateReader(gateway, db).so_far()

    assert asyncio.run(look()).partial == tuple(
        f"{part}: not read in time" for part in Part if part is not Part.SUBSCRIPTIONS
    )


# order ids


def test_the_highest_order_ids_are_remembered_by_client(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    tws.control(BUY | {"client": 20, "order": 31})
    tws.control(BUY | {"client": 20, "order": 38})
    tws.control(BUY | {"client": 21, "order": 7})
    tws.control({"do": "fill", "client": 21, "order": 7, "price": 400})
    tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 1, "limit": 300})

    state = reading(tws, leases, db)

    assert {client: state.order_ids[client] for client in (20, 21)} == {20: 38, 21: 7}
    assert 0 not in state.order_ids
    assert restarts.high_waters(db) == state.order_ids
    assert state.next_order_ids == {RESTART_CLIENT: state.order_ids[RESTART_CLIENT] + 1}


def test_a_mark_never_falls(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> None:
    restarts.raise_high_water(db, 20, 38103)
    tws.control(BUY | {"client": 20, "order": 31})

    assert reading(tws, leases, db).order_ids[20] == 38103


def test_ids_of_orders_that_no_program_placed_do_not_count() -> None:
    from trading_states import execution, order

    rows = [order(1, client_id=0, order_id=-5), execution(2, client_id=0, order_id=2**31 - 1), order(3, order_id=0)]

    assert high_waters(rows, {9: 1}) == {}
    assert high_waters([order(3, client_id=20, order_id=8), *rows], {9: 5}) == {9: 4, 20: 8}


# subscriptions and scanners


def test_registered_subscriptions_come_beside_the_universe_each_once(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    registered.subscribe(db, "market_session", [SPY, ES])
    registered.subscribe(db, "a strategy", [ES, CALL])
    registered.scan(db, "market_session", {"gainers": GAINERS})

    state = reading(tws, leases, db, subscriptions=[CALL])

    assert state.subscriptions == (CALL, ES, SPY)
    assert state.scanners == (GAINERS,)


def test_a_program_takes_back_what_it_registered_and_nothing_else(db: sqlite3.Connection) -> None:
    registered.subscribe(db, "market_session", [SPY, ES])
    registered.subscribe(db, "a strategy", [ES])
    registered.unsubscribe(db, "market_session", [SPY])
    assert registered.subscriptions(db) == ((ES,), ())

    registered.withdraw(db, "market_session")

    assert registered.subscriptions(db) == ((ES,), ())
    registered.withdraw(db, "a strategy")
    assert registered.subscriptions(db) == ((), ())


def test_a_scanner_of_the_same_name_is_replaced_and_can_be_stopped(db: sqlite3.Connection) -> None:
    losers = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_LOSE", 20, (("priceAbove", "10"),))
    registered.scan(db, "market_session", {"movers": GAINERS})
    registered.scan(db, "market_session", {"movers": losers, "gainers": GAINERS})

    assert set(registered.scanners(db)[0]) == {losers, GAINERS}
    registered.stop_scan(db, "market_session", "gainers")
    assert registered.scanners(db) == ((losers,), ())


def test_a_contract_that_tws_has_not_resolved_cannot_be_registered(db: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="without con_id: IWM STK, allowed: contracts that TWS has resolved"):
        registered.subscribe(db, "market_session", [SPY, Contract("STK", "IWM", "SMART")])

    assert registered.subscriptions(db) == ((), ())


def test_a_registration_of_another_form_makes_the_state_partial(
    tws: SimulatedTWS, leases: Path, db: sqlite3.Connection
) -> None:
    registered.subscribe(db, "market_session", [SPY])
    restarts.register(db, "an old program", "subscription", "QQQ", {"ticker": "QQQ"})

    state = reading(tws, leases, db)

    assert state.subscriptions == (SPY,)
    assert "an old program's QQQ" in (state.why_not(Part.SUBSCRIPTIONS) or "")


# before and after


def test_what_happened_between_two_readings_is_told(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> None:
    stays, fills, ends = (tws.control(BUY | {"client": 20})["perm_id"] for _ in range(3))
    before = reading(tws, leases, db)
    by_id = {one.perm_id: one.order_id for one in before.orders}

    tws.control({"do": "fill", "client": 20, "order": by_id[fills], "price": 400})
    tws.control({"do": "reject", "client": 20, "order": by_id[ends]})
    new = tws.control(BUY | {"client": 21})["perm_id"]
    difference = compare(before, reading(tws, leases, db))

    assert {one.order.perm_id: one.became for one in difference.missing}[fills] is Became.FILLED
    assert {one.order.perm_id for one in difference.missing} == {fills, ends}
    assert [one.perm_id for one in difference.new] == [new]
    assert stays not in {one.order.perm_id for one in difference.changed}
    [position] = difference.positions
    assert (position.contract.symbol, position.after - position.before) == ("SPY", 5.0)
    assert difference.unknown == ()


def test_an_order_that_ibkr_never_got_is_seen_by_its_id_coming_again(leases: Path, db: sqlite3.Connection) -> None:
    quick = {"refused_seconds": 0.2, "mute_seconds": 0.0, "farm_seconds": 0.0}
    with simulated_tws(start_at=EVENING) as tws:
        kept = tws.control(BUY | {"client": RESTART_CLIENT, "order": 40})
        tws.control(BUY | {"client": RESTART_CLIENT, "order": 44, "in_flight": True})
        before = reading(tws, leases, db)
        tws.control({"do": "restart", **quick})
        after = asyncio.run(_as_soon_as_it_is_back(tws, leases, db))

    [again] = compare(before, after).rolled_back

    assert (again.client_id, again.high_water, again.next_id) == (RESTART_CLIENT, 44, 41)
    assert [one.perm_id for one in after.orders] == [kept["perm_id"]]
    assert restarts.high_waters(db)[RESTART_CLIENT] == 44


async def _as_soon_as_it_is_back(tws: SimulatedTWS, leases: Path, db: sqlite3.Connection) -> TradingState:
    from v6.gateway.errors import ConnectFailed

    async def once() -> Gateway:
        gateway = door(tws.port, leases)
        await gateway.open_async()
        return gateway

    while True:
        try:
            gateway = await once()
        except ConnectFailed:
            await asyncio.sleep(0.05)
            continue
        try:
            return await read_trading_state(gateway, db)
        finally:
            await gateway.close_async()
