"""The proof that data arrive: a subscription counts with its first price, not when it was requested (L24)."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from gateway_support import SPY, TUESDAY

from v6.clock import NEW_YORK
from v6.gateway.client import Gateway
from v6.gateway.first_tick import FirstTick
from v6.gateway.line import Line, Wants
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.both_libraries
integration = pytest.mark.integration
AFTER_THE_RESTART = datetime(2026, 11, 24, 0, 10, tzinfo=NEW_YORK)
FROZEN = 2
FEW_LINES = {"market_data_lines": {"options": 8, "futures": 2, "checks": 2}}


def prove(gateway: Gateway, contracts: list[Contract]) -> list[Quote]:
    return gateway.quotes(contracts, need_greeks=True, deadline_seconds=30, first_tick=True)


def judged(quotes: list[Quote]) -> Counter[tuple[QuoteStatus, DataType | None]]:
    return Counter((quote.status, quote.data_type) for quote in quotes)


@integration
def test_the_first_price_is_enough_and_greeks_are_not_waited_for(
    gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    with simulated_tws(fast=False, start_at=TUESDAY, greeks_seconds=(20.0, 20.0)) as tws, gateway(tws.port) as gw:
        started = time.monotonic()
        quotes = prove(gw, options)
        assert time.monotonic() - started < 2
    assert judged(quotes) == {(QuoteStatus.COMPLETE, DataType.LIVE): len(options)}
    assert [quote.contract for quote in quotes] == options
    assert all(quote.bid or quote.ask or quote.last for quote in quotes)


@integration
def test_many_through_few_lines_cost_little_more_than_their_messages(
    gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    """TWS's latency and limits: n contracts through k lines are 2n - k messages at 48 a second."""
    with simulated_tws(fast=False, start_at=AFTER_THE_RESTART) as tws, gateway(tws.port, **FEW_LINES) as gw:
        gw.set_market_data_type(FROZEN)
        quotes = prove(gw, options)
        assert judged(quotes) == {(QuoteStatus.COMPLETE, DataType.FROZEN): len(options)}
        assert tws.stats.requests[1] + tws.stats.requests[2] == 2 * len(options) - 8
        assert tws.stats.peak_lines == 8
        assert {code: tws.stats.errors[code] for code in (100, 101)} == {100: 0, 101: 0}


@integration
def test_while_the_market_is_closed_live_data_prove_nothing_but_the_close_is_kept(
    gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    with simulated_tws(fast=True, start_at=AFTER_THE_RESTART) as tws, gateway(tws.port) as gw:
        quotes = prove(gw, [SPY, *options[:3]])
    assert judged(quotes) == {(QuoteStatus.PARTIAL, DataType.LIVE): 4}
    assert all(quote.close and quote.reason is MissReason.NO_TICK for quote in quotes)
    assert all(quote.detail.startswith("a close but no bid, ask or last") for quote in quotes)


@integration
def test_one_that_stays_silent_is_found_and_holds_up_nobody(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.silent = frozenset({str(options[0].con_id)})
    with gateway(tws.port, **FEW_LINES, quote_timeout_seconds=1.5) as gw:
        started = time.monotonic()
        quotes = prove(gw, options)
        assert time.monotonic() - started < 4
    assert (quotes[0].status, quotes[0].reason) == (QuoteStatus.MISSING, MissReason.NO_TICK)
    assert judged(quotes[1:]) == {(QuoteStatus.COMPLETE, DataType.LIVE): len(options) - 1}


@integration
def test_without_a_subscription_it_says_so(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract]
) -> None:
    tws.faults.no_subscription = {"SPY": 354}
    with gateway(tws.port) as gw:
        quotes = prove(gw, options[:3])
    assert {quote.reason for quote in quotes} == {MissReason.NO_SUBSCRIPTION}


# one line by itself


@dataclass
class Watched:
    ends: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = FirstTick(SPY, Wants("", False, 9.0, 4.0, first_tick=True), self.ends.append)


def test_a_close_proves_a_frozen_line_and_no_live_one() -> None:
    """TWS knows yesterday's close also when its feed is dead."""
    frozen, live = Watched(), Watched()
    for watched, kind in ((frozen, 2), (live, 1)):
        watched.line.data_type(kind)
        watched.line.price(9, 598.0, 0)
    assert frozen.ends == [frozen.line]
    assert frozen.line.quote().status is QuoteStatus.COMPLETE
    assert live.ends == []
    live.line.price(4, 598.5, 100)
    assert live.ends == [live.line]
    assert live.line.quote().last == 598.5


def test_the_data_type_may_come_after_the_price() -> None:
    watched = Watched()
    watched.line.price(1, 598.0, 5)
    assert watched.ends == []
    assert "no data type" in watched.line.quote().detail
    watched.line.data_type(3)
    assert watched.ends == [watched.line]
    assert watched.line.quote().data_type is DataType.DELAYED


def test_an_empty_quote_proves_nothing() -> None:
    watched = Watched()
    watched.line.data_type(1)
    for tick in (1, 2):
        watched.line.price(tick, -1.0, 0)
    assert watched.ends == []
    quote = watched.line.quote()
    assert (quote.status, quote.reason) == (QuoteStatus.MISSING, MissReason.NO_TICK)
