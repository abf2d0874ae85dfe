"""TWS's own link to IBKR's servers, as one connection hears of it. The socket stays; what lies behind it is gone.

1100 (repeated) or 2110 lose it, 1101 (data lost) or 1102 (data kept) restore it: about 14 s later in a quiet night
[IBC#251], minutes in a bad one [IBC#143]. Until then TWS answers from memory, with an error that is not the request's
own ("no such contract" for one that exists [ib_insync#330]), or not at all.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from v6 import clock

LOST, RESTORED_LOST, RESTORED_KEPT, BROKEN = 1100, 1101, 1102, 2110
FARMS_UP = frozenset({2104, 2106, 2158})
ANSWER_SECONDS = 2.0  # for an answer that TWS still owes when it has IBKR again; after that the question is asked again

Heard = Callable[[int], None]  # 1100 or 2110 once a loss; 1101 or 1102 every time, also where no loss was heard of


class ServerLink:
    """Fed with TWS's notices, before anybody else is. Seconds are monotonic."""

    def __init__(self) -> None:
        self.lost = False
        self.losses = 0
        self.watchers: list[Heard] = []
        self.words = ""  # of the last loss, as TWS said it
        self._ended = False
        self._changed: asyncio.Future[None] | None = None
        self.restored_at = 0.0
        self.last_seconds = 0.0  # how long the loss was that ended last
        self._since = 0.0
        self._before = 0.0  # seconds without IBKR, losses that are over

    def notice(self, code: int, text: str) -> None:
        if code in (LOST, BROKEN):
            if not self.lost:
                self._lose(f"{code}: {text}")
                self._tell(code)
        elif code in (RESTORED_LOST, RESTORED_KEPT):
            self._restore()
            self._tell(code)
        elif code in FARMS_UP and self.lost and self.words.startswith(str(BROKEN)):
            # whether an 1102 always follows a 2110 is [unverified]; a farm that is up shows that the link is
            self._restore()
            self._tell(RESTORED_KEPT)

    def _lose(self, words: str) -> None:
        self.lost, self.words, self._since = True, words, clock.monotonic()
        self.losses += 1

    def _restore(self) -> None:
        self.restored_at = clock.monotonic()
        self.last_seconds = self.restored_at - self._since if self.lost else 0.0
        self._before += self.last_seconds
        self.lost = False

    def _tell(self, code: int) -> None:
        self._wake()
        for watcher in list(self.watchers):
            watcher(code)

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None and not changed.done():
            changed.set_result(None)

    def end(self) -> None:
        """The connection is over: nobody waits for IBKR any more."""
        self._ended = True
        self._wake()

    def away(self) -> float:
        """Seconds without IBKR since the connection began, the present loss included."""
        return self._before + (clock.monotonic() - self._since if self.lost else 0.0)

    def away_words(self) -> str:
        """What to say of a loss in a reason; empty while there was none."""
        if not self.losses:
            return ""
        return f"TWS {'has' if self.lost else 'had'} lost IBKR for {self.away():.1f} s ({self.words[:40]})"

    def change(self) -> "asyncio.Future[None]":
        """Done when the link is lost or restored next."""
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    async def restored(self, until: float) -> bool:
        """Wait for the end of a loss, at most until then; whether it came."""
        while self.lost and not self._ended and (left := until - clock.monotonic()) > 0:
            await asyncio.wait({self.change()}, timeout=left)
        return not self.lost


class Patience:
    """How long one question waits for its answer: `seconds`, not counting those without IBKR, of which there are none
    after `until` (monotonic; at the earliest `ANSWER_SECONDS` from now, for what TWS knows by itself).

    `touched` when TWS was without IBKR at any time since it was asked: then nothing but a good answer is believed.
    """

    def __init__(self, link: ServerLink, seconds: float, until: float | None) -> None:
        now = clock.monotonic()
        self._link = link
        self._ends = now + seconds
        self.until = self._ends if until is None else max(until, now + ANSWER_SECONDS)
        self._away = link.away()
        self._losses = link.losses - link.lost

    @property
    def touched(self) -> bool:
        return self._link.losses > self._losses

    def left(self) -> float:
        """Seconds that an answer may still take as things stand."""
        ends = min(self._ends + self._link.away() - self._away, max(self._ends, self.until))
        return (self.until if self._link.lost else ends) - clock.monotonic()

    async def wait(self, answer: "asyncio.Future[Any]", *, ask_again: bool) -> None:
        """Until the answer is there or the time is over; with `ask_again` also until TWS, which has IBKR again, has
        owed an answer for so long that it is lost."""
        while not answer.done():
            left = self.left()
            if ask_again and self.touched and not self._link.lost:
                left = min(left, self._link.restored_at + ANSWER_SECONDS - clock.monotonic())
            if left <= 0:
                return
            either: set[asyncio.Future[Any]] = {answer, self._link.change()}
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
