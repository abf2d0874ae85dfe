"""One timer for everything that happens later: thousands of lines share it instead of having a task each."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

RESOLUTION = 0.02


class Wheel:
    """Calls actions in order of their time, in batches of 20 ms. An action must itself know when it is obsolete.

    `failed` is told of an action's defect: the others are called all the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, failed: Callable[[Exception], None]) -> None:
        self._loop = loop
        self._failed = failed
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0
        self._stopped = False

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        at = (int((self._loop.time() + seconds) / RESOLUTION) + 1) * RESOLUTION
        heappush(self._due, (at, next(self._order), action))
        if self._handle is None or at < self._wakes_at:
            self._wake_at(at)

    def _wake_at(self, at: float) -> None:
        if self._stopped:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._wakes_at = at
        self._handle = self._loop.call_at(at, self._turn)

    def _turn(self) -> None:
        self._handle = None
        due = self._due
        now = self._loop.time() + RESOLUTION / 4
        while due and due[0][0] <= now:
            try:
                heappop(due)[2]()
            except Exception as error:  # a defect of one must not stop every timer of every client
                self._failed(error)
        if due:
            self._wake_at(due[0][0])

    def stop(self) -> None:
        self._stopped = True
        self._due.clear()
        if self._handle is not None:
            self._handle.cancel()
