"""Quotes of many contracts through few market data lines, as fast as the message rate allows.

A window slides over the contracts: a line is opened for the next contract as soon as one can be had, and given up when
its quote is complete or its own deadline has passed. Opening costs one message and making room another, so that n
contracts through k lines cost 2n - k messages. The last lines are not cancelled one by one: the disconnect ends them,
and only then are they given back to other processes (`Lines`).

While TWS has lost IBKR (1100) no line is given up and no refusal believed, up to the collection's deadline. After 1101
every line is requested again; after 1102, which says that the data were kept, those that then stay silent [IBC#143].
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from v6 import clock
from v6.gateway.contracts import to_library
from v6.gateway.errors import Disconnected, GatewayError
from v6.gateway.first_tick import FirstTick
from v6.gateway.line import Line, Wants
from v6.gateway.lines import Lines
from v6.gateway.requests import current_time
from v6.gateway.server_link import RESTORED_KEPT, RESTORED_LOST
from v6.model import Contract, MissReason, Quote, QuoteStatus

__all__ = ["Lines", "Wants", "collect"]

TRIES = 4  # of a contract that TWS refused for lines or rate
BACK_OFF_SECONDS = 0.5  # after such a refusal
POLL_SECONDS = 0.02  # for lines that other processes give back
PING_SECONDS = 5.0
PROOF_SECONDS = 3.0  # after 1102, for a line that was open to say something; a first tick takes 0.4 s
NEVER = float("inf")
RATE, LINES = 100, 101


async def collect(lines: Lines, contracts: Sequence[Contract], wants: Wants, seconds: float) -> list[Quote]:
    """One quote per contract, in the same order, within `seconds`."""
    return await Window(lines, contracts, wants, clock.monotonic() + seconds).run()


class Held(NamedTuple):
    """What an open line occupies: its contract's place, its request id, its byte of the budget; `received` is how many
    bytes TWS had sent when it was opened."""

    place: int
    number: int
    byte: int
    received: int


class Window:
    """One collection: contracts pending, lines open, quotes done."""

    def __init__(self, lines: Lines, contracts: Sequence[Contract], wants: Wants, deadline: float) -> None:
        self._lines = lines
        self._connection = lines.connection
        self._contracts = contracts
        self._wants = wants
        self._deadline = deadline
        self._quotes: list[Quote | None] = [None] * len(contracts)
        self._left = len(contracts)
        self._pending = deque(range(len(contracts)))
        self._tries = [0] * len(contracts)
        self._open: dict[Line, Held] = {}
        self._ceiling = lines.budget.size
        self._resume_at = 0.0
        self._silent = False
        self._link = lines.connection.link
        self._put_aside: list[int] = []  # refused while TWS had lost IBKR: pending again when it is back
        self._proof_at = NEVER
        self._change = asyncio.Event()

    async def run(self) -> list[Quote]:
        notices = self._connection.receiver.notices
        notices.append(self._notice)
        self._link.watchers.append(self._link_changed)
        self._connection.wire.lost.add_done_callback(self._changed)
        try:
            while self._left:
                self._change.clear()
                if self._over():
                    break
                if self._silent and not await self._answers():
                    self._end_all(MissReason.TWS_DOWN, f"TWS sent nothing, nor its time within {PING_SECONDS:g} s")
                    break
                self._lines.budget.wait(bool(self._pending))
                if not self._may_send() or not await self._send():
                    await self._pause()
        finally:
            self._lines.budget.wait(False)
            notices.remove(self._notice)
            self._link.watchers.remove(self._link_changed)
            self._connection.wire.lost.remove_done_callback(self._changed)
            for line in list(self._open):  # of a collection that was ended from outside
                self._let_go(self._drop(line), kept=True)
        return [quote for quote in self._quotes if quote is not None]

    # sending

    def _may_send(self) -> bool:
        return bool(self._pending and self._room()) or bool(self._lines.done_with and self._wanted())

    def _room(self) -> bool:
        return clock.monotonic() >= self._resume_at and len(self._open) < self._ceiling

    def _wanted(self) -> bool:
        """Whether somebody could use a line we are done with."""
        return bool(self._pending) or self._lines.budget.others_waiting() > 0

    async def _send(self) -> bool:
        try:
            return bool(await self._connection.turn("quotes", self._step))
        except Disconnected:
            return False

    def _step(self) -> bool:
        """At our turn: open a line, else make room for one, else nothing."""
        if self._pending and self._room():
            in_use = len(self._open) + len(self._lines.done_with)
            byte = self._lines.take() if in_use < self._ceiling else None
            if byte is not None:
                self._open_next(byte)
                return True
        return self._wanted() and self._lines.cancel_one()

    def _open_next(self, byte: int) -> None:
        index = self._pending.popleft()
        client = self._connection.client
        number: int = client.getReqId()
        kind = FirstTick if self._wants.first_tick else Line
        line = kind(self._contracts[index], self._wants, self._finished)
        self._open[line] = Held(index, number, byte, self._connection.wire.received)
        self._connection.receiver.streams[number] = line
        wire = to_library(self._connection.library, line.contract)
        client.reqMktData(number, wire, self._wants.generic_ticks, False, False, [])

    # waiting

    async def _pause(self) -> None:
        now = clock.monotonic()
        until = min((line.give_up for line in self._open if self._may_give_up(line)), default=self._deadline)
        until = min(until, self._proof_at)
        if self._pending or self._lines.done_with:
            until = min(until, max(self._resume_at, now + POLL_SECONDS))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min(until, self._deadline) - now, 0.001)):
                await self._change.wait()

    def _over(self) -> bool:
        """End lines whose time has come; True when there is nothing left to wait for."""
        now = clock.monotonic()
        if not self._connection.alive:
            self._end_all(MissReason.DISCONNECTED, self._connection.wire.lost_words)
        elif now >= self._deadline:
            self._end_all(*self._too_late())
        else:
            if now >= self._proof_at:
                self._prove()
            for line in [line for line in self._open if now >= line.give_up and self._may_give_up(line)]:
                self._silent = self._connection.wire.received == self._open[line].received
                self._finished(line)
        return self._left == 0

    def _may_give_up(self, line: Line) -> bool:
        """A line waits for IBKR with TWS, unless it has what is wanted."""
        return line.settling or not self._link.lost

    def _too_late(self) -> tuple[MissReason, str]:
        away = self._link.away_words()
        if self._link.lost:
            return MissReason.SERVER_LOST, away
        return MissReason.DEADLINE, "the collection's time was over" + (f"; {away}" if away else "")

    def _prove(self) -> None:
        """1102 says that the data were kept; a line that has said nothing since then is dead, and requested again."""
        self._proof_at = NEVER
        restored = self._link.restored_at
        dead = [line for line in self._open if line.opened < restored and not line.heard_since(restored)]
        if dead:
            self._connection.log.warning(f"{len(dead)} lines stayed silent after 1102, requested again")
            self._request_again(dead)

    async def _answers(self) -> bool:
        """Whether a TWS that has sent nothing at all since a line was opened still answers a question (L24)."""
        self._silent = False
        try:
            async with asyncio.timeout(PING_SECONDS):
                await current_time(self._connection)
        except (TimeoutError, GatewayError):
            return False
        return True

    def _end_all(self, reason: MissReason, words: str) -> None:
        for line in list(self._open):
            self._conclude(line, line.quote(reason, words))
        self._pending.extend(self._put_aside)
        while self._pending:
            index = self._pending.popleft()
            self._store(index, Quote(self._contracts[index], QuoteStatus.MISSING, clock.utc_now(), reason, words))

    # what lines and TWS report

    def _finished(self, line: Line) -> None:
        if line not in self._open:
            return
        refused = line.refused
        if refused is not None and refused.code in (RATE, LINES):
            self._try_again(line, refused.code)
        elif refused is not None and (self._link.lost or line.opened < self._link.restored_at):
            self._set_aside(line, refused.holds_line)
        else:
            self._conclude(line, line.quote(), kept=refused is None or refused.holds_line)
        self._change.set()

    def _try_again(self, line: Line, code: int) -> None:
        """TWS opened no line. Fewer lines, or a slower pace, and the contract again."""
        index = self._open[line].place
        self._tries[index] += 1
        if code == LINES:
            self._ceiling = max(len(self._open) + len(self._lines.done_with) - 1, 1)
        else:
            self._connection.wire.pacer.slow_down()
        self._resume_at = clock.monotonic() + BACK_OFF_SECONDS
        self._connection.log.warning(
            f"{line.contract}: TWS says {code}, trying again with {self._ceiling} lines at most"
        )
        if self._tries[index] >= TRIES:
            self._conclude(line, line.quote(), kept=False)
            return
        self._lines.budget.release(self._drop(line).byte)
        self._pending.appendleft(index)

    def _set_aside(self, line: Line, kept: bool) -> None:
        """A refusal by a TWS that had lost IBKR says nothing about the contract: it has its turn when IBKR is back."""
        held = self._drop(line)
        self._let_go(held, kept)
        self._put_aside.append(held.place)
        if not self._link.lost:
            self._take_back()

    def _take_back(self) -> None:
        self._pending.extend(self._put_aside)
        self._put_aside.clear()

    def _notice(self, code: int, _text: str) -> None:
        if code == RATE:
            self._connection.wire.pacer.slow_down()
        self._change.set()

    def _link_changed(self, code: int) -> None:
        if code == RESTORED_LOST:
            self._request_again(list(self._open))
        elif code == RESTORED_KEPT:
            now = clock.monotonic()
            self._proof_at = now + PROOF_SECONDS
            for line in self._open:
                waited = min(self._link.last_seconds, now - line.opened)
                line.give_up = max(line.give_up + waited, self._proof_at)
        if not self._link.lost:
            self._take_back()
        self._change.set()

    def _request_again(self, lines: list[Line]) -> None:
        for line in lines:
            held = self._drop(line)
            self._let_go(held, kept=True)
            self._pending.appendleft(held.place)

    def _conclude(self, line: Line, quote: Quote, *, kept: bool = True) -> None:
        held = self._drop(line)
        self._let_go(held, kept)
        self._store(held.place, quote)

    def _let_go(self, held: Held, kept: bool) -> None:
        """Of a line that was dropped; `kept`: TWS still has it, it must be cancelled first."""
        if kept:
            self._lines.done_with.append((held.number, held.byte))
        else:
            self._lines.budget.release(held.byte)

    def _drop(self, line: Line) -> Held:
        held = self._open.pop(line)
        self._connection.receiver.streams.pop(held.number, None)
        return held

    def _store(self, index: int, quote: Quote) -> None:
        self._quotes[index] = quote
        self._left -= 1

    def _changed(self, _lost: object) -> None:
        self._change.set()
