"""What is put back after a restart: scanners answer, and order ids are asked of the clients that own orders."""

import asyncio
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # restart_support, whatever the import mode

from gateway_support import ibkr
from restart_support import door

from v6.analysis.findings import Finding, State
from v6.clock import NEW_YORK
from v6.gateway.client import Gateway, connect
from v6.model import Contract, ScannerFilter
from v6.restart.records.trading_state import TradingState
from v6.restart.recovery.before import Before
from v6.restart.recovery.restore import next_order_ids, run_scanners
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

GAINERS = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", 5)
NO_SUCH = ScannerFilter("STK", "STK.US.MAJOR", "NO_SUCH_CODE", 5)


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


def scanned(tws: SimulatedTWS, leases: Path, *scanners: ScannerFilter) -> Finding:
    async def scan() -> Finding:
        async with door(tws.port, leases) as gateway:
            return await run_scanners(gateway, scanners)

    return asyncio.run(scan())


def test_every_saved_scanner_is_run_once(leases: Path) -> None:
    with simulated_tws() as tws:
        finding = scanned(tws, leases, GAINERS)

    assert finding.state is State.OK
    assert finding.evidence == "1 of 1 answer"


def test_a_scanner_that_tws_refuses_is_named(leases: Path) -> None:
    with simulated_tws() as tws:
        finding = scanned(tws, leases, GAINERS, NO_SUCH)

    assert finding.state is State.FAILED
    assert finding.evidence.startswith("1 of 2: NO_SUCH_CODE")


def test_without_saved_scanners_nothing_is_asked(leases: Path) -> None:
    with simulated_tws() as tws:
        assert scanned(tws, leases).state is State.OK
        assert tws.stats.requests[22] == 0


def test_the_next_order_id_of_every_owner_is_asked_as_that_client(leases: Path) -> None:
    with simulated_tws() as tws:

        def owner(client_id: int) -> Gateway:
            return connect(ibkr(tws.port), purpose="checks", leases=leases, client_id=client_id)

        known, unknown = asyncio.run(next_order_ids([5, 6], owner))
        assert tws.stats.connections == 2
        assert tws.stats.clients == 0

    assert known.keys() == {5, 6}
    assert unknown == []


def test_an_owner_whose_program_is_back_already_could_not_be_checked_l30(leases: Path) -> None:
    """L30: not the same as "no roll-back"."""
    with simulated_tws() as tws:
        tws.set(client_ids_in_use=frozenset({5}))

        def owner(client_id: int) -> Gateway:
            return connect(ibkr(tws.port), purpose="checks", leases=leases, client_id=client_id)

        known, unknown = asyncio.run(next_order_ids([5, 6], owner))

        assert tws.stats.connections == 2  # whoever comes back with that id is not kept out by our trying again

    assert known.keys() == {6}
    assert [(finding.check, finding.state) for finding in unknown] == [("order ids of client 5", State.COULD_NOT_CHECK)]


def test_what_has_expired_since_an_old_state_was_saved_is_not_asked_for() -> None:
    gone, lives = (Contract("OPT", "SPY", "SMART", expiry=date(2026, 11, day), strike=600.0) for day in (20, 23))
    spy = Contract("STK", "SPY", "SMART")
    saved = TradingState(datetime(2026, 11, 20, 23, 41, tzinfo=NEW_YORK), subscriptions=(spy, gone, lives))

    assert Before(saved).subscriptions(date(2026, 11, 23)) == (spy, gone, lives)
    assert Before(saved, old=timedelta(days=3)).subscriptions(date(2026, 11, 23)) == (spy, lives)
