"""What real TWS refuses: too many messages a second, too many market data lines. Each limit can be switched off."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

NEAR = 0.84  # 42 of 50: the smallest count seen in a warning [ib_insync#443: 44; rust-ibapi#766: 42]
# what leaves a client a second apart may arrive closer: 20 ms are forgiven, as ib_insync's bursts of 45, which are safe
# on real TWS, come exactly a second apart
WINDOW = 1.0 - 0.02


class Verdict(Enum):
    """STRIKE: rejected, the first one over in a second. WARNED: accepted, and near the limit for the first time."""

    ACCEPTED = "accepted"
    WARNED = "warned"
    STRIKE = "strike"
    REJECTED = "rejected"


@dataclass
class MessageMeter:
    """Counts one client's messages in a sliding second, less what is forgiven. How TWS counts its second is unknown.

    No WINDOW may hold more than `most`, refused messages included. A second that does is one strike, at most one a
    second; at `strikes_allowed` strikes the client is disconnected.
    """

    most: int
    strikes_allowed: int = 3
    strikes: int = 0
    _instants: deque[float] = field(default_factory=deque)
    _warned: float = float("-inf")
    _struck: float = float("-inf")

    @property
    def counted(self) -> int:
        """Messages in the second before the last one."""
        return len(self._instants)

    def _turn(self, monotonic: float) -> None:
        instants = self._instants
        while instants and monotonic - instants[0] >= WINDOW:
            instants.popleft()

    def count(self, monotonic: float) -> Verdict:
        """One message that came at that second."""
        self._turn(monotonic)
        self._instants.append(monotonic)
        if not self.most or self.counted < int(self.most * NEAR):
            return Verdict.ACCEPTED
        if self.counted <= self.most:
            if monotonic - self._warned < WINDOW:
                return Verdict.ACCEPTED
            self._warned = monotonic
            return Verdict.WARNED
        if monotonic - self._struck < WINDOW:
            return Verdict.REJECTED
        self._struck = monotonic
        self.strikes += 1
        return Verdict.STRIKE

    def wait(self, monotonic: float) -> float:
        """Seconds until the next message has room; 0.0: it has."""
        self._turn(monotonic)
        if not self.most or self.counted < self.most:
            return 0.0
        return max(self._instants[-self.most] + WINDOW - monotonic, 0.001)

    @property
    def struck_out(self) -> bool:
        return self.strikes >= self.strikes_allowed


@dataclass
class LineBudget:
    """Market data lines, shared by every client of the account. `most` 0: no limit."""

    most: int
    used: int = 0
    peak: int = 0

    def take(self) -> bool:
        if self.most and self.used >= self.most:
            return False
        self.used += 1
        self.peak = max(self.peak, self.used)
        return True

    def give_back(self) -> None:
        self.used -= 1
