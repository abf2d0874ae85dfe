"""The host's market data lines: one budget per pool, shared by every process through byte locks on one file.

Byte i locked = line i in use. The locks belong to an open file (OFD locks), so that a crash frees them and two
connections of one process count as two. A process that could use more lines also locks a byte behind them: as long as
there are several such processes none takes more than its even share. `Lines` is one connection's part of it.
"""

import asyncio
import os
from collections import deque
from pathlib import Path

from v6 import byte_locks
from v6.gateway.connection import Connection
from v6.gateway.errors import Disconnected

CANCEL_SECONDS = 0.1  # until a cancel that has left counts as read
WAITERS = 32  # as many as TWS has clients
WAITING_AT = 1 << 20


class LineBudget:
    """`size` lines of the pool `name`. Close it to give everything back."""

    def __init__(self, folder: Path, name: str, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = size
        self._descriptor = os.open(folder / f"lines-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held: set[int] = set()
        self._waiting: int | None = None

    @property
    def held(self) -> int:
        return len(self._held)

    def acquire(self) -> int | None:
        """A line's number, or None: all are in use, or this process has its share while others wait."""
        others = self.others_waiting()
        if others and len(self._held) >= -(-self.size // (others + 1)):
            return None
        for line in range(self.size):
            if line not in self._held and self._lock(line):
                self._held.add(line)
                return line
        return None

    def release(self, line: int) -> None:
        """Give one line back; nothing happens when it already was."""
        if line in self._held:
            self._held.discard(line)
            self._unlock(line)

    def wait(self, waiting: bool) -> None:
        """Say to the other processes whether this one could use more lines."""
        if waiting and self._waiting is None:
            self._waiting = next((byte for byte in self._seats() if self._lock(byte)), None)
        elif not waiting and self._waiting is not None:
            self._unlock(self._waiting)
            self._waiting = None

    def others_waiting(self) -> int:
        """How many other processes could use more lines; nobody, to one that is closed."""
        if self._descriptor < 0:
            return 0
        return sum(self._taken_by_another(byte) for byte in self._seats() if byte != self._waiting)

    def close(self) -> None:
        """Frees everything; the disconnect must have happened before. A collection that still runs gets no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._held.clear()
            self._waiting = None

    @staticmethod
    def _seats() -> range:
        return range(WAITING_AT, WAITING_AT + WAITERS)

    def _lock(self, byte: int) -> bool:
        return self._descriptor >= 0 and byte_locks.lock(self._descriptor, byte)

    def _unlock(self, byte: int) -> None:
        byte_locks.unlock(self._descriptor, byte)

    def _taken_by_another(self, byte: int) -> bool:
        return byte_locks.taken_by_another(self._descriptor, byte)


class Lines:
    """The lines of one connection: leased bytes, and those done with but not cancelled yet (request id, byte)."""

    def __init__(self, connection: Connection, budget: LineBudget) -> None:
        self.connection = connection
        self.budget = budget
        self.done_with: deque[tuple[int, int]] = deque()
        self.cooling: dict[int, asyncio.TimerHandle] = {}  # cancelled, not yet given back

    def cancel_one(self) -> bool:
        """Send one cancel; its line is given back when TWS has had time to read it: another process's request travels
        on another socket and could arrive first."""
        if not self.done_with:
            return False
        number, byte = self.done_with.popleft()
        self.connection.client.cancelMktData(number)
        self.cooling[byte] = asyncio.get_running_loop().call_later(CANCEL_SECONDS, self._give_back, byte)
        return True

    def take(self) -> int | None:
        """A line: our own just cancelled one (a socket is read in order) unless others wait, else a new one."""
        if self.cooling and not self.budget.others_waiting():
            byte, timer = self.cooling.popitem()
            timer.cancel()
            return byte
        return self.budget.acquire()

    async def hand_back(self) -> None:
        """Cancel what is done with, each in its paced turn, and give everything back when TWS has had time to read it;
        after a disconnect at once. Nobody may be collecting with these lines any more."""
        try:
            while self.done_with:
                await self.connection.turn("cancels", self.cancel_one)
            if self.cooling:
                await asyncio.sleep(CANCEL_SECONDS)
        except Disconnected:
            await self.connection.wire.gone()
        finally:
            self.close()

    def close(self) -> None:
        """Frees everything; TWS must have ended the lines before."""
        for timer in self.cooling.values():
            timer.cancel()
        self.cooling.clear()
        self.done_with.clear()
        self.budget.close()

    def _give_back(self, byte: int) -> None:
        del self.cooling[byte]
        self.budget.release(byte)
