"""A share of a connection that somebody else holds: the same questions, its own lines, nothing left at the end.

    with Borrowed(gateway, purpose="options", loop=loop) as gw:
        quotes = gw.quotes(contracts, generic_ticks="101", need_greeks=True, deadline_seconds=60)

For worker threads: the connection lives on its owner's event loop, which does all the work. Several shares at once have
the connection's one pacer, so that together they keep the message rate.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from v6.gateway import market_data
from v6.gateway.client import Gateway, Purpose
from v6.gateway.client_data import DataQuestions
from v6.gateway.client_facts import ConnectionFacts
from v6.gateway.client_orders import OrderQuestions
from v6.gateway.connection import Connection, Log
from v6.gateway.errors import Disconnected
from v6.gateway.lines import LineBudget

LOOK_SECONDS = 1.0  # at whether the owner's loop still is there: what it was given last may never begin
T = TypeVar("T")


class Borrowed(ConnectionFacts, DataQuestions, OrderQuestions):
    """One purpose's share of `gateway`, which is open on `loop`. For a `with` block on another thread.

    `until` (monotonic): as for `client.connect`, for the questions of this share alone; `log` likewise. Outages are
    told to whom the gateway tells them, once for all who share it.
    Beginning raises Disconnected when the gateway is not open; questions raise what a Gateway's do, and Disconnected
    when the owner has ended. At the end of the block every line opened in it, also by a collection that was cut short,
    is cancelled at TWS in its paced turn and then given back, on the owner's loop: the block does not wait for it.
    What is set for the whole connection (`set_market_data_type`) concerns everybody who shares it.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        purpose: Purpose,
        loop: asyncio.AbstractEventLoop,
        log: Log | None = None,
        until: float | None = None,
    ) -> None:
        self.settings = gateway.settings
        self.purpose: Purpose = purpose
        self.until = until
        self._gateway = gateway
        self._loop = loop
        self._log = log
        self._connection: Connection | None = None
        self._lines: market_data.Lines | None = None

    def __enter__(self) -> Self:
        connection = self._gateway.connection.share(self._log, self.until)
        if not connection.alive:
            raise Disconnected(f"the connection is lost: {connection.wire.lost_words or 'it has been ended'}")
        size: int = getattr(self.settings.market_data_lines, self.purpose)
        self._lines = market_data.Lines(connection, LineBudget(self._gateway.leases, self.purpose, size))
        self._connection = connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lines, self._lines, self._connection = self._lines, None, None
        if lines is None:
            return
        try:
            self._loop.call_soon_threadsafe(_hand_back, lines)
        except RuntimeError:  # the loop is closed, and so the connection with every line of it
            lines.close()

    @property
    def client_id(self) -> int:
        return self._gateway.client_id

    def next_order_id(self, at_least: int = 0) -> int:
        async def number() -> int:
            return super(Borrowed, self).next_order_id(at_least)

        return self._run(number())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._connection is None:
            work.close()
            raise Disconnected("the gateway is not open")
        try:
            asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise Disconnected("the owner of the connection has ended") from None
        return self._outcome(asked)

    def _outcome(self, asked: "Future[T]") -> T:
        while not wait((asked,), LOOK_SECONDS).done:
            if self._loop.is_closed():
                asked.cancel()
        try:
            return asked.result()
        except CancelledError:
            raise Disconnected("the owner of the connection ended while it was asked") from None


def _hand_back(lines: market_data.Lines) -> None:
    lines.connection.begin(lines.hand_back())
