"""What real TWS refuses: too many messages a second, too many market data lines. Each limit can be switched off."""

from dataclasses import dataclass


@dataclass
class MessageMeter:
    """Counts one client's messages in one-second buckets. How TWS counts its second is unknown; buckets are strict.

    A bucket that overflows is one strike; at `strikes_allowed` strikes the client is disconnected.
    """

    most: int
    strikes_allowed: int = 3
    strikes: int = 0
    _bucket: int = -1
    _count: int = 0

    def count(self, monotonic: float) -> tuple[bool, bool]:
        """Whether the message is accepted, and whether it is the first one over in its second (a new strike)."""
        bucket = int(monotonic)
        if bucket != self._bucket:
            self._bucket, self._count = bucket, 0
        self._count += 1
        if not self.most or self._count <= self.most:
            return True, False
        if self._count == self.most + 1:
            self.strikes += 1
            return False, True
        return False, False

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
