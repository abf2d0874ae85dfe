"""Live data that flow, do not, or cannot be proven: what a diagnosis makes of what TWS says to the check symbol."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from diagnose_support import LONG, PROBE, answers, examine, faulty
from gateway_support import READY, TUESDAY, frame, raw_tws

from v6.gateway.lines import LineBudget
from v6.gateway.verdicts import Verdict
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture(scope="module")
def morning() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


def refusal(code: int, text: str) -> Callable[[int], bytes]:
    return lambda number: frame(4, 2, number, code, text, "")


def price(number: int, tick: int = 1) -> bytes:
    return frame(1, 6, number, tick, 600.0, 5, 0)


def delayed(number: int) -> bytes:
    return refusal(10167, "Displaying delayed market data.")(number) + frame(58, 1, number, 3) + price(number, 66)


UNPROVEN: dict[str, tuple[Callable[[int], bytes], Verdict, int, str]] = {
    "delayed": (delayed, Verdict.NO_MARKET_DATA, 2, "delayed: SPY bid 600"),
    "frozen": (
        lambda number: frame(58, 1, number, 2) + price(number),
        Verdict.NO_MARKET_DATA,
        1,
        "frozen: SPY bid 600, frozen although the market is open",
    ),
    "no line at TWS": (refusal(101, "Max number of tickers"), Verdict.NO_MARKET_DATA, 1, "all lines in use: SPY"),
    "no permission": (refusal(10187, "No market data permissions"), Verdict.NO_MARKET_DATA, 2, "no subscription: SPY"),
    "no such symbol": (refusal(200, "No security"), Verdict.COULD_NOT_CHECK, 1, "not proven: SPY: TWS says 200"),
    "a bad request": (refusal(321, "Error validating"), Verdict.COULD_NOT_CHECK, 1, "not proven: SPY: TWS says 321"),
    "a failed request": (refusal(322, "Error processing"), Verdict.COULD_NOT_CHECK, 1, "not proven: SPY: TWS says 322"),
    "of no kind": (price, Verdict.COULD_NOT_CHECK, 1, "TWS did not say of what kind"),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_with_the_market_open_only_live_data_are_healthy(name: str, leases: Path) -> None:
    quote, verdict, code, words = UNPROVEN[name]
    with raw_tws(answers(READY, quote)) as tws:
        found = examine(tws.port, leases, probe_seconds=PROBE if quote is price else LONG)

    assert (found.verdict, found.exit_code) == (verdict, code), found
    assert words in found.detail


def test_with_every_line_of_ours_in_use_live_data_are_not_proven(morning: SimulatedTWS, leases: Path) -> None:
    with closing(LineBudget(leases, "checks", 5)) as others:
        while others.acquire() is not None:
            pass
        found = examine(morning.port, leases, probe_seconds=LONG)

    assert (found.verdict, found.exit_code) == (Verdict.COULD_NOT_CHECK, 1)
    assert "no market data line of the pool 'checks' was free" in found.detail


@pytest.mark.parametrize("resets_after_time", [False, True])
@pytest.mark.parametrize("market_open", [False, True])
def test_l24_a_connection_that_dies_while_data_are_asked_for_is_not_healthy(
    market_open: bool, resets_after_time: bool, leases: Path
) -> None:
    with raw_tws(answers(READY, lambda _: b"", resets_after_time=resets_after_time)) as tws:
        found = examine(tws.port, leases, market_open=market_open, probe_seconds=LONG)

    assert (found.verdict, found.exit_code) == (Verdict.MUTE_AFTER_HANDSHAKE, 1), found
    assert "TWS hung up on the" in found.detail
    assert found.seconds < LONG / 2


@pytest.mark.parametrize(("market_open", "why"), [(False, "the market is closed"), (None, "is not known")])
def test_outside_the_session_live_data_are_said_not_to_be_proven(
    market_open: bool | None, why: str, morning: SimulatedTWS, leases: Path
) -> None:
    with faulty(morning, silent=frozenset({"SPY"})):
        found = examine(morning.port, leases, market_open=market_open, probe_seconds=1.0)

    assert (found.verdict, found.exit_code) == (Verdict.HEALTHY, 0)
    assert "live data are not proven" in found.detail
    assert why in found.detail


def test_a_missing_subscription_is_named_also_when_the_market_is_closed(morning: SimulatedTWS, leases: Path) -> None:
    with faulty(morning, no_subscription={"*": 354}):
        assert examine(morning.port, leases, market_open=False).verdict is Verdict.NO_MARKET_DATA
