"""Who remembers the requests for small bars that TWS still counts: this process alone, or the journal for all."""

import sqlite3
from typing import Protocol

from v6 import clock
from v6.gateway.historical_pacing import Ask, Sent, wait
from v6.journal import historical_requests


class Memory(Protocol):
    def reserve(self, ask: Ask) -> float:
        """0.0: it may leave now, and counts from now on; else the seconds until it should be tried again."""


class ProcessMemory:
    """Of one process: enough where nobody else asks for small bars, and nothing of them was asked before it began."""

    def __init__(self) -> None:
        self._sent: list[Sent] = []

    def reserve(self, ask: Ask) -> float:
        now = clock.monotonic()
        seconds = wait(self._sent, ask, now)
        if seconds <= 0:
            self._sent.append(Sent(now, ask))
        return seconds


class JournalMemory:
    """Of every process of this home, also of one that was killed. For the thread that opened `db`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def reserve(self, ask: Ask) -> float:
        now = clock.epoch()

        def left(before: list[historical_requests.Request]) -> float:
            sent = [Sent(each.at, Ask(each.contract, each.request, each.weight)) for each in before]
            return wait(sent, ask, now)

        return historical_requests.reserve(self._db, ask.alike, ask.same, ask.weight, now, left)
