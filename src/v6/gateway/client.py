"""The gateway as jobs see it: blocking calls with a time limit, errors raised, everything given back at the end.

    with connect(settings.ibkr, purpose="options", leases=paths.leases, log=log, task="collect_option_snapshots") as gw:
        quotes = gw.quotes(contracts, generic_ticks="101", need_greeks=True, deadline_seconds=60)

Every method has an `_async` twin for callers that run their own event loop (`async with`).
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from v6 import clock
from v6.config.settings import Ibkr
from v6.gateway import client_ids, library, market_data
from v6.gateway.client_data import DataQuestions
from v6.gateway.client_facts import ConnectionFacts
from v6.gateway.client_orders import OrderQuestions
from v6.gateway.connect import Target, establish
from v6.gateway.connection import Connection, Log, Outage, Silent
from v6.gateway.connection_budget import NEVER_REACHED, ConnectionBudget, Near
from v6.gateway.errors import OUTAGES, ConnectCause, ConnectFailed, Disconnected, NotASimulator
from v6.gateway.lines import LineBudget

Purpose = Literal["options", "futures", "checks"]
T = TypeVar("T")
SIMULATED_ACCOUNT = re.compile(r"DU9\d{6}")  # what v6.simulator serves; no real account looks so
CLIENT_IDS_TRIED = 5
IN_USE_PAUSE = 1.0  # seconds between tries of a fixed client id
CLOSING_GRACE = 0.5  # seconds for TWS to close after us


def connect(
    settings: Ibkr,
    *,
    purpose: Purpose,
    leases: Path,
    log: Log | None = None,
    task: str = "",
    client_id: int | None = None,
    on_outage: Outage | None = None,
    on_budget: Near | None = None,
    until: float | None = None,
) -> "Gateway":
    """A gateway to open with `with` (or `async with`); `purpose` chooses its pool of market data lines.

    `client_id`: this one, and no other, instead of one of the pool; while TWS says that it is in use (326) it is tried
    again until the connect timeout. `on_outage` is told of every sign that TWS or IBKR is away: refused, closed, mute,
    no_account, unreachable, server_lost (1100, 2110), disconnected. `on_budget` is told of a limit of connections an
    hour or a day that is nearly reached. `until` (monotonic): questions wait so long while
    TWS has lost IBKR; without it no longer than their time limit.
    Opening raises ConnectFailed, NoClientId, ConnectionBudgetSpent (never on a fixed id) or LibraryUnusable.
    """
    return Gateway(
        settings,
        purpose=purpose,
        leases=leases,
        log=log or Silent(),
        task=task,
        client_id=client_id,
        on_outage=on_outage,
        on_budget=on_budget,
        until=until,
    )


class Gateway(ConnectionFacts, DataQuestions, OrderQuestions):
    """One connection to TWS, one leased client id, one share of the market data lines."""

    def __init__(
        self,
        settings: Ibkr,
        *,
        purpose: Purpose,
        leases: Path,
        log: Log,
        task: str,
        client_id: int | None = None,
        on_outage: Outage | None = None,
        on_budget: Near | None = None,
        until: float | None = None,
    ) -> None:
        self.settings = settings
        self.fixed_client_id = client_id
        self.purpose: Purpose = purpose
        self.leases = leases
        self.log = log
        self.task = task
        self.on_outage: Outage = _unobserved if on_outage is None else on_outage
        self.until = until
        self.insists = True  # on a fixed client id: tried again while TWS says that it is in use
        self.attempt = 1  # of the run: later ones have less of the budget
        self._budget = ConnectionBudget(settings, leases, task, log, on_budget)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Connection | None = None
        self._lease: client_ids.Lease | None = None
        self._lines: market_data.Lines | None = None

    # opening and closing

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        try:
            self._run(self.open_async())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self.open_async()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close_async()

    async def open_async(self) -> None:
        """Connect under a leased client id, or the fixed one. When it raises, nothing of it is left."""
        used = library.load(self.settings.library)
        deadline = clock.monotonic() + self.settings.connect_timeout_seconds
        if self.fixed_client_id is None:
            await self._open_from_pool(used, deadline)
        else:
            await self._open_fixed(used, self.fixed_client_id, deadline)

    async def _open_from_pool(self, used: library.Library, deadline: float) -> None:
        """An id that TWS says is in use is quarantined and the next one tried."""
        settings = self.settings
        for attempt in range(1, CLIENT_IDS_TRIED + 1):
            left = max(deadline - clock.monotonic(), 0.1)
            lease = client_ids.take(self.leases, settings.first_client_id, settings.last_client_id, self.task)
            try:
                await self._establish(used, lease, left)
            except ConnectFailed as error:
                if error.cause is not ConnectCause.CLIENT_ID_IN_USE:
                    raise
                lease.quarantine()
                self.log.warning(f"{error}")
                if attempt == CLIENT_IDS_TRIED or clock.monotonic() >= deadline:
                    raise
            else:
                return
            finally:
                if self._lease is not lease:
                    lease.release()

    async def _open_fixed(self, used: library.Library, client_id: int, deadline: float) -> None:
        """This id and no other: after a restart or a crash TWS takes a while to notice that its last owner has gone."""
        with ExitStack() as undo:
            lease = undo.enter_context(client_ids.take_one(self.leases, client_id, self.task))
            tries = 1
            while not await self._is_free(used, lease, deadline, tries):
                tries += 1
                await asyncio.sleep(IN_USE_PAUSE)
            undo.pop_all()

    async def _is_free(self, used: library.Library, lease: client_ids.Lease, deadline: float, tries: int) -> bool:
        """Connected; False when TWS says that the id is in use and there is time to try again."""
        try:
            await self._establish(used, lease, max(deadline - clock.monotonic(), 0.1))
        except ConnectFailed as error:
            if error.cause is not ConnectCause.CLIENT_ID_IN_USE or not self.insists:
                raise
            if clock.monotonic() + 2 * IN_USE_PAUSE > deadline:
                words = (
                    f"{error.evidence}; tried {tries} times; no process of V6 has it: another program does, or TWS has "
                    "not noticed yet that it is gone"
                )
                raise ConnectFailed(error.cause, words, error.seconds) from error
            self.log.info(f"client id {lease.client_id} is still in use at TWS, trying again")
            return False
        return True

    async def _establish(self, used: library.Library, lease: client_ids.Lease, seconds: float) -> None:
        settings = self.settings
        counted = self._budget.count(refuse=self.fixed_client_id is None, attempt=self.attempt)
        connection = Connection(
            used,
            messages_per_second=settings.messages_per_second,
            request_seconds=settings.request_timeout_seconds,
            log=self.log,
            until=self.until,
        )
        try:
            await establish(connection, Target(settings.host, settings.port, seconds), lease.client_id)
        except ConnectFailed as error:
            if error.cause in NEVER_REACHED:
                self._budget.take_back(counted)
            if kind := OUTAGES.get(error.cause):
                self.on_outage(kind, error.evidence)
            raise
        try:
            await self._require_simulator(connection)
            size: int = getattr(settings.market_data_lines, self.purpose)
            lines = market_data.Lines(connection, LineBudget(self.leases, self.purpose, size))
        except BaseException:
            connection.abort()
            await connection.finished()
            raise
        connection.observe(self.on_outage)
        self._connection, self._lease, self._lines = connection, lease, lines
        self.log.info(
            f"connected to {settings.place} as client {lease.client_id}, server version "
            f"{self.server_version}, {used.name} {used.version}"
        )

    async def _require_simulator(self, connection: Connection) -> None:
        """Where the settings are a rehearsal's."""
        accounts = connection.receiver.accounts or ()
        if self.settings.simulator and not all(map(SIMULATED_ACCOUNT.fullmatch, accounts)):
            await connection.close(CLOSING_GRACE)
            raise NotASimulator(f"ibkr.simulator is true, but {self.settings.place} has real accounts")

    async def close_async(self) -> None:
        """Disconnect, and only then give lines and client id back to other processes. Safe to repeat."""
        if self.settings.force_disconnect:
            return await self.abort_async()
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                await connection.close(CLOSING_GRACE)
        finally:
            self._give_back()

    async def abort_async(self) -> None:
        """Disconnect by a reset, now: for a TWS that does not answer any more. Safe to repeat."""
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.abort()
                await connection.finished()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def close(self) -> None:
        """Ends the connection and our event loop; nothing is left. Safe to repeat, also after an interrupt."""
        self._end(self.close_async)

    def abort(self) -> None:
        """The same by a reset, without a goodbye."""
        self._end(self.abort_async)

    def _end(self, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        try:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(end())
            loop.run_until_complete(_gather(asyncio.all_tasks(loop)))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    # what is ours of the connection

    @property
    def client_id(self) -> int:
        if self._lease is None:
            raise Disconnected("the gateway is not open")
        return self._lease.client_id

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise Disconnected("the gateway is not open")
        return self._loop.run_until_complete(work)


def _unobserved(_kind: str, _evidence: str) -> None:
    """Who is told of outages when nobody asked to be."""


async def _gather(tasks: "set[asyncio.Task[Any]]") -> None:
    others = tasks - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
