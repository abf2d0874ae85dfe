"""Streams of a few contracts for as long as a connection lasts: what they say, and how long ago they said it (L24)."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from v6 import clock
from v6.gateway.contracts import to_library
from v6.gateway.line import Line, Wants
from v6.gateway.lines import Lines
from v6.gateway.server_link import RESTORED_LOST
from v6.model import Contract, Quote

WANTS = Wants(generic_ticks="", greeks=False, quote_seconds=0.0, greeks_seconds=0.0)
HALTED = 49  # the tick that says so: 0 trading, 1 and 2 halted; it comes unasked [IBKR's documents]
NO_LINE = "has no market data line: ibkr.market_data_lines.checks are all in use on this host"
PROOF_SECONDS = 3.0  # after 1102, for a line that was open to say something


class StreamedLine(Line):
    """A line that is never done."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract, WANTS, lambda _: None)
        self.halted = False

    @property
    def heard_at(self) -> float | None:
        """Monotonic."""
        return self._last_tick

    def generic(self, tick: int, value: float) -> None:
        if tick == HALTED:
            self.halted = value > 0


class Held(NamedTuple):
    line: StreamedLine
    number: int
    byte: int


class Streamed(NamedTuple):
    """`heard_ago` in seconds, None: nothing yet. `refused`: why nothing can come, by TWS or this host; else empty."""

    contract: Contract
    heard_ago: float | None
    refused: str = ""
    halted: bool = False


class Watch:
    """Of one connection, on its loop, out of the budget of `lines`; the connection's end is its end."""

    def __init__(self, lines: Lines, contracts: Sequence[Contract]) -> None:
        self._lines = lines
        self._connection = lines.connection
        self._contracts = contracts
        self._open: dict[Contract, Held] = {}
        self._link = lines.connection.link
        self._link.watchers.append(self._link_changed)

    async def ensure(self) -> None:
        """Request what is not streaming: not begun, refused, or silent since TWS has IBKR again. A contract for which
        the host has no line left stays for the next time. Raises Disconnected."""
        for contract in self._contracts:
            held = self._open.get(contract)
            if held is not None and self._is_dead(held.line):
                self._drop(contract)
                held = None
            if held is None:
                await self._connection.turn(f"stream of {contract}", partial(self._begin, contract))
        while self._lines.done_with:
            await self._connection.turn("cancels", self._lines.cancel_one)

    @property
    def heard_at(self) -> float:
        """When any of them said something last (monotonic); 0.0: never."""
        return max((held.line.heard_at or 0.0 for held in self._open.values()), default=0.0)

    def streams(self) -> list[Streamed]:
        """Of every contract, as it stands."""
        now = clock.monotonic()
        return [self._streamed(contract, now) for contract in self._contracts]

    def quotes(self) -> list[Quote]:
        """What the open streams have said."""
        return [held.line.quote() for held in self._open.values() if held.line.heard_at is not None]

    def _streamed(self, contract: Contract, now: float) -> Streamed:
        held = self._open.get(contract)
        if held is None:
            return Streamed(contract, None, refused=NO_LINE)
        line = held.line
        ago = None if line.heard_at is None else now - line.heard_at
        refused = f"{line.refused.code}: {line.refused.meaning}" if line.refused is not None else ""
        return Streamed(contract, ago, refused, line.halted)

    def _begin(self, contract: Contract) -> None:
        byte = self._lines.take()
        if byte is None:
            return
        client = self._connection.client
        number: int = client.getReqId()
        line = StreamedLine(contract)
        self._open[contract] = Held(line, number, byte)
        self._connection.receiver.streams[number] = line
        self._connection.receiver.generics[number] = line.generic
        client.reqMktData(number, to_library(self._connection.library, contract), "", False, False, [])

    def _is_dead(self, line: StreamedLine) -> bool:
        """Refused, or silent after 1102 although TWS says that the data were kept [IBC#143]."""
        if self._link.lost:
            return False
        restored = self._link.restored_at
        kept = line.opened < restored <= clock.monotonic() - PROOF_SECONDS
        return line.refused is not None or (kept and not line.heard_since(restored))

    def _drop(self, contract: Contract) -> None:
        held = self._open.pop(contract)
        self._connection.receiver.streams.pop(held.number, None)
        self._connection.receiver.generics.pop(held.number, None)
        refused = held.line.refused
        if refused is not None and not refused.holds_line:
            self._lines.budget.release(held.byte)
        else:
            self._lines.done_with.append((held.number, held.byte))

    def _link_changed(self, code: int) -> None:
        if code == RESTORED_LOST:
            for contract in list(self._open):
                self._drop(contract)
