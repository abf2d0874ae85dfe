"""Many requests for historical bars, a few in flight at once, within TWS's pacing (historical_pacing.py)."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeAlias

from v6 import clock
from v6.gateway.connection import Connection
from v6.gateway.error_codes import lookup
from v6.gateway.errors import Disconnected, GatewayError, RequestError, RequestTimeout
from v6.gateway.historical import historical_bars
from v6.gateway.historical_memory import Memory
from v6.gateway.historical_pacing import Ask, BackOff, Window, is_small
from v6.gateway.historical_repeats import Repeats
from v6.model import Bar, Contract, MissReason

PACING_TRIES = 5
LONGEST_LOOK = 0.5  # seconds between looks at the time limit while nothing may leave
TOO_MANY_OPEN = "simultaneous"  # "Only 50 simultaneous API historical data requests allowed", code 322


@dataclass(frozen=True, slots=True)
class BarRequest:
    """As `historical_bars` takes them. `end` None: now."""

    contract: Contract
    duration: str
    bar_size: str
    what: str
    use_rth: bool
    end: datetime | None = None

    @property
    def ask(self) -> Ask:
        alike = f"{self.contract.con_id or self.contract} {self.contract.exchange} {self.what}"
        same = f"{alike} {self.end or ''} {self.duration} {self.bar_size} {self.use_rth}"
        return Ask(alike, same, 2 if self.what == "BID_ASK" else 1)


Answer: TypeAlias = list[Bar] | GatewayError
OnAnswer: TypeAlias = Callable[[BarRequest, Answer], None]


class Watch(Protocol):
    """Told of what goes on besides answers."""

    def failed_once(self) -> None:
        """A request failed, and will be asked again. What is raised ends the run."""

    def waiting(self) -> None:
        """At least twice a second, also while TWS answers nothing. What is raised ends the run."""


class Unwatched:
    def failed_once(self) -> None: ...
    def waiting(self) -> None: ...


class Fetch:
    """One run over `requests`, in their order; answers come in any order. `until`: monotonic; no request leaves later.

    A refusal for pacing is not an answer: everything pauses, and the request is asked again, PACING_TRIES times in all.
    Nor is a failure that may be over the next time (no answer, a farm that reconnects): see historical_repeats.py.
    A request that has left ends in exactly one answer, its last error when there is no time to repeat it; a lost
    connection ends the run instead.
    """

    def __init__(
        self,
        connection: Connection,
        on_answer: OnAnswer,
        memory: Memory,
        until: float | None,
        watch: Watch | None = None,
    ) -> None:
        self._connection = connection
        self._on_answer = on_answer
        self._memory = memory
        self._until = until
        self._watch = watch or Unwatched()
        self._window = Window()
        self._pause = BackOff()
        self._repeats: Repeats[BarRequest] = Repeats()
        self._queue: deque[BarRequest] = deque()
        self._source: Iterator[BarRequest] = iter(())
        self._flying: dict[asyncio.Task[Answer], tuple[BarRequest, float]] = {}
        self._refusals: dict[BarRequest, int] = {}
        self._failed: dict[BarRequest, GatewayError] = {}  # how each that is to be asked again failed last
        self._answered = 0

    async def run(self, requests: Iterable[BarRequest]) -> int:
        """How many were answered; `requests` is read one by one, when there is room. Raises Disconnected."""
        self._source = iter(requests)
        try:
            while self._flying or self._may_ask() or self._will_repeat():
                await self._land(self._start_or_wait())
                self._watch.waiting()
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
        for request, error in list(self._failed.items()):
            self._answer(request, error)
        return self._answered

    def _start_or_wait(self) -> float | None:
        """Start the next request if it may leave; returns how long to wait for answers, None: until one comes."""
        if not self._may_ask():
            return self._repeats.seconds(clock.monotonic()) if self._has_time() else None
        seconds = self._hindrance(self._queue[0])
        if seconds <= 0:
            self._start(self._queue.popleft())
        return seconds

    def _has_time(self) -> bool:
        return self._until is None or clock.monotonic() < self._until

    def _will_repeat(self) -> bool:
        return self._has_time() and self._repeats.seconds(clock.monotonic()) is not None

    def _may_ask(self) -> bool:
        """Whether there is time, and a request: those that were refused for pacing come first, then those to repeat."""
        if not self._has_time():
            return False
        if not self._queue and (again := self._repeats.due(clock.monotonic())):
            self._queue.append(again)
        if not self._queue:
            self._queue.extend(islice(self._source, 1))
        return bool(self._queue)

    def _hindrance(self, request: BarRequest) -> float:
        """Seconds after which it is worth to look again; 0.0: it may leave."""
        if pause := self._pause.left(clock.monotonic()):
            return pause
        if not self._window.has_room(len(self._flying)):
            return LONGEST_LOOK
        return self._memory.reserve(request.ask) if is_small(request.bar_size) else 0.0

    def _start(self, request: BarRequest) -> None:
        task = asyncio.ensure_future(self._ask(request))
        self._flying[task] = (request, clock.monotonic())

    async def _ask(self, request: BarRequest) -> Answer:
        try:
            return await historical_bars(
                self._connection,
                request.contract,
                request.duration,
                request.bar_size,
                request.what,
                request.use_rth,
                request.end,
            )
        except GatewayError as error:
            return error

    async def _land(self, seconds: float | None) -> None:
        """Wait up to so long for an answer, and deliver what has come."""
        limit = LONGEST_LOOK if seconds is None else min(seconds, LONGEST_LOOK)
        if not self._flying:
            await asyncio.sleep(limit)
            return
        done, _ = await asyncio.wait(self._flying, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        came = [(task.result(), *self._flying.pop(task)) for task in done]
        for answer, request, began in sorted(came, key=lambda each: (isinstance(each[0], Disconnected), each[2])):
            self._deliver(request, answer, began)

    def _deliver(self, request: BarRequest, answer: Answer, began: float) -> None:
        if isinstance(answer, Disconnected):
            raise answer
        if isinstance(answer, GatewayError):
            again = self._again(request, answer, began)
        else:
            again = False
            self._window.answered(clock.monotonic() - began)
            self._pause.answered()
        if not again:
            self._answer(request, answer)

    def _again(self, request: BarRequest, error: GatewayError, began: float) -> bool:
        """Whether the request will be asked again."""
        now = clock.monotonic()
        paced = isinstance(error, RequestError) and _for_pacing(error)
        if paced or isinstance(error, RequestTimeout):
            self._window.refused(began, now)
        if paced:
            self._refusals[request] = self._refusals.get(request, 0) + 1
            if self._refusals[request] >= PACING_TRIES:
                return False
            self._pause.refused(now)
            self._queue.appendleft(request)
            self._connection.log.warning(f"{error}; pausing {self._pause.left(now):.0f} s")
        elif self._repeats.take(request, error, now):
            self._connection.log.warning(f"{error}; it will be asked again")
            self._watch.failed_once()
        else:
            return False
        self._failed[request] = error
        return True

    def _answer(self, request: BarRequest, answer: Answer) -> None:
        self._failed.pop(request, None)
        self._answered += 1
        self._on_answer(request, answer)


def _for_pacing(error: RequestError) -> bool:
    if error.code == 322:
        return TOO_MANY_OPEN in error.text
    return error.code == 162 and lookup(error.code, error.text).miss is MissReason.PACING
