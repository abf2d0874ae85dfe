"""Even spacing of everything a connection sends.

TWS allows 50 messages a second on a connection and does not say how it counts a second; the libraries keep 45 but send
them in bursts. Here they leave one by one, whatever asks for them: any second holds at most rate + 1 of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

CATCH_UP = 0.9  # of one interval: how much lateness of a busy host the next messages may make good
CLOSEST = 0.5  # of one interval: even then no two messages are closer


class Pacer:
    """A queue of messages and turns, served at `per_second`. Belongs to one running event loop."""

    def __init__(self, per_second: float, write: Callable[[bytes], None]) -> None:
        self.interval = 1.0 / per_second
        self.sent = 0
        self._write = write
        self._queue: deque[bytes | tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._next = 0.0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._serving = False
        self._ended: Exception | None = None

    def push(self, message: bytes) -> None:
        """Send when the message's turn has come; at once from within a turn."""
        if self._serving:
            self._out(message)
        elif self._ended is None:
            self._queue.append(message)
            self._arm()

    async def turn(self, act: Callable[[], Any]) -> Any:
        """Call `act` when its turn has come; what it sends leaves there and then. Returns what `act` returns.

        An `act` that sends nothing uses up no turn.
        """
        if self._ended is not None:
            raise self._ended
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.append((act, future))
        self._arm()
        return await future

    def slow_down(self) -> None:
        """TWS complained about the rate: keep a tenth less from here on."""
        self.interval *= 1.1

    def end(self, error: Exception) -> None:
        """Drop what has not left; whoever waits for a turn gets `error`."""
        self._ended = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for item in self._queue:
            if isinstance(item, tuple) and not item[1].done():
                item[1].set_exception(error)
        self._queue.clear()

    def _arm(self) -> None:
        if self._timer is None and self._queue:
            earliest = max(self._next, self._last + CLOSEST * self.interval, self._loop.time())
            self._timer = self._loop.call_at(earliest, self._serve)

    def _serve(self) -> None:
        self._timer = None
        while self._queue:
            before = self.sent
            self._take(self._queue.popleft())
            if count := self.sent - before:
                self._last = self._loop.time()
                self._next = max(self._next, self._last - CATCH_UP * self.interval) + count * self.interval
                break
        if self._ended is None:
            self._arm()

    def _take(self, item: bytes | tuple[Callable[[], Any], "asyncio.Future[Any]"]) -> None:
        if isinstance(item, bytes):
            self._out(item)
            return
        act, future = item
        if future.done():
            return
        self._serving = True
        try:
            future.set_result(act())
        except Exception as error:  # handed on to the one who asked for the turn
            future.set_exception(error)
        finally:
            self._serving = False

    def _out(self, message: bytes) -> None:
        self.sent += 1
        self._write(message)
