"""Many requests for historical bars, a few in flight at once, within TWS's pacing (historical_pacing.py)."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from v6 import clock
from v6.gateway.connection import Connection
from v6.gateway.error_codes import lookup
from v6.gateway.errors import Disconnected, GatewayError, RequestError, RequestTimeout
from v6.gateway.historical import historical_bars
from v6.gateway.historical_memory import Memory
from v6.gateway.historical_pacing import Ask, BackOff, Window, is_small
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


class Fetch:
    """One run over `requests`, in their order; answers come in any order. `until`: monotonic; no request leaves later.

    A refusal for pacing is not an answer: everything pauses, and the request is asked again, PACING_TRIES times in all.
    """

    def __init__(self, connection: Connection, on_answer: OnAnswer, memory: Memory, until: float | None) -> None:
        self._connection = connection
        self._on_answer = on_answer
        self._memory = memory
        self._until = until
        self._window = Window()
        self._pause = BackOff()
        self._queue: deque[BarRequest] = deque()
        self._source: Iterator[BarRequest] = iter(())
        self._flying: dict[asyncio.Task[Answer], tuple[BarRequest, float]] = {}
        self._refusals: dict[BarRequest, int] = {}
        self._answered = 0

    async def run(self, requests: Iterable[BarRequest]) -> int:
        """How many were answered; `requests` is read one by one, when there is room. Raises Disconnected."""
        self._source = iter(requests)
        try:
            while self._flying or self._may_ask():
                await self._land(self._start_or_wait())
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
        return self._answered

    def _start_or_wait(self) -> float | None:
        """Start the next request if it may leave; returns how long to wait for answers, None: until one comes."""
        if not self._may_ask():
            return None
        seconds = self._hindrance(self._queue[0])
        if seconds <= 0:
            self._start(self._queue.popleft())
        return seconds

    def _may_ask(self) -> bool:
        """Whether there is time, and a request: those that were refused for pacing come first."""
        if self._until is not None and clock.monotonic() >= self._until:
            return False
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
        if not self._flying:
            await asyncio.sleep(min(seconds or 0.0, LONGEST_LOOK))
            return
        limit = None if seconds is None else min(seconds, LONGEST_LOOK)
        done, _ = await asyncio.wait(self._flying, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(done, key=lambda each: self._flying[each][1]):
            request, began = self._flying.pop(task)
            self._deliver(request, task.result(), clock.monotonic() - began)

    def _deliver(self, request: BarRequest, answer: Answer, seconds: float) -> None:
        if isinstance(answer, Disconnected):
            raise answer
        if isinstance(answer, RequestError) and _for_pacing(answer) and self._may_try_again(request):
            self._window.refused()
            self._pause.refused(clock.monotonic())
            self._connection.log.warning(f"{answer}; pausing {self._pause.left(clock.monotonic()):.0f} s")
            self._queue.appendleft(request)
            return
        if isinstance(answer, RequestTimeout):
            self._window.refused()
        else:
            self._window.answered(seconds)
            self._pause.answered()
        self._answered += 1
        self._on_answer(request, answer)

    def _may_try_again(self, request: BarRequest) -> bool:
        self._refusals[request] = self._refusals.get(request, 0) + 1
        return self._refusals[request] < PACING_TRIES


def _for_pacing(error: RequestError) -> bool:
    if error.code == 322:
        return TOO_MANY_OPEN in error.text
    return error.code == 162 and lookup(error.code, error.text).miss is MissReason.PACING
