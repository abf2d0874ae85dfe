"""What real TWS refuses: too many messages a second, too many market data lines. Each limit can be switched off."""

from dataclasses import dataclass
from enum import Enum

NEAR = 0.84  # 42 of 50: the smallest count seen in a warning [ib_insync#443: 44; rust-ibapi#766: 42]


class Verdict(Enum):
    """STRIKE: rejected, the first one over in its second. WARNED: accepted, and near the limit for the first time."""

    ACCEPTED = "accepted"
    WARNED = "warned"
    STRIKE = "strike"
    REJECTED = "rejected"


@dataclass
class MessageMeter:
    """Counts one client's messages in one-second buckets. How TWS counts its second is unknown; buckets are strict.

    A bucket that overflows is one strike; at `strikes_allowed` strikes the client is disconnected.
    """

    most: int
    strikes_allowed: int = 3
    strikes: int = 0
    counted: int = 0
    _bucket: int = -1

    def _turn(self, monotonic: float) -> None:
        bucket = int(monotonic)
        if bucket != self._bucket:
            self._bucket, self.counted = bucket, 0

    def count(self, monotonic: float) -> Verdict:
        """One message at that second."""
        self._turn(monotonic)
        self.counted += 1
        if not self.most or self.counted < int(self.most * NEAR):
            return Verdict.ACCEPTED
        if self.counted <= self.most:
            return Verdict.WARNED if self.counted == int(self.most * NEAR) else Verdict.ACCEPTED
        if self.counted == self.most + 1:
            self.strikes += 1
            return Verdict.STRIKE
        return Verdict.REJECTED

    def wait(self, monotonic: float) -> float:
        """Seconds until the next message has room; 0.0: it has."""
        self._turn(monotonic)
        return int(monotonic) + 1 - monotonic if self.most and self.counted >= self.most else 0.0

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
