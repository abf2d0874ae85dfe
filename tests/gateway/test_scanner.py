"""A scanner's first list, in its order, and the scanner ended at TWS."""

from collections.abc import Callable

import pytest
from gateway_support import wait_until

from v6.gateway.client import Gateway
from v6.gateway.errors import RequestError, RequestTimeout
from v6.model import ScannerFilter
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
GAINERS = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", rows=5)


def test_it_lists_contracts_best_first_and_is_ended_at_tws(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port) as gw:
        found = gw.scan(GAINERS)
        assert len(found) == 5
        assert all(contract.con_id and contract.sec_type == "STK" for contract in found)
        assert gw.scan(GAINERS)[:1] == found[:1]
        assert wait_until(lambda: tws.server.scans == 0)


def test_its_filters_reach_tws(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    dear = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", filters=(("priceAbove", "500"),))
    with gateway(tws.port) as gw:
        everything = gw.scan(ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN"))
        found = gw.scan(dear)
        assert "SPY" in {contract.symbol for contract in found}
        assert 0 < len(found) < len(everything)
        nothing = ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", filters=(("priceAbove", "1000000"),))
        assert gw.scan(nothing) == []


@pytest.mark.parametrize(
    "unknown",
    [
        ScannerFilter("STK", "STK.US.MAJOR", "NO_SUCH_SCAN"),
        ScannerFilter("STK", "STK.NOWHERE", "TOP_PERC_GAIN"),
        ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", filters=(("noSuchFilter", "1"),)),
    ],
)
def test_one_that_tws_does_not_know_is_refused_in_its_words(
    unknown: ScannerFilter, tws: SimulatedTWS, gateway: Callable[..., Gateway]
) -> None:
    with gateway(tws.port) as gw, pytest.raises(RequestError, match="162"):
        gw.scan(unknown)


def test_one_that_is_never_answered_ends(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    with gateway(tws.port, request_timeout_seconds=0.3) as gw:
        tws.set(mute_after_start=True)
        with pytest.raises(RequestTimeout, match="scanner TOP_PERC_GAIN"):
            gw.scan(GAINERS)
    assert wait_until(lambda: tws.server.scans == 0)
