"""One API connection: the library's client on our wire, our receiver behind it, a time limit on everything asked."""

import asyncio
import copy
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol, Self

from v6.gateway.errors import Disconnected, RequestError, RequestTimeout, ServerLost, Unreadable
from v6.gateway.library import Library
from v6.gateway.receiver import Answer, Receiver
from v6.gateway.server_link import LOST, Patience, ServerLink
from v6.gateway.wire import Wire


class Log(Protocol):
    """What we need of a loguru logger."""

    def debug(self, message: str, /) -> None: ...
    def info(self, message: str, /) -> None: ...
    def warning(self, message: str, /) -> None: ...


class Silent:
    """A log for callers without one."""

    def debug(self, message: str, /) -> None: ...
    def info(self, message: str, /) -> None: ...
    def warning(self, message: str, /) -> None: ...


Send = Callable[[int], None]  # sends one message; it is given the request's id
Outage = Callable[[str, str], None]  # told of a sign that TWS or IBKR is away: its kind in a word, what was seen


class Undo(NamedTuple):
    """Takes back a question that was not answered in time; `always`, when TWS would go on answering it."""

    send: Send
    always: bool = False


class Connection:
    """Made and used on one running event loop. `client` is the library's, untyped.

    `until` (monotonic): the latest that a question goes on waiting because TWS has lost IBKR; None: its time limit.
    """

    def __init__(
        self,
        library: Library,
        *,
        messages_per_second: float,
        request_seconds: float,
        log: Log,
        until: float | None = None,
    ) -> None:
        asyncio.set_event_loop(asyncio.get_running_loop())  # ib_insync asks the policy, not the running loop
        self.library = library
        self.log = log
        self.request_seconds = request_seconds
        self.until = until
        self.link = ServerLink()
        self.receiver = Receiver()
        self.receiver.notices.append(self.link.notice)
        self.client: Any = library.client(self.receiver)
        self.client.MaxRequests = 0  # its own throttle sends in bursts; ours is on the wire
        self.wire = Wire(self.client, messages_per_second)
        self.client.conn = self.wire
        self.wire.lost.add_done_callback(lambda lost: self.receiver.lost(lost.result()))
        self.wire.lost.add_done_callback(lambda _: self.link.end())
        self.receiver.notices.append(lambda code, text: log.debug(f"TWS says {code}: {text}"))
        self._undecoded = UndecodedToLog(log)
        logging.getLogger(f"{library.name}.Decoder").addHandler(self._undecoded)
        self.overdue: set[str] = set()  # questions without an id that were not answered in time
        self._exclusive: dict[str, asyncio.Lock] = {}
        self._leaving = False
        self._chores: set[asyncio.Task[None]] = set()

    def share(self, log: Log | None, until: float | None) -> Self:
        """The same connection for another asker, with its own log and `until`."""
        share = copy.copy(self)
        share.log, share.until = log or self.log, until
        return share

    def begin(self, chore: Coroutine[Any, Any, None]) -> None:
        """Work that nobody waits for but the end of the connection."""
        task = asyncio.ensure_future(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def observe(self, outage: Outage) -> None:
        """Tell of everything that goes wrong from now on, once each; our own goodbye is none of it."""

        def lost(_code: int) -> None:
            if self.link.lost:
                outage("server_lost", self.link.words)

        def ended(words: "asyncio.Future[str]") -> None:
            if not self._leaving:
                outage("disconnected", words.result())

        self.link.watchers.append(lost)
        lost(LOST)
        self.wire.lost.add_done_callback(ended)

    @contextmanager
    def readable(self, request: str) -> Iterator[None]:
        """Raises Unreadable when a message came meanwhile that the library could not read: it may have been a row."""
        before = self._undecoded.count
        yield
        if self._undecoded.count != before:
            raise Unreadable(f"{request}: the library could not read a message of the answer, so it may lack something")

    @property
    def alive(self) -> bool:
        return self.wire.isConnected() and not self.wire.lost.done()

    async def ask(
        self, request: str, send: Send, *, name: str | None = None, undo: Undo | None = None, local: bool = False
    ) -> list[Any]:
        """Send a question in its turn and return the rows of the answer.

        `name` is the key of the few answers that carry no id: one such question at a time. `local`: TWS knows the
        answer by itself, also without IBKR. Other questions do not spend their time while TWS has lost IBKR, and one
        with an id is asked again when IBKR is back if the loss took its answer.
        Raises RequestError (TWS refused), RequestTimeout (counted from when it left), ServerLost, Disconnected.
        """
        if name is None:
            return await self._ask(request, send, None, undo, local)
        async with self._exclusive.setdefault(name, asyncio.Lock()):
            return await self._ask(request, send, name, undo, local)

    async def ask_unnumbered(self, request: str, send: Send, *, name: str, undo: Undo | None = None) -> list[Any]:
        """As `ask`, for an answer of several rows without an id: after an overdue one this connection asks no more, for
        what came then could be its rest (L26)."""
        async with self._exclusive.setdefault(name, asyncio.Lock()):
            if name in self.overdue:
                raise Disconnected(f"{request}: an earlier answer is overdue, only a new connection can ask again")
            try:
                with self.readable(request):
                    return await self._ask(request, send, name, undo, False)
            except BaseException as error:
                if not isinstance(error, RequestError | Disconnected | Unreadable):
                    self.overdue.add(name)
                raise

    async def _ask(self, request: str, send: Send, name: str | None, undo: Undo | None, local: bool) -> list[Any]:
        """Ask, and again after a loss that took the answer: only with an id, the rows of two answers without one could
        not be told apart."""
        again = name is None and not local
        until = None if local else self.until
        while True:
            answer = Answer(request)
            number: int = await self.turn(request, partial(self._start, answer, send, name))
            patience = Patience(self.link, self.request_seconds, until)
            until = patience.until
            try:
                await patience.wait(answer.done, ask_again=again)
                rows = self._rows(answer, patience, again=again)
            finally:
                self.receiver.answers.pop(name or number, None)
                if undo is not None and self.alive and (undo.always or not answer.done.done()):
                    undo.send(number)
            if rows is not None:
                return rows
            if not await self.link.restored(until) and self.alive:
                raise ServerLost(request, self.link.away_words())
            self.log.info(f"{request}: asked again, {self.link.away_words()}")

    def _rows(self, answer: Answer, patience: Patience, *, again: bool) -> list[Any] | None:
        """The answer; None when a loss has taken it, and there is time to ask again."""
        if answer.done.done():
            return self._believed(answer.done, doubted=again and patience.touched)
        if patience.left() > 0:
            return None
        if patience.touched:
            raise ServerLost(answer.request, self.link.away_words())
        raise RequestTimeout(answer.request, self.request_seconds)

    @staticmethod
    def _believed(answer: "asyncio.Future[list[Any]]", *, doubted: bool) -> list[Any] | None:
        """What TWS answered; while it had lost IBKR a refusal or an empty answer is not one."""
        try:
            rows = answer.result()
        except RequestError:
            if doubted:
                return None
            raise
        return rows if rows or not doubted else None

    async def turn(self, request: str, act: Callable[[], Any]) -> Any:
        """`act` at its paced turn, or Disconnected."""
        try:
            return await self.wire.pacer.turn(act)
        except ConnectionError as error:
            raise Disconnected(f"{request}: {error}") from error

    def _start(self, answer: Answer, send: Send, name: str | None) -> int:
        number: int = self.client.getReqId()
        self.receiver.answers[name or number] = answer
        send(number)
        return number

    async def close(self, grace: float = 1.0) -> None:
        """Say goodbye; nothing of this connection is left afterwards."""
        self._leaving = True
        try:
            await self.wire.close(grace)
            await self.finished()
        finally:
            self._forget()

    async def finished(self) -> None:
        """Returns when the socket is closed and all that was begun on it has ended."""
        await self.wire.gone()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def abort(self) -> None:
        """End with RST."""
        self._leaving = True
        self.wire.disconnect()
        self._forget()

    def _forget(self) -> None:
        logging.getLogger(f"{self.library.name}.Decoder").removeHandler(self._undecoded)


class UndecodedToLog(logging.Handler):
    """A message that the library's decoder cannot read is a fact to report, not to swallow (L34)."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, KeyError):  # that is a kind of message unknown to the library, so nobody's answer
            self.count += 1
        self._log.warning(f"the library could not read a message: {record.getMessage()[:300]}: {error!r}")
