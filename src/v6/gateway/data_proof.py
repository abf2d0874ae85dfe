"""Do live data of one symbol arrive? One market data line, asked for on an open gateway, until TWS has shown it.

Quicker than a collection's quote (`gateway.first_tick`), which waits for data that may come in spite of an error: here
the first error that speaks against live data counts, unless a live price follows within AFTER_ERROR_SECONDS.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from v6.gateway import error_codes
from v6.gateway.contracts import to_library
from v6.gateway.errors import Disconnected
from v6.gateway.line import DATA_TYPES, DELAYED_FOLLOW, PRICES
from v6.gateway.receiver import Computation
from v6.model import Contract, DataType, MissReason

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

AFTER_ERROR_SECONDS = 0.6
"""For the price that shows what TWS sends after all: a first tick takes 0.13 to 0.4 s [recordings]."""
CLOSED_MARKET_SECONDS = 1.0
LIVE, FROZEN = 1, 2


class Flow(StrEnum):
    LIVE = "live"
    UNPROVEN = "unproven"  # nothing speaks against it, but it cannot be shown now
    NO_SUBSCRIPTION = "no subscription"
    DELAYED = "delayed"
    COMPETING = "competing session"
    FROZEN = "frozen"
    LINES = "all lines in use"
    SILENT = "no tick"


@dataclass(frozen=True, slots=True)
class Shown:
    flow: Flow
    words: str


async def prove_data(gateway: "Gateway", symbol: str, market_open: bool | None, seconds: float) -> Shown:
    """What TWS shows of `symbol` within `seconds`; while the market is not known to be open live data cannot be proven,
    only disproven. Raises Disconnected, also when the connection ends before TWS has shown anything."""
    await gateway.set_market_data_type_async(LIVE if market_open else FROZEN)
    connection, lines = gateway.connection, gateway.lines
    byte = lines.take()
    if byte is None:
        return Shown(Flow.UNPROVEN, "no market data line of the pool 'checks' was free")
    watch = Watch(symbol, market_open)
    number: int = connection.client.getReqId()
    connection.receiver.streams[number] = watch
    wire = to_library(connection.library, Contract("STK", symbol, "SMART"))
    limit = seconds if market_open else min(seconds, CLOSED_MARKET_SECONDS)
    ends: set[asyncio.Future[Any]] = {watch.shown, connection.wire.lost}
    try:
        await connection.turn("a quote", lambda: connection.client.reqMktData(number, wire, "", False, False, []))
        await asyncio.wait(ends, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        connection.receiver.streams.pop(number, None)
        lines.done_with.append((number, byte))
    if lost := connection.wire.lost_words:
        raise Disconnected(lost)
    return watch.result(limit)


class Watch:
    """A stream that judges what comes first."""

    def __init__(self, symbol: str, market_open: bool | None) -> None:
        self.shown: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self._symbol = symbol
        self._market_open = market_open
        self._type: DataType | None = None
        self._price = ""
        self._doubt: Shown | None = None

    def result(self, seconds: float) -> Shown:
        """What was shown, or is left to say when the time is over."""
        if self.shown.done():
            return self.shown.result()
        if self._doubt is not None:
            return self._doubt
        if self._price:
            return Shown(Flow.UNPROVEN, f"{self._symbol} {self._price}, TWS did not say of what kind")
        return Shown(Flow.SILENT, f"{self._symbol}: no tick within {seconds:.1f} s")

    def price(self, tick: int, price: float, _size: float) -> None:
        if (name := PRICES.get(tick)) is None or not price > 0 or (self._market_open and name == "close"):
            return
        self._price = f"{name} {price:g}"
        self._look()

    def data_type(self, number: int) -> None:
        self._type = DATA_TYPES.get(number)
        self._look()

    def error(self, code: int, text: str) -> None:
        words = f"{self._symbol}: TWS says {code}: {text}"
        row = error_codes.lookup(code, text)
        if row.miss is MissReason.COMPETING_SESSION:
            self._show(Flow.COMPETING, words)
        elif row.miss is MissReason.LINES:
            self._show(Flow.LINES, words)
        elif code == DELAYED_FOLLOW:
            self._suspect(Shown(Flow.DELAYED, words))
        elif row.miss is MissReason.NO_SUBSCRIPTION and row.ends:
            self._show(Flow.NO_SUBSCRIPTION, words)
        elif row.miss is MissReason.NO_SUBSCRIPTION:
            self._suspect(Shown(Flow.NO_SUBSCRIPTION, words))
        elif row.ends:
            self._show(Flow.UNPROVEN, words)

    def size(self, _tick: int, _size: float) -> None:
        """A size proves nothing without a price."""

    def generic(self, _tick: int, _value: float) -> None:
        """Not asked for."""

    def computation(self, _tick: int, _values: Computation) -> None:
        """Not asked for."""

    def _look(self) -> None:
        if self._type is None or not self._price:
            return
        words = f"{self._symbol} {self._price}, {self._type}"
        if self._type in (DataType.DELAYED, DataType.DELAYED_FROZEN):
            self._show(Flow.DELAYED, words)
        elif self._market_open and self._type is DataType.LIVE:
            self._show(Flow.LIVE, words)
        elif self._market_open:
            self._suspect(Shown(Flow.FROZEN, f"{words} although the market is open"))
        else:
            self._show(Flow.UNPROVEN, words)

    def _suspect(self, doubt: Shown) -> None:
        if self._doubt is None:
            asyncio.get_running_loop().call_later(AFTER_ERROR_SECONDS, self._show, doubt.flow, doubt.words)
            self._doubt = doubt

    def _show(self, flow: Flow, words: str) -> None:
        if not self.shown.done():
            self.shown.set_result(Shown(flow, words))
