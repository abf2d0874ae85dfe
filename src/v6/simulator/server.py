"""The simulated TWS: a TCP server that speaks the real wire protocol."""

import asyncio
import random
import socket
import sys
import traceback
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from v6 import clock
from v6.simulator.accounts.books import Books
from v6.simulator.accounts.changes import Changes
from v6.simulator.arrivals import Arrivals
from v6.simulator.client_ids import ClientIds
from v6.simulator.control.port import ControlPort
from v6.simulator.event_log import EventLog, Silence
from v6.simulator.faults.connectivity import Connectivity
from v6.simulator.faults.model import Faults
from v6.simulator.faults.scenario import Scenario
from v6.simulator.faults.troubles import Troubles
from v6.simulator.instruments.chains import Chains
from v6.simulator.instruments.contracts import SyntheticContracts
from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.limits import LineBudget, MessageMeter
from v6.simulator.listener import Listener
from v6.simulator.market.halts import MarketState
from v6.simulator.market.hours import Hours, new_york_date
from v6.simulator.market.prices import Market
from v6.simulator.market.synthetic import SyntheticFeed
from v6.simulator.options import Options
from v6.simulator.pacing import HistoricalPacing
from v6.simulator.rounds import Rounds
from v6.simulator.session import Session
from v6.simulator.sources import sources
from v6.simulator.state import StateError, StateFile
from v6.simulator.stats import Stats
from v6.simulator.time_source import TimeSource
from v6.simulator.trading.engine import Trading
from v6.simulator.wheel import Wheel

WATCH_SECONDS = 0.05
STOP_SECONDS = 2.0
MOST_DEFECTS = 20


class Server:
    """One simulated TWS. `options.faults` may be changed at any time, from any thread; `watch` applies it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stats = Stats()
        self.time = TimeSource(options.start_at, options.speed)
        self.hours = Hours(options.calendar, extended=options.extended_hours)
        self.market = Market(options.seed)
        self.market_state = MarketState(self.epoch)
        self.synthetic = SyntheticFeed(self.market, self.hours, self.market_state)
        synthetic = SyntheticContracts(Chains(self.market, self.hours))
        today = new_york_date(self.epoch())
        self._sources = sources(options.replay, synthetic, self.synthetic, self.market_state, today)
        self.replay_notice = self._sources.notice
        self.contracts, self.feed = self._sources.contracts, self._sources.feed
        self.books = Books(options.accounts, self.contracts, self.feed, self.hours)
        self.changes = Changes(self.books)
        self.lines = LineBudget(options.lines)
        self.pacing = HistoricalPacing(rules=options.historical_pacing, most_open=options.historical_open)
        self.scans = 0
        self.trading = Trading(self)
        self.snapshots = MessageMeter(options.snapshots_a_second)
        self.sessions: set[Session] = set()
        self.scenario = Scenario.load(options.scenario) if options.scenario else Scenario()
        self.faults: Faults = options.faults
        self.connectivity = Connectivity(self)
        self.troubles = Troubles(self)
        self.events: Silence = Silence()
        self.defects: list[str] = []
        self._ids = ClientIds()
        self._random = random.Random(options.seed)  # noqa: S311 - latencies, not secrets
        self._listener = Listener(options.host, options.backlog, self._accepted)
        self._control = ControlPort(self)
        self._serving: set[asyncio.Task[None]] = set()
        self._dropped = self._stopping = False
        self._state = StateFile(options.state, self) if options.state else None
        if self._state is not None:
            self.trading.on_change(self._state.changed)
        self.books.open(today)

    # time

    def epoch(self) -> float:
        return self.time.epoch()

    def now(self) -> datetime:
        return self.time.now()

    def host_epoch(self) -> float:
        """What the host's clock says, which a fault may have set wrong; market data carry the true time."""
        return self.time.epoch() + self.faults.clock_skew

    def host_now(self) -> datetime:
        return datetime.fromtimestamp(self.host_epoch(), clock.NEW_YORK)

    def loop_time(self) -> float:
        return self.loop.time()

    def between(self, bounds: tuple[float, float]) -> float:
        return self._random.uniform(*bounds) if self.options.latency else 0.0

    def recorded(self, listing: Listing) -> bool:
        """Whether its quotes come from the recording, which alone decides what is stale."""
        return self._sources.recorded(listing)

    def symbols(self) -> list[str]:
        """What can be halted, and what somebody could ask for by its symbol."""
        return sorted({*UNDERLYINGS, *FUTURES, *self._sources.symbols})

    # life

    async def start(self) -> int:
        """Listen; gives the port. Raises OSError when it cannot, StateError for a state file it cannot have."""
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._loop_failed)
        self.wheel = Wheel(self.loop, self.unexpected)
        self.rounds = Rounds(self, self.loop)
        if self._state is not None:
            self._state.open()
        try:
            if self.options.event_log is not None:
                self.events = EventLog(self.options.event_log, self.options.event_log_mb, self)
            self.port = self._listener.open(self.options.port)
            if self.options.control_port is not None:
                self.control_port = self._control.open(self.options.control_port)
            if self._state is not None:
                self._state.save()
        except (OSError, StateError):
            self._listener.close()
            await self._control.close()
            self.events.close()
            if self._state is not None:
                self._state.release()
            raise
        self.trading.start()
        self.watch()
        self.wheel.after(WATCH_SECONDS, self._watch_again)
        return self.port

    control_port = 0

    async def stop(self) -> None:
        """Close everything, whatever fails; no task, socket or timer is left. StateError: the books are not saved."""
        self._stopping = True
        async with AsyncExitStack() as closing:  # backwards
            closing.callback(self.loop.set_exception_handler, None)
            closing.callback(self.events.close)
            if self._state is not None:
                closing.callback(self._state.close)
            closing.push_async_callback(self._end_sessions)
            closing.push_async_callback(self._control.close)
            closing.callback(self._listener.close)
            closing.callback(self.rounds.stop)
            closing.callback(self.wheel.stop)

    async def _end_sessions(self) -> None:
        for session in list(self.sessions):
            session.finish()
        if self._serving:
            _, late = await asyncio.wait(self._serving, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=STOP_SECONDS)

    def _accepted(self, connection: socket.socket) -> None:
        task = self.loop.create_task(self._serve(connection))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, connection: socket.socket) -> None:
        self.watch()
        self.stats.connections += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Arrivals(1 << 20, self.loop, connection)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self.loop)
        transport, _ = await self.loop.connect_accepted_socket(lambda: protocol, connection)
        session = Session(self, reader, asyncio.StreamWriter(transport, protocol, reader, self.loop))
        self.events.note("connected", session, peer=str(transport.get_extra_info("peername")))
        try:
            if self._admits(session):
                await session.serve()
        finally:
            await session.gone()

    def _admits(self, session: Session) -> bool:
        """Whether it may speak. TWS takes 32 clients [doc]; what it does with one more is not known: it closes."""
        full = self.options.clients and len(self.sessions) >= self.options.clients
        if self._closed():
            session.reset()
        elif self.faults.close_at_once or full:
            self.events.note("closed at once", session, clients=len(self.sessions), differs="real TWS may say why")
            session.finish()
        else:
            self.sessions.add(session)
            self.stats.clients = len(self.sessions)
            self.stats.peak_clients = max(self.stats.peak_clients, len(self.sessions))
            return True
        return False

    # defects of the simulator itself

    def unexpected(self, error: BaseException, session: Session | None = None) -> None:
        """Count and tell of an exception that nobody expected: a bug of ours, which must hurt no client."""
        told = "".join(traceback.format_exception(error))
        self.stats.internal_errors += 1
        self.defects = [*self.defects, told][-MOST_DEFECTS:]
        self.events.note("internal error", session, traceback=told)
        sys.stderr.write(f"simulator: internal error\n{told}")
        sys.stderr.flush()

    def _loop_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        if not isinstance(error, ConnectionError):
            self.unexpected(error)

    # clients

    def claim(self, session: Session, client_id: int) -> bool:
        """Take a client id unless another connection has it, had it a moment ago, or a fault says so."""
        return client_id not in self.faults.client_ids_in_use and self._ids.take(session, client_id)

    def forget(self, session: Session) -> None:
        self.sessions.discard(session)
        self.trading.forget(session)
        self.stats.clients = len(self.sessions)
        self._ids.leave(session, self.options.occupied_seconds if session.vanished else self.options.freed_seconds)

    def free_ids(self) -> None:
        """A TWS that has ended occupies no client id."""
        self._ids.free()

    def known_ids(self) -> frozenset[int]:
        """The client ids that this TWS has seen since it started; a new one has seen none."""
        return self._ids.forget_known()

    def reopen(self) -> None:
        """A TWS that starts anew has a listening socket of its own: the next look opens it, when the port may be."""
        self._listener.close()

    def tell(self, code: int, text: str) -> None:
        """A message about the connection to every client."""
        for session in list(self.sessions):
            if session.client_id is not None:
                session.error(-1, code, text)

    def count_lines(self) -> None:
        self.stats.lines, self.stats.peak_lines = self.lines.used, self.lines.peak

    def drop_all(self) -> None:
        """Reset every connection, as a restarting gateway does."""
        self.stats.drops += 1
        for session in list(self.sessions):
            session.reset()
        self.free_ids()

    # faults over time

    def watch(self) -> None:
        """Apply what the options and the scenario say for this moment."""
        asked, begun = self.scenario.at(self.now(), self.options.faults)
        self.faults = self.troubles.overlaid(asked)
        for fault, value in begun:
            if fault != "drop":
                self.troubles.begin(fault, value)
        self.troubles.follow(self.options.faults)
        dropping = self.faults.drop or any(fault == "drop" for fault, _ in begun)
        if dropping and not self._dropped:
            self.reopen()
            self.drop_all()
        self._dropped = self.faults.drop
        self.connectivity.follow(self.faults)
        self.market_state.follow(self.faults.halted)
        self._open_or_close()
        self.events.faults(self.faults)

    def _closed(self) -> bool:
        return self.faults.refuse or self.faults.drop or self.faults.awaiting_login or self._stopping

    def _open_or_close(self) -> None:
        if self._closed():
            self._listener.close()
            return
        if not self._listener.is_open:
            try:
                self._listener.open(self.port)
            except OSError as error:
                # somebody else has taken the port: tried again at the next look
                self.events.note(f"cannot listen on {self.port}: {error}")
                return
        if self.faults.stuck_acceptor:
            self._listener.pause()
        else:
            self._listener.resume()

    def _watch_again(self) -> None:
        self.wheel.after(WATCH_SECONDS, self._watch_again)
        self.watch()
