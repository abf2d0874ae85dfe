"""One API connection: the library's client on our wire, our receiver behind it, a time limit on everything asked."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from v6.gateway.errors import Disconnected, RequestTimeout
from v6.gateway.library import Library
from v6.gateway.receiver import Answer, Receiver
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


class Undo(NamedTuple):
    """Takes back a question that was not answered in time; `always`, when TWS would go on answering it."""

    send: Send
    always: bool = False


class Connection:
    """Made and used on one running event loop. `client` is the library's, untyped."""

    def __init__(self, library: Library, *, messages_per_second: float, request_seconds: float, log: Log) -> None:
        asyncio.set_event_loop(asyncio.get_running_loop())  # ib_insync asks the policy, not the running loop
        self.library = library
        self.log = log
        self.request_seconds = request_seconds
        self.receiver = Receiver()
        self.client: Any = library.client(self.receiver)
        self.client.MaxRequests = 0  # its own throttle sends in bursts; ours is on the wire
        self.wire = Wire(self.client, messages_per_second)
        self.client.conn = self.wire
        self.wire.lost.add_done_callback(lambda lost: self.receiver.lost(lost.result()))
        self.receiver.notices.append(lambda code, text: log.debug(f"TWS says {code}: {text}"))
        self._undecoded = UndecodedToLog(log)
        logging.getLogger(f"{library.name}.Decoder").addHandler(self._undecoded)
        self.overdue: set[str] = set()  # questions without an id that were not answered in time
        self._exclusive: dict[str, asyncio.Lock] = {}

    @property
    def alive(self) -> bool:
        return self.wire.isConnected() and not self.wire.lost.done()

    async def ask(self, request: str, send: Send, *, name: str | None = None, undo: Undo | None = None) -> list[Any]:
        """Send a question in its turn and return the rows of the answer.

        `name` is the key of the few answers that carry no id: one such question at a time.
        Raises RequestError (TWS refused), RequestTimeout (counted from when it left), Disconnected.
        """
        if name is None:
            return await self._ask(request, send, None, undo)
        async with self._exclusive.setdefault(name, asyncio.Lock()):
            return await self._ask(request, send, name, undo)

    async def _ask(self, request: str, send: Send, name: str | None, undo: Undo | None) -> list[Any]:
        answer = Answer(request)
        number: int = await self.turn(request, lambda: self._start(answer, send, name))
        answered = False
        try:
            await asyncio.wait({answer.done}, timeout=self.request_seconds)
            answered = answer.done.done()
            if not answered:
                raise RequestTimeout(request, self.request_seconds)
            return answer.done.result()
        finally:
            self.receiver.answers.pop(name or number, None)
            if undo is not None and self.alive and (undo.always or not answered):
                undo.send(number)

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
        try:
            await self.wire.close(grace)
        finally:
            self._forget()

    def abort(self) -> None:
        """End with RST."""
        self.wire.disconnect()
        self._forget()

    def _forget(self) -> None:
        logging.getLogger(f"{self.library.name}.Decoder").removeHandler(self._undecoded)


class UndecodedToLog(logging.Handler):
    """A message that the library's decoder cannot read is a fact to report, not to swallow (L34)."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._log.warning(f"the library could not read a message: {record.getMessage()[:300]}: {error!r}")
