"""Shares of the session's one connection: used at once from threads, nothing of them left at the end (L14)."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))

from gateway_support import CHAIN, NOT_LISTED, SPY, ibkr, options_of, wait_until

from v6.gateway.borrowed import Borrowed
from v6.gateway.client import Gateway, Purpose, connect
from v6.gateway.errors import Disconnected, RequestError
from v6.gateway.lines import LineBudget
from v6.model import Contract, MissReason, Quote, QuoteStatus
from v6.session.memory import resident_mb
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

LINES = {"options": 6, "futures": 4, "checks": 2}
MOST_MB = 30.0  # the simulator's books of it, in this very process, are most of that
STOCKS = [Contract("STK", symbol, "SMART") for symbol in ("AAPL", "MSFT", "NVDA", "IWM")]
Share = Callable[..., Borrowed]


class Owner:
    """A gateway on an event loop of its own thread, as a session has it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._turn, daemon=True)
        self._thread.start()

    def _turn(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def does(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def share(self, purpose: Purpose = "options", **options: Any) -> Borrowed:
        return Borrowed(self.gateway, purpose=purpose, loop=self.loop, **options)

    def end(self) -> None:
        if self.loop.is_closed():
            return
        self.does(self.gateway.close_async())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@contextmanager
def owned(port: int, home: Path, **settings: Any) -> Iterator[Owner]:
    quick = {"simulator": True, "messages_per_second": 400.0, "market_data_lines": LINES} | settings
    gateway = connect(ibkr(port, **quick), purpose="checks", leases=home / "leases", task="a session")
    owner = Owner(gateway)
    try:
        owner.does(gateway.open_async())
        yield owner
    finally:
        owner.end()


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, lines=12) as running:
        yield running


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[Contract]:
    with simulated_tws(fast=True) as running:
        return options_of(running.port, tmp_path_factory.mktemp("leases"), 24)


def quotes_of(share: Borrowed, contracts: list[Contract], seconds: float = 20.0) -> list[Quote]:
    return share.quotes(contracts, generic_ticks="101", need_greeks=True, deadline_seconds=seconds)


def free_lines(home: Path, purpose: Purpose) -> int:
    budget = LineBudget(home / "leases", purpose, LINES[purpose])
    try:
        return len(list(iter(budget.acquire, None)))
    finally:
        budget.close()


def nothing_left(tws: SimulatedTWS, home: Path) -> bool:
    """No line at TWS, none of the host's budget in use."""
    return tws.stats.lines == 0 and all(free_lines(home, purpose) == LINES[purpose] for purpose in LINES)


def held(gateway: Gateway) -> dict[str, int]:
    """How many of everything a connection keeps, and this process for it."""
    connection = gateway.connection
    receiver, wire = connection.receiver, connection.wire
    return {
        "answers": len(receiver.answers),
        "streams": len(receiver.streams),
        "generics": len(receiver.generics),
        "orders": len(receiver.orders),
        "notices": len(receiver.notices),
        "watchers": len(connection.link.watchers),
        "callbacks": len(wire.lost._callbacks or ()),
        "chores": len(connection._chores),
        "queued": len(wire.pacer._queue),
        "locks": len(connection._exclusive),
        "head": len(wire._head),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks(gateway.connection.wire.lost.get_loop())),
    }


# asking


def test_a_share_asks_and_collects_as_a_gateway_does(tws: SimulatedTWS, home: Path, options: list[Contract]) -> None:
    with owned(tws.port, home) as owner, owner.share() as share:
        assert share.current_time().tzinfo is not None
        assert share.contract_details(SPY)[0].contract.symbol == "SPY"
        with pytest.raises(RequestError, match="200"):
            share.contract_details(NOT_LISTED)
        share.set_market_data_type(1)
        assert {quote.status for quote in quotes_of(share, options)} == {QuoteStatus.COMPLETE}
        assert share.connected
        assert share.accounts == owner.gateway.accounts
        assert share.client_id == owner.gateway.client_id
        assert share.next_order_id(5000) >= 5000
    assert tws.stats.connections == 1


def test_two_shares_collect_at_once_within_one_rate(home: Path, options: list[Contract]) -> None:
    """Their requests alternate on the wire; together they keep the rate of the connection, each its own lines."""
    with simulated_tws(fast=False, lines=12, messages_a_second=50, greeks_seconds=(0.1, 0.2)) as tws:
        tws.set(no_greeks_share=0.0)
        with (
            owned(tws.port, home, messages_per_second=45.0) as owner,
            owner.share("options") as first,
            owner.share("futures") as second,
            ThreadPoolExecutor(2) as threads,
        ):
            begun = threads.submit(quotes_of, first, options), threads.submit(quotes_of, second, STOCKS * 4)
            answers = [quote for collecting in begun for quote in collecting.result(60)]
        assert {quote.reason for quote in answers} == {None}
        assert tws.stats.peak_lines == LINES["options"] + LINES["futures"]
        assert tws.stats.most_in_a_second <= 50
        assert tws.stats.errors[100] == 0


def test_a_share_with_time_left_waits_longer_for_ibkr_than_the_owner(tws: SimulatedTWS, home: Path) -> None:
    with owned(tws.port, home, request_timeout_seconds=0.3) as owner:
        tws.set(link_broken=True)
        assert wait_until(lambda: owner.gateway.server_lost)
        with owner.share(until=time.monotonic() + 20) as share, ThreadPoolExecutor(1) as thread:
            asking = thread.submit(share.contract_details, SPY)
            time.sleep(0.8)
            tws.set(link_broken=False)
            assert asking.result(20)[0].contract.symbol == "SPY"


# giving back


def test_every_line_is_given_back_after_the_block_and_the_connection_stays(
    tws: SimulatedTWS, home: Path, options: list[Contract]
) -> None:
    """L14"""
    with owned(tws.port, home) as owner:
        with owner.share() as share:
            quotes_of(share, options)
        assert wait_until(lambda: nothing_left(tws, home))
        with owner.share() as share:
            assert share.current_time()
        assert tws.stats.connections == 1


def test_the_lines_of_a_collection_cut_short_are_given_back(
    tws: SimulatedTWS, home: Path, options: list[Contract]
) -> None:
    """L14: by its deadline, with silent lines open."""
    tws.set(silent=frozenset({"*"}))
    with owned(tws.port, home, quote_timeout_seconds=30.0) as owner:
        with owner.share() as share:
            quotes = quotes_of(share, options, 0.5)
            assert tws.stats.lines == LINES["options"]
        assert {quote.reason for quote in quotes} == {MissReason.DEADLINE}
        assert wait_until(lambda: nothing_left(tws, home))


def test_the_lines_of_an_abandoned_collection_are_given_back(
    tws: SimulatedTWS, home: Path, options: list[Contract]
) -> None:
    """L14: cancelled on its event loop, with lines open that nobody has given up."""
    tws.set(silent=frozenset({"*"}))

    async def abandoned(share: Borrowed) -> None:
        collecting = asyncio.ensure_future(share.quotes_async(options, need_greeks=True, deadline_seconds=30))
        while tws.stats.lines < LINES["options"]:
            await asyncio.sleep(0.01)
        collecting.cancel()
        await asyncio.wait({collecting})

    with owned(tws.port, home, quote_timeout_seconds=30.0) as owner:
        with owner.share() as share:
            owner.does(abandoned(share))
        assert wait_until(lambda: nothing_left(tws, home))


def cycles(owner: Owner, tws: SimulatedTWS, home: Path, options: list[Contract], count: int) -> None:
    """As a day has them: complete, with refusals, cut by the deadline, and without a line of the host's left."""
    other = LineBudget(home / "leases", "futures", LINES["futures"])
    refused: dict[str, int] = {}
    for number in range(count):
        kind = number % 4
        tws.set(no_subscription={"SPY": 354} if kind == 1 else refused, silent=frozenset({"*"} if kind == 2 else ()))
        if kind == 3:
            while other.acquire() is not None:
                pass
        with owner.share("options") as first, owner.share("futures") as second, ThreadPoolExecutor(2) as threads:
            seconds = 0.15 if kind >= 2 else 20.0
            asked = threads.submit(quotes_of, first, options, seconds), threads.submit(quotes_of, second, STOCKS, 0.15)
            quotes, _ = (asking.result(30) for asking in asked)
        assert len(quotes) == len(options)
        for line in range(LINES["futures"]):
            other.release(line)
        if kind == 0:
            assert {quote.status for quote in quotes} == {QuoteStatus.COMPLETE}, f"cycle {number}"
    tws.set(silent=frozenset(), no_subscription={})
    other.close()


@pytest.mark.parametrize("count", [8, pytest.param(80, marks=pytest.mark.soak)])
def test_a_day_of_cycles_leaves_no_line_and_nothing_that_grows(count: int, home: Path, options: list[Contract]) -> None:
    """L14: by TWS's own count, by the host's budget, and by what the connection keeps."""
    with simulated_tws(fast=True, lines=8) as tws, owned(tws.port, home) as owner:
        cycles(owner, tws, home, options[:12], 4)
        assert wait_until(lambda: nothing_left(tws, home), 10)
        assert wait_until(lambda: held(owner.gateway)["chores"] == 0)
        before, memory = held(owner.gateway), resident_mb()
        cycles(owner, tws, home, options[:12], count)
        assert wait_until(lambda: nothing_left(tws, home), 10)
        assert wait_until(lambda: held(owner.gateway) == before), (before, held(owner.gateway))
        assert resident_mb() - memory < MOST_MB
        assert tws.stats.connections == 1
        assert tws.stats.errors[354] >= count / 4, "there were refusals"
        assert tws.stats.errors[101] > 0, "TWS had too few lines"


# the owner's end


def test_a_lost_connection_ends_what_a_worker_waits_for(tws: SimulatedTWS, home: Path, options: list[Contract]) -> None:
    tws.set(silent=frozenset({"*"}))
    with (
        owned(tws.port, home, quote_timeout_seconds=60.0, request_timeout_seconds=60.0) as owner,
        ThreadPoolExecutor(2) as threads,
        owner.share() as share,
    ):
        collecting = threads.submit(quotes_of, share, options, 60.0)
        assert wait_until(lambda: tws.stats.lines > 0)
        tws.set(mute_after_start=True)
        asking = threads.submit(share.contract_details, CHAIN)
        assert wait_until(lambda: tws.stats.requests[9] == 1)
        started = time.monotonic()
        tws.drop_all()
        assert {quote.reason for quote in collecting.result(20)} == {MissReason.DISCONNECTED}
        with pytest.raises(Disconnected):
            asking.result(20)
        assert time.monotonic() - started < 10
        with pytest.raises(Disconnected):
            share.current_time()
    assert wait_until(lambda: nothing_left(tws, home))


def test_the_owners_end_ends_what_a_worker_waits_for(tws: SimulatedTWS, home: Path) -> None:
    tws.set(mute_after_start=True)
    with owned(tws.port, home, request_timeout_seconds=60.0) as owner:
        with owner.share() as share, ThreadPoolExecutor(1) as thread:
            asking = thread.submit(share.contract_details, SPY)
            assert wait_until(lambda: tws.stats.requests[9] == 1)
            owner.end()
            with pytest.raises(Disconnected):
                asking.result(20)
            with pytest.raises(Disconnected, match="has ended"):
                share.current_time()
        with pytest.raises(Disconnected, match="not open"), owner.share():
            pass


def test_a_loop_that_ends_without_a_word_frees_the_worker(tws: SimulatedTWS, home: Path) -> None:
    """As when the session's main thread dies of an error: nothing will ever set the result."""
    tws.set(mute_after_start=True)
    with (
        owned(tws.port, home, request_timeout_seconds=60.0) as owner,
        owner.share() as share,
        ThreadPoolExecutor(1) as thread,
    ):
        asking = thread.submit(share.contract_details, SPY)
        assert wait_until(lambda: tws.stats.requests[9] == 1)
        for task in asyncio.all_tasks(owner.loop):
            owner.loop.call_soon_threadsafe(task.cancel)
        with pytest.raises(Disconnected):
            asking.result(20)


def test_outside_its_block_a_share_answers_nothing(tws: SimulatedTWS, home: Path) -> None:
    with owned(tws.port, home) as owner:
        share = owner.share()
        with pytest.raises(Disconnected):
            share.current_time()
        with share:
            assert share.current_time()
        with pytest.raises(Disconnected):
            share.current_time()
