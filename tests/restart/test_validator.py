"""The checks after a restart, each over a real connection: what works is proven, what does not is named."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # restart_support, whatever the import mode

from restart_support import door

from v6.analysis.findings import State
from v6.clock import NEW_YORK
from v6.gateway.client import Gateway
from v6.gateway.connection import Silent
from v6.model import Contract
from v6.restart.recovery.proofs import Proven
from v6.restart.recovery.validator import Demands, PostRestartValidator
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

T = TypeVar("T")
SPY, QQQ, IWM = (Contract("STK", symbol, "SMART") for symbol in ("SPY", "QQQ", "IWM"))
ES = Contract("FUT", "ES", "CME")
NO_SUCH = Contract("STK", "NOSUCH", "SMART")
OPEN = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
NIGHT = datetime(2026, 11, 25, 0, 10, tzinfo=NEW_YORK)


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


def demands(*, market_open: bool = True, seconds: float = 8.0, round_trips: int = 2) -> Demands:
    return Demands("SPY", round_trips, 90.0, market_open, seconds)


def over(
    tws: SimulatedTWS, leases: Path, work: Callable[[PostRestartValidator, Gateway], Awaitable[T]], wanted: Demands
) -> T:
    """What `work` makes of a validator over an open gateway."""

    async def connected() -> T:
        async with door(tws.port, leases, quote_timeout_seconds=1.0) as gateway:
            return await work(PostRestartValidator(gateway, wanted, Silent()), gateway)

    return asyncio.run(connected())


def test_everything_that_works_is_proven(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        found = over(tws, leases, lambda one, _: one.validate([QQQ, IWM]), demands())

    assert found.passed
    assert [finding.check for finding in found.findings] == [
        "connection",
        "data farms",
        "account",
        "historical data",
        "market data",
    ]
    assert {proof.contract.symbol: proof.proven for proof in found.proofs} == dict.fromkeys(
        ("SPY", "QQQ", "IWM"), Proven.LIVE
    )
    assert found.first_tick_seconds is not None
    assert 0 <= found.first_tick_seconds < 5
    assert found.owed == ()


def test_the_round_trips_are_a_second_apart(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        started = time.monotonic()
        finding = over(tws, leases, lambda one, _: one.stable(), demands(round_trips=3))
        assert time.monotonic() - started >= 2.0
        assert tws.stats.requests[49] == 3

    assert finding.state is State.OK


def test_a_tws_that_falls_silent_is_not_stable_and_nothing_else_is_asked_l24(leases: Path) -> None:
    """L24: connected, and no answer."""

    async def fall_silent(validator: PostRestartValidator, _: Gateway) -> bool:
        tws.set(mute_after_start=True)
        found = await validator.validate([QQQ])
        return found.passed or len(found.findings) != 1

    with simulated_tws(start_at=OPEN) as tws:
        assert not over(tws, leases, fall_silent, demands())
        assert tws.stats.requests[1] == 0
        tws.set(mute_after_start=False)


def test_with_the_market_closed_the_close_is_enough_and_the_live_proof_is_owed(leases: Path) -> None:
    with simulated_tws(start_at=NIGHT) as tws:
        found = over(tws, leases, lambda one, _: one.validate([QQQ]), demands(market_open=False))

    assert found.passed
    assert [contract.symbol for contract in found.owed] == ["SPY", "QQQ"]


def test_a_feed_that_is_dead_fails_with_its_name(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(silent=frozenset({"QQQ"}))
        finding = over(tws, leases, lambda one, _: one.market_data([QQQ, IWM]), demands(seconds=5.0))

    assert finding.state is State.FAILED
    assert "QQQ STK: 0 of 1" in finding.evidence
    assert "2 of 3 proven" in finding.evidence


def test_a_feed_that_comes_back_is_found_when_it_is_asked_for_again(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(silent=frozenset({"QQQ"}))

        async def revive(validator: PostRestartValidator, _: Gateway) -> State:
            checking = asyncio.ensure_future(validator.market_data([QQQ]))
            await asyncio.sleep(2.0)
            tws.set(silent=frozenset())
            return (await checking).state

        assert over(tws, leases, revive, demands(seconds=15.0)) is State.OK


def test_a_contract_that_does_not_exist_is_named_and_not_asked_for_again(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        finding = over(tws, leases, lambda one, _: one.market_data([NO_SUCH]), demands())
        assert tws.stats.requests[1] == 2

    assert finding.state is State.FAILED
    assert "NOSUCH STK: no_contract" in finding.evidence


def test_delayed_data_are_no_proof_while_the_market_is_open(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(no_subscription={"QQQ": 10167})
        finding = over(tws, leases, lambda one, _: one.market_data([QQQ]), demands(seconds=4.0))

    assert finding.state is State.FAILED
    assert "QQQ STK: 0 of 1" in finding.evidence


def test_farms_that_still_connect_are_waited_for(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(deaf_until_farms=True)

        async def come_up(validator: PostRestartValidator, _: Gateway) -> tuple[bool, State]:
            waiting = asyncio.ensure_future(validator.farms())
            await asyncio.sleep(1.0)
            early = waiting.done()
            tws.set(deaf_until_farms=False)
            return early, (await waiting).state

        assert over(tws, leases, come_up, demands()) == (False, State.OK)


def test_a_farm_that_stays_down_is_a_failure_with_its_name(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(farms_down=frozenset({"usopt"}))
        finding = over(tws, leases, lambda one, _: one.farms(), demands(seconds=1.0))

    assert finding.state is State.FAILED
    assert "usopt" in finding.evidence


def test_another_login_than_before_is_a_failure(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        finding = over(tws, leases, lambda one, _: one.account(["DU9000777"]), demands())

    assert finding.state is State.FAILED
    assert "another login" in finding.evidence


def test_historical_data_that_do_not_come_are_a_failure(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:
        tws.set(farms_down=frozenset({"ushmds"}))
        found = over(tws, leases, lambda one, _: one.checks([]), demands(seconds=2.0))

    states = {finding.check: finding.state for finding in found.findings}
    assert states["historical data"] is State.FAILED
    assert states["market data"] is State.OK


def test_futures_that_trade_at_night_are_proven_live_at_night(leases: Path) -> None:
    with simulated_tws(start_at=NIGHT) as tws:

        async def front(validator: PostRestartValidator, gateway: Gateway) -> dict[str, Proven]:
            listed = await gateway.contract_details_async(ES)
            await validator.market_data([listed[0].contract])
            return {proof.contract.symbol: proof.proven for proof in validator.proofs.values()}

        assert over(tws, leases, front, demands(market_open=False)) == {"SPY": Proven.CLOSED, "ES": Proven.LIVE}


def test_a_connection_that_ends_in_the_middle_is_a_failure_and_no_exception(leases: Path) -> None:
    with simulated_tws(start_at=OPEN) as tws:

        async def cut(validator: PostRestartValidator, _: Gateway) -> bool:
            tws.set(silent=frozenset({"*"}))
            checking = asyncio.ensure_future(validator.checks([QQQ]))
            await asyncio.sleep(0.5)
            tws.drop_all()
            return (await checking).passed

        assert over(tws, leases, cut, demands()) is False
