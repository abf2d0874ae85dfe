"""The keeper of the market session's one connection: opens it, proves it, says how it is, and begins it anew.

keeper = Keeper(settings.session, opener=lambda: ctx.unsaid_gateway("checks"), market_open=..., status=StatusRow(...),
                live=Live(live.place(paths), log), log=log)
keeper.listeners.append(...)                                # called on the loop with every change of `usable`
keeper.start()                                              # on the running loop
with keeper.borrow("options", log=..., until=...) as gw:    # on a worker thread
    ...
await keeper.close()
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from v6.config.settings import Session
from v6.gateway.borrowed import Borrowed
from v6.gateway.client import Gateway, Purpose
from v6.gateway.connection import Log
from v6.gateway.errors import ConnectFailed, Disconnected, GatewayError
from v6.gateway.verdicts import TABLE
from v6.journal import connections
from v6.model import FatalError
from v6.session.health import FAILURES_ALLOWED, Health
from v6.session.live import Live
from v6.session.looking import Looks
from v6.session.since import Since
from v6.session.status import StatusRow

BACKOFF_SECONDS = (15.0, 30.0, 60.0, 120.0, 300.0)
"""Before each try to connect again; when all have been for nothing a person is told, and the last one stays."""
SETTLED_SECONDS = 600.0
"""A connection has to hold so long before earlier failures are forgotten: one that comes and goes would else begin with
the shortest pause each time, spend the host's budget of connections on its logins, and no person would be told."""
ALERT = "session_disconnected"
LOOK_SECONDS = 0.5  # at the clock, in a pause
SHOW_SECONDS = 1.0  # between two looks at whether the live view has something new


class Failure(NamedTuple):
    """`verdict` in a few words, `told` all that is known of it. `hopeless`: another try alone will not mend it. `title`
    of the alert, if it comes to that."""

    verdict: str
    told: str
    hopeless: bool = False
    title: str = "the market session cannot connect"


NOT_YET = Failure("not connected yet", "")


@dataclass
class Trouble:
    """`tries` that failed since a connection last held; `told`: a person was told. `over`: one has held since."""

    tries: int = 0
    told: bool = False
    last: Failure = NOT_YET
    over: bool = False


class Keeper:
    """Made, started and closed on the session's event loop; `usable` and `borrow` may be used on any thread.

    `opener` gives a gateway to open, its outages observed and within the connection budget, as every job's.
    """

    def __init__(
        self,
        settings: Session,
        *,
        opener: Callable[[], Gateway],
        market_open: Callable[[], bool],
        status: StatusRow,
        live: Live,
        log: Log,
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
        settled_seconds: float = SETTLED_SECONDS,
    ) -> None:
        self.listeners: list[Callable[[bool], None]] = []
        self._settings = settings
        self._opener = opener
        self._market_open = market_open
        self._status = status
        self._live = live
        self._log = log
        self._backoff = tuple(backoff_seconds)
        self._settled_seconds = settled_seconds
        self._trouble = Trouble()
        self._gateway: Gateway | None = None
        self._usable = False
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    # for the session

    def start(self) -> "asyncio.Task[None]":
        """Connect and watch from now on. The task ends only with `close`, or by a defect, whose exception it has."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._keep(), name="keeper")
        self._task.add_done_callback(self._ended)
        return self._task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (defect := task.exception()) is not None:
            self._log.warning(f"the keeper of the connection has failed: {defect!r}")

    @property
    def usable(self) -> bool:
        """Connected, the last proof was good and none has failed since."""
        return self._usable

    @property
    def client_id(self) -> int | None:
        return self._gateway.client_id if self._gateway is not None and self._gateway.connected else None

    def borrow(self, purpose: Purpose, *, log: Log | None = None, until: float | None = None) -> Borrowed:
        """A share of the connection for a `with` block on a worker thread. Raises Disconnected when there is none."""
        gateway, loop = self._gateway, self._loop
        if gateway is None or loop is None:
            raise Disconnected(f"the market session is not connected: {self._trouble.last.verdict}")
        return Borrowed(gateway, purpose=purpose, loop=loop, log=log, until=until)

    async def close(self) -> None:
        """End the watch and the connection, within a second also when TWS is mute; what is pending in worker threads
        ends with Disconnected. Safe to repeat."""
        if self._closing or self._task is None:
            return
        self._closing = True
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({self._task})
        self._status.say(connections.WAITING, "the market session has ended")

    # the connection's life

    async def _keep(self) -> None:
        while True:
            gateway = await self._connected()
            try:
                failure = await self._watch(gateway)
            finally:
                self._set_usable(False)
                self._gateway = None
                await (gateway.close_async() if self._closing else gateway.abort_async())
            self._failed(failure)

    async def _connected(self) -> Gateway:
        """Try until it is; the pauses grow as long as no connection has held."""
        while True:
            if self._trouble.tries:
                await self._pause(self._backoff[min(self._trouble.tries, len(self._backoff)) - 1])
            try:
                gateway = self._opener()
                await gateway.open_async()
            except FatalError:  # a spoilt library, a wrong TWS: no other try in this process can mend that
                raise
            except (GatewayError, OSError) as error:
                self._failed(_failure(error))
            else:
                return gateway

    async def _pause(self, seconds: float) -> None:
        since = Since()
        while (left := seconds - since.seconds()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))

    async def _watch(self, gateway: Gateway) -> Failure:
        """Until the connection must be begun anew: why."""
        self._gateway = gateway
        looks = Looks(gateway, self._settings, self._market_open)
        showing = asyncio.ensure_future(self._show(looks))
        failures, since = 0, Since()
        try:
            while True:
                health = await looks.look()
                if not gateway.connected:
                    return _lost(gateway.connection.wire.lost_words, "the market session keeps losing its connection")
                failures = failures + 1 if health.failed else 0
                if failures >= FAILURES_ALLOWED:
                    words = f"{failures} looks in a row failed: {health.words}"
                    return _lost(words, "the market session connects, and TWS does not serve it")
                if health.proven and (not self._trouble.tries or since.seconds() >= self._settled_seconds):
                    self._held()
                self._say(health, failures, gateway)
                self._set_usable(not failures)
                await looks.pause()
        finally:
            showing.cancel()
            looks.end()

    async def _show(self, looks: Looks) -> None:
        shown = 0.0
        while True:
            if looks.heard_at != shown:
                shown = looks.heard_at
                self._live.stream(looks.quotes())
            self._live.write()
            await asyncio.sleep(SHOW_SECONDS)

    # what is said of it

    def _say(self, health: Health, failures: int, gateway: Gateway) -> None:
        if failures:
            words = f"in doubt, {failures} of {FAILURES_ALLOWED}: {health.words}"
            self._log.warning(words)
            self._status.say(connections.RECONNECTING, words, attempts=self._trouble.tries)
            return
        status = connections.CONNECTED if self._market_open() else connections.CONNECTED_CLOSED
        self._status.say(
            status, health.words, attempts=self._trouble.tries, client_id=gateway.client_id, away=health.away
        )

    def _held(self) -> None:
        if not self._trouble.over:
            self._status.well_again(f"after {self._trouble.tries} failures of this process", ALERT)
            self._trouble = Trouble(over=True)

    def _failed(self, failure: Failure) -> None:
        trouble = self._trouble
        trouble.tries = max(trouble.tries + 1, len(self._backoff) + 1 if failure.hopeless else 0)
        trouble.last, trouble.over = failure, False
        self._log.warning(f"{failure.told} ({trouble.tries} failures in a row)")
        escalated = trouble.tries > len(self._backoff)
        status = connections.DISCONNECTED if escalated else connections.RECONNECTING
        self._status.say(status, failure.verdict, attempts=trouble.tries)
        if escalated and not trouble.told:
            trouble.told = True
            self._status.alert("failure", failure.title, failure.told, ALERT)

    def _set_usable(self, usable: bool) -> None:
        if usable is self._usable:
            return
        self._usable = usable
        for listener in list(self.listeners):
            listener(usable)


def _lost(words: str, title: str) -> Failure:
    return Failure("connection lost", f"the connection was lost: {words}", title=title)


def _failure(error: GatewayError | OSError) -> Failure:
    if isinstance(error, ConnectFailed):
        row = TABLE[error.verdict]
        return Failure(row.words, f"{error}. What to do: {row.cure}", not error.recoverable)
    return Failure(str(error), str(error), isinstance(error, GatewayError) and not error.recoverable)
