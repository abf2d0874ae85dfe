"""When a request for historical bars may leave. Pure: instants (seconds, of one clock) are passed in.

IBKR's rules for bars of 30 s and less [its documents, facts.md]: 60 requests in ten minutes, fewer than six in two
seconds for one contract, exchange and kind, no identical one within 15 s, BID_ASK counts twice. At most 50 requests are
open at once, whatever their bars. Requests for longer bars break no rule, but TWS slows them down without a word: more
than a few of them at once only wait there. So a few are kept in flight (`Window`), more while answers come quickly.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

TEN_MINUTES, MOST_IN_TEN_MINUTES = 600.0, 60
TWO_SECONDS, TOO_MANY_ALIKE = 2.0, 6
SAME_AGAIN = 15.0
MARGIN = 0.25  # seconds that each span is kept longer: requests may reach TWS closer together than they left
SMALL = 30  # seconds
MOST_OPEN = 50
SMALL_SIZE = re.compile(r"(\d+) secs?")


class Ask(NamedTuple):
    """What the rules compare. `alike`: contract, exchange and kind; `same`: with end, duration, size and hours too."""

    alike: str
    same: str
    weight: int = 1


class Sent(NamedTuple):
    at: float
    ask: Ask


def is_small(bar_size: str) -> bool:
    """Whether the rules for small bars count it, in TWS's words: `30 secs`."""
    found = SMALL_SIZE.fullmatch(bar_size)
    return found is not None and int(found.group(1)) <= SMALL


def wait(sent: Iterable[Sent], ask: Ask, now: float) -> float:
    """Seconds until `ask` may leave without breaking a rule, after what was `sent` before; 0.0: now.

    What seems to be sent later than `now` (a clock that was set back) counts as sent now.
    """
    before = sorted((min(each.at, now), each.ask) for each in sent)
    free = [at + SAME_AGAIN for at, other in before if other.same == ask.same]
    alike = [(at, other.weight) for at, other in before if other.alike == ask.alike]
    free.append(_room(alike, ask.weight, TWO_SECONDS, TOO_MANY_ALIKE - 1))
    free.append(_room([(at, other.weight) for at, other in before], ask.weight, TEN_MINUTES, MOST_IN_TEN_MINUTES))
    latest = max(free) + MARGIN
    return max(latest - now, 0.0)


def _room(before: list[tuple[float, int]], weight: int, span: float, most: int) -> float:
    """The first instant at which what was sent within `span` before it leaves room for `weight` more."""
    total = weight
    for at, other in reversed(before):  # the newest stay longest
        total += other
        if total > most:
            return at + span
    return float("-inf")


class Window:
    """How many requests for longer bars are in flight at once: `FIRST`, up to `MOST`, and adapted to what TWS does.

    A quick answer lets in another one; a slow one takes one out; none in time, or a refusal for pacing, halves it,
    once for all that were in flight together.
    """

    FIRST, LEAST, MOST = 12, 2, 24  # 24 leaves room for other programs below TWS's 50
    QUICK, SLOW = 6.0, 15.0  # seconds

    def __init__(self) -> None:
        self.size = float(self.FIRST)
        self._halved = float("-inf")

    def answered(self, seconds: float) -> None:
        if seconds < self.QUICK:
            self.size = min(self.size + 1 / self.size, self.MOST)
        elif seconds > self.SLOW:
            self.size = max(self.size - 1, self.LEAST)

    def refused(self, began: float, now: float) -> None:
        """`began`: when that request left."""
        if began < self._halved:
            return
        self.size = max(self.size / 2, self.LEAST)
        self._halved = now

    def has_room(self, in_flight: int) -> bool:
        return in_flight < int(self.size)


class BackOff:
    """Pauses after a pacing violation: 15 s, doubled by each further one, up to two minutes; an answer ends it."""

    FIRST, MOST = 15.0, 120.0

    def __init__(self) -> None:
        self.until = float("-inf")
        self._next = self.FIRST

    def refused(self, now: float) -> None:
        if now < self.until:
            return  # it was in flight when the pause began
        self.until = now + self._next
        self._next = min(self._next * 2, self.MOST)

    def answered(self) -> None:
        self._next = self.FIRST

    def left(self, now: float) -> float:
        return max(self.until - now, 0.0)
