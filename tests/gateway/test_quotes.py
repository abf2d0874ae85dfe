"""The sliding window: all contracts accounted for, never more lines than leased, every miss with its reason."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from gateway_support import EVENING, NOT_LISTED, SPY, TUESDAY

from v6.gateway import market_data
from v6.gateway.client import Gateway
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
FEW_LINES = {"market_data_lines": {"options": 4, "futures": 2, "checks": 2}}
PATIENCE = {"quote_timeout_seconds": 0.7, "greeks_wait_seconds": 0.4}


def collect(gateway: Gateway, contracts: list[Contract], **changes: Any) -> list[Quote]:
    asked = {"generic_ticks": "101", "need_greeks": True, "deadline_seconds": 20.0} | changes
    with gateway as gw:
        return gw.quotes(contracts, **asked)


def reasons(quotes: list[Quote]) -> Counter[MissReason | None]:
    return Counter(quote.reason for quote in quotes)


def test_each_contract_gets_its_own_quote_through_few_lines(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    quotes = collect(gateway(tws.port, **FEW_LINES), options)
    assert [quote.contract for quote in quotes] == options
    assert {quote.status for quote in quotes} == {QuoteStatus.COMPLETE}
    assert tws.stats.peak_lines == 4
    assert tws.stats.requests[1] == len(options)
    assert tws.stats.requests[2] == len(options) - 4, "the last lines end with the connection"
    assert tws.stats.most_in_a_second <= 50


def test_quotes_belong_to_their_contracts(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    """The higher a call's strike, the lower its price and delta: a mix-up would show (L26)."""
    calls = sorted((c for c in options if c.right == "C"), key=lambda contract: contract.strike or 0)
    quotes = collect(gateway(tws.port, **FEW_LINES), calls)
    for lower, higher in pairwise(quotes):
        assert lower.ask is not None
        assert higher.ask is not None
        assert lower.ask > higher.ask
        assert lower.delta is not None
        assert higher.delta is not None
        assert lower.delta > higher.delta
    for quote in quotes:
        assert quote.iv is not None
        assert 0.05 < quote.iv < 1
        assert quote.open_interest is not None
        assert quote.underlying_price == pytest.approx(600, rel=0.02)
        assert quote.data_type is DataType.LIVE


def test_a_second_collection_on_the_same_connection_reuses_the_lines(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    with gateway(tws.port, **FEW_LINES) as gw:
        for _ in range(2):
            quotes = gw.quotes(options[:6], need_greeks=True, deadline_seconds=10)
            assert {quote.status for quote in quotes} == {QuoteStatus.COMPLETE}
    assert tws.stats.peak_lines == 4


def test_a_contract_that_never_ticks_does_not_hold_up_the_others(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.silent = frozenset({str(options[0].con_id)})
    started = time.monotonic()
    quotes = collect(gateway(tws.port, **FEW_LINES, quote_timeout_seconds=3.0), options)
    assert time.monotonic() - started < 5.5
    assert reasons(quotes) == {None: len(options) - 1, MissReason.NO_TICK: 1}
    assert quotes[0].status is QuoteStatus.MISSING


@pytest.mark.parametrize("code", [354, 10089, 10168])
def test_without_a_subscription_every_miss_says_so(
    code: int, tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.no_subscription = {"SPY": code}
    quotes = collect(gateway(tws.port, **PATIENCE), options[:8])
    assert reasons(quotes) == {MissReason.NO_SUBSCRIPTION: 8}
    assert all(str(code) in quote.detail for quote in quotes)


@pytest.mark.parametrize("spoiling", ["nan", "minus_one", "huge"])
def test_spoiled_fields_become_nothing(
    spoiling: str, tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.spoiled = frozenset({str(options[0].con_id)})
    tws.set(spoiling=spoiling)
    spoiled, sound = collect(gateway(tws.port, **PATIENCE), options[:2])
    assert sound.status is QuoteStatus.COMPLETE
    assert spoiled.status is not QuoteStatus.COMPLETE
    assert spoiled.reason is not None
    for name in ("bid", "ask", "last", "iv", "delta", "gamma", "vega", "theta", "open_interest"):
        value = getattr(spoiled, name)
        assert value is None or -1 < value < 1e6


def test_greeks_that_never_come_leave_a_partial_quote(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.no_greeks_share = 1.0
    quotes = collect(gateway(tws.port, **PATIENCE), options[:6])
    assert reasons(quotes) == {MissReason.NO_GREEKS: 6}
    assert all(quote.status is QuoteStatus.PARTIAL and quote.ask and quote.delta is None for quote in quotes)


def test_a_contract_that_does_not_exist_is_named(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    quotes = collect(gateway(tws.port), [options[0], NOT_LISTED, options[1]])
    assert [quote.reason for quote in quotes] == [None, MissReason.NO_CONTRACT, None]


def test_a_lost_connection_keeps_what_was_complete(gateway: Callable[..., Gateway], options: list[Contract]) -> None:
    with (
        simulated_tws(fast=False, start_at=TUESDAY, greeks_seconds=(0.1, 0.3)) as tws,
        gateway(tws.port, **FEW_LINES) as gw,
    ):
        tws.faults.no_greeks_share = 0.0
        threading.Timer(1.5, tws.drop_all).start()
        started = time.monotonic()
        quotes = gw.quotes(options, generic_ticks="101", need_greeks=True, deadline_seconds=20)
        assert time.monotonic() - started < 4
    found = reasons(quotes)
    assert set(found) == {None, MissReason.DISCONNECTED}
    assert found[None] >= 4
    assert [quote.contract for quote in quotes] == options


def test_a_tws_gone_mute_is_found_out_before_every_line_has_waited(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_data, "PING_SECONDS", 0.5)
    with gateway(tws.port, **FEW_LINES, **PATIENCE) as gw:
        tws.set(mute_after_start=True)
        started = time.monotonic()
        quotes = gw.quotes(options, need_greeks=True, deadline_seconds=20)
        assert time.monotonic() - started < 4
    found = reasons(quotes)
    assert found[MissReason.TWS_DOWN] >= len(options) - 4
    assert set(found) <= {MissReason.TWS_DOWN, MissReason.NO_TICK}


def test_the_collections_own_deadline_ends_it(gateway: Callable[..., Gateway], options: list[Contract]) -> None:
    with simulated_tws(fast=False, start_at=TUESDAY) as tws, gateway(tws.port, **FEW_LINES) as gw:
        started = time.monotonic()
        quotes = gw.quotes(options, need_greeks=True, deadline_seconds=1.0)
        assert time.monotonic() - started < 3
    assert reasons(quotes)[MissReason.DEADLINE] >= len(options) - 12


def test_fewer_lines_at_tws_than_ours_are_made_do_with(
    gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    """TWS's own windows take lines too: error 101, then fewer at once and the refused ones again (L14)."""
    with simulated_tws(fast=True, start_at=TUESDAY) as tws:
        tws.server.lines.most = 5
        quotes = collect(gateway(tws.port), options)
        assert tws.stats.errors[101] > 0
        assert tws.stats.peak_lines == 5
    assert reasons(quotes) == {None: len(options)}


def test_lost_data_are_subscribed_again(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    """1101: TWS has IBKR again but forgot what it was streaming."""
    tws.faults.silent = frozenset({"SPY"})

    async def collect_through_a_reset() -> list[Quote]:
        async with gateway(tws.port) as gw:
            collecting = asyncio.ensure_future(gw.quotes_async(options[:5], need_greeks=True, deadline_seconds=10))
            await asyncio.sleep(0.5)
            tws.faults.silent = frozenset()
            gw.connection.receiver.error(-1, 1101, "Connectivity restored - data lost", "")
            return await collecting

    quotes = asyncio.run(collect_through_a_reset())
    assert reasons(quotes) == {None: 5}
    assert tws.stats.requests[1] == 10


def test_frozen_data_count_when_the_market_is_closed(gateway: Callable[..., Gateway], options: list[Contract]) -> None:
    with simulated_tws(fast=True, start_at=EVENING) as tws, gateway(tws.port, **PATIENCE) as gw:
        gw.set_market_data_type(2)
        quotes = gw.quotes(options[:4], generic_ticks="101", need_greeks=True, deadline_seconds=10)
        assert {quote.data_type for quote in quotes} == {DataType.FROZEN}
        assert reasons(quotes) == {None: 4}
        gw.set_market_data_type(1)
        [live] = gw.quotes([SPY], need_greeks=False, deadline_seconds=10)
        assert (live.status, live.reason) == (QuoteStatus.PARTIAL, MissReason.NO_TICK)
        assert live.close is not None


def test_no_contracts_are_no_quotes(tws: SimulatedTWS, gateway: Callable[..., Gateway]) -> None:
    assert collect(gateway(tws.port), []) == []
