"""The simulated TWS: a TCP server that speaks the real wire protocol."""

import asyncio
import json
import os
import random
import socket
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.simulator.books import Books
from v6.simulator.chains import Chains
from v6.simulator.contracts import Contracts, SyntheticContracts
from v6.simulator.faults import Faults
from v6.simulator.hours import Hours
from v6.simulator.limits import LineBudget
from v6.simulator.listings import Listing
from v6.simulator.market import Market
from v6.simulator.options import Options
from v6.simulator.quotes import Feed
from v6.simulator.scenario import Scenario
from v6.simulator.session import Session
from v6.simulator.stats import Stats
from v6.simulator.synthetic import SyntheticFeed
from v6.simulator.time_source import TimeSource
from v6.simulator.wheel import Wheel

WATCH_SECONDS = 0.05
STOP_SECONDS = 2.0
FIRST_ORDER_ID = 1
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Server:
    """One simulated TWS. `options.faults` may be changed at any time, from any thread; `watch` applies it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stats = Stats()
        self.time = TimeSource(options.start_at)
        self.hours = Hours(options.calendar)
        self.market = Market(options.seed)
        self.synthetic = SyntheticFeed(self.market, self.hours)
        chains = Chains(self.market, self.hours)
        self.contracts: Contracts = SyntheticContracts(chains)
        self.feed: Feed = self.synthetic
        self._replayed: frozenset[str] = frozenset()
        if options.replay:
            from v6.simulator.replay import RecordedContracts, RecordedFeed, Recording

            recording = Recording(options.replay)
            self.contracts = RecordedContracts(recording, self.contracts)
            self.feed = RecordedFeed(recording, self.synthetic)
            self._replayed = recording.symbols
        self.books = Books(options.accounts, self.contracts, self.feed, self.hours)
        self.lines = LineBudget(options.lines)
        self.next_order_id = FIRST_ORDER_ID
        self.sessions: set[Session] = set()
        self._scenario = Scenario.load(options.scenario) if options.scenario else Scenario()
        self.faults: Faults = options.faults
        self._ids: dict[int, Session] = {}
        self._released: dict[int, float] = {}
        self._random = random.Random(options.seed)  # noqa: S311 - latencies, not secrets
        self._listener: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._dropped = False

    # time

    def epoch(self) -> float:
        return self.time.epoch()

    def now(self) -> datetime:
        return self.time.now()

    def loop_time(self) -> float:
        return self.loop.time()

    def between(self, bounds: tuple[float, float]) -> float:
        return self._random.uniform(*bounds) if self.options.latency else 0.0

    def recorded(self, listing: Listing) -> bool:
        """Whether its quotes come from the recording, which alone decides what is stale."""
        return listing.symbol in self._replayed and listing.sec_type in ("OPT", "STK")

    # life

    async def start(self) -> int:
        """Listen; gives the port. Raises OSError when it cannot."""
        self.loop = asyncio.get_running_loop()
        self.wheel = Wheel(self.loop)
        self.port = self.options.port
        await self._listen()
        self.watch()
        self.wheel.after(WATCH_SECONDS, self._watch_again)
        self.wheel.after(self.options.refresh_seconds, self._refresh_accounts)
        return self.port

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(
            self._accept, self.options.host, self.port, reuse_address=True, limit=1 << 20, backlog=64
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.wheel.stop()
        if self._listener is not None:
            self._listener.close()
        for session in list(self.sessions):
            session.finish()
        if self._serving:
            await asyncio.wait(self._serving, timeout=STOP_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.watch()
        self.stats.connections += 1
        writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(self, reader, writer)
        if self.faults.refuse or self.faults.drop:
            session.reset()
            return
        full = self.options.clients and len(self.sessions) >= self.options.clients
        if self.faults.close_at_once or full:
            session.finish()
            return
        self.sessions.add(session)
        self.stats.clients = len(self.sessions)
        self.stats.peak_clients = max(self.stats.peak_clients, len(self.sessions))
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await session.serve()
        finally:
            self._serving.discard(task)

    # clients

    def claim(self, session: Session, client_id: int) -> bool:
        """Take a client id unless another connection has it, had it a moment ago, or a fault says so."""
        if client_id in self._ids or client_id in self.faults.client_ids_in_use:
            return False
        released = self._released.get(client_id)
        if released is not None and clock.monotonic() - released < self.options.occupied_seconds:
            return False
        self._ids[client_id] = session
        return True

    def forget(self, session: Session) -> None:
        self.sessions.discard(session)
        self.stats.clients = len(self.sessions)
        if session.client_id is not None and self._ids.get(session.client_id) is session:
            del self._ids[session.client_id]
            self._released[session.client_id] = clock.monotonic()

    def count_lines(self) -> None:
        self.stats.lines, self.stats.peak_lines = self.lines.used, self.lines.peak

    def drop_all(self) -> None:
        """Reset every connection, as a restarting gateway does."""
        self.stats.drops += 1
        for session in list(self.sessions):
            session.reset()

    # faults over time

    def watch(self) -> None:
        """Apply what the options and the scenario say for this moment."""
        self.faults, dropping = self._scenario.at(self.now(), self.options.faults)
        if (dropping or self.faults.drop) and not self._dropped:
            self.drop_all()
        self._dropped = self.faults.drop
        closed = self.faults.refuse or self.faults.drop
        if closed and self._listener is not None:
            self._listener.close()
            self._listener = None
        elif not closed and self._listener is None and not self._reopening:
            self._reopen()

    _reopening = False

    def _reopen(self) -> None:
        self._reopening = True
        task = self.loop.create_task(self._listen())
        task.add_done_callback(self._reopened)

    async def settled(self) -> None:
        """Return when the port is as the faults want it."""
        while self._reopening:
            await asyncio.sleep(0.005)

    def _reopened(self, task: asyncio.Task[None]) -> None:
        self._reopening = False
        if not task.cancelled():
            task.exception()

    def _watch_again(self) -> None:
        self.watch()
        self.wheel.after(WATCH_SECONDS, self._watch_again)

    def _refresh_accounts(self) -> None:
        from v6.simulator.requests.accounts import send_account

        for session in list(self.sessions):
            for account in session.account_updates:
                send_account(session, account)
        self.wheel.after(self.options.refresh_seconds, self._refresh_accounts)

    def write_stats(self, path: Path) -> None:
        """The statistics as JSON, replaced atomically."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(self.stats.as_dict(), indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
