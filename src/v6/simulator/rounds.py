"""Every open market data line is looked at four times a second, in small portions all second long."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from v6.simulator.market.hours import new_york_date

if TYPE_CHECKING:
    from v6.simulator.lines import Line
    from v6.simulator.server import Server

ROUND_SECONDS = 0.25  # TWS aggregates updates to about four a second [doc]
PORTIONS = 10
SLACK = 0.01


class Moment(NamedTuple):
    """When a portion is looked at: the simulator's clock, its New York date, and the loop's time."""

    now: float
    day: int
    loop_time: float


class Rounds:
    """A line stays in the portion it was given, the smallest, so that its looks are a quarter of a second apart."""

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._portions: list[list[Line]] = [[] for _ in range(PORTIONS)]
        self._turn_at = loop.time()
        self._place = 0
        self._handle: asyncio.TimerHandle | None = None

    def moment(self) -> Moment:
        now = self._server.epoch()
        return Moment(now, new_york_date(now).toordinal(), self._loop.time())

    def add(self, line: "Line") -> None:
        """Look at it from now on; the first time a quarter to half a second from now."""
        line.wait_until = self._loop.time() + ROUND_SECONDS - SLACK
        min(self._portions, key=len).append(line)
        if self._handle is None:
            self._turn_at = self._loop.time()
            self._wait()

    def _wait(self) -> None:
        self._turn_at += ROUND_SECONDS / PORTIONS
        behind = self._loop.time() - self._turn_at
        if behind > ROUND_SECONDS:  # too slow for all of them: rather late than never anything else
            self._server.stats.late_rounds += 1
            self._turn_at += behind
        self._handle = self._loop.call_at(self._turn_at, self._turn)

    def _turn(self) -> None:
        self._place = (self._place + 1) % PORTIONS
        lines = self._portions[self._place]
        if lines:
            moment = self.moment()
            for line in lines:
                if not line.closed:
                    self._look(line, moment)
            self._server.stats.looks += len(lines)
            self._portions[self._place] = [line for line in lines if not line.closed]
        if any(self._portions):
            self._wait()
        else:
            self._handle = None

    def _look(self, line: "Line", moment: Moment) -> None:
        try:
            line.look(moment)
        except Exception as error:  # a defect about one line must not stop the others of every client
            self._server.unexpected(error)
            line.closed = True

    def stop(self) -> None:
        for portion in self._portions:
            portion.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
