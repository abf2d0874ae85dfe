"""How often historical data may be asked for [doc, facts.md]: four rules for small bars, a soft throttle for others.

Counted over all clients, since TWS has one session with the historical farm. Requests that were refused do not count
[unverified]. The throttle's size is invented: TWS only says that it slows requests down.
"""

from collections import deque
from typing import NamedTuple

SMALL_BAR = 30  # seconds
IN_TEN_MINUTES, TEN_MINUTES = 60, 600.0
IN_TWO_SECONDS, TWO_SECONDS = 6, 2.0
SAME_AGAIN = 15.0
BURST, A_SECOND = 6, 3.0


class Ask(NamedTuple):
    """What two requests must share to be identical."""

    con_id: int
    exchange: str
    what: str
    end: str
    duration: str
    size: str
    regular: bool

    @property
    def weight(self) -> int:
        return 2 if self.what == "BID_ASK" else 1


class HistoricalPacing:
    """Monotonic seconds are passed in. `rules`: False lets everything through at once; `most_open` 0: no limit."""

    def __init__(self, *, rules: bool = True, most_open: int = 50) -> None:
        self.rules = rules
        self.most_open = most_open
        self.open = 0
        self._asked: deque[tuple[float, Ask]] = deque()
        self._real_time: deque[float] = deque()
        self._free_at = 0.0

    def enter(self) -> bool:
        """One more open request, of any bar size; False when there are too many."""
        if self.most_open and self.open >= self.most_open:
            return False
        self.open += 1
        return True

    def leave(self) -> None:
        self.open -= 1

    def violates(self, ask: Ask, now: float) -> bool:
        """Whether a request for bars of up to 30 seconds is one too many; if not, it counts."""
        if not self.rules:
            return False
        while self._asked and now - self._asked[0][0] >= TEN_MINUTES:
            self._asked.popleft()
        recent = [(at, before) for at, before in self._asked if now - at < SAME_AGAIN]
        alike = sum(before.weight for at, before in recent if now - at < TWO_SECONDS and before[:3] == ask[:3])
        if (
            any(before == ask for _, before in recent)
            or alike + ask.weight >= IN_TWO_SECONDS
            or sum(before.weight for _, before in self._asked) + ask.weight > IN_TEN_MINUTES
        ):
            return True
        self._asked.append((now, ask))
        return False

    def violates_in_real_time(self, now: float) -> bool:
        """Whether one more subscription to real-time bars is one too many within ten minutes [doc]."""
        if not self.rules:
            return False
        while self._real_time and now - self._real_time[0] >= TEN_MINUTES:
            self._real_time.popleft()
        if len(self._real_time) >= IN_TEN_MINUTES:
            return True
        self._real_time.append(now)
        return False

    def throttle(self, now: float) -> float:
        """Seconds that a request for bars of a minute and more has to wait: six at once, then three a second."""
        if not self.rules:
            return 0.0
        self._free_at = max(self._free_at, now - BURST / A_SECOND) + 1 / A_SECOND
        return max(self._free_at - now, 0.0)
