"""Every connection to TWS that this home has opened in the last 24 hours, whatever came of it: one line each, `seconds
since 1970 UTC, pid, task`, in a file beside the leases. One that was refused or unreachable is taken out again.

A file and not a table: it must count within a millisecond, also while the journal is locked, spoilt or not there.
"""

import fcntl
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from v6 import clock

FILE = "connections"
HOUR = 3600.0
DAY = 86400.0
AHEAD = 60.0  # seconds that clocks of two processes may differ; further ahead is from before the clock was set back
STALE = 100  # lines older than a day that are put up with before the file is written anew


class Attempt(NamedTuple):
    at: float
    pid: int
    task: str

    @property
    def line(self) -> str:
        return f"{self.at:.3f} {self.pid} {self.task}\n"


class Attempts:
    """Those of the last day, oldest first, as they were at `now` (seconds since 1970). `garbled`: lines that could not
    be read; `ahead`: of a time that is yet to come. Neither counts."""

    def __init__(self, text: str, now: float) -> None:
        self.now = now
        lines = text.splitlines()
        parsed = [attempt for line in lines if (attempt := _parsed(line)) is not None]
        past = [attempt for attempt in parsed if attempt.at <= now + AHEAD]
        self.known = sorted((attempt for attempt in past if attempt.at > now - DAY), key=lambda one: one.at)
        self.garbled = len(lines) - len(parsed)
        self.ahead = len(parsed) - len(past)
        self.stale = len(past) - len(self.known)


def read(folder: Path) -> Attempts:
    """As they are now; none when there is no file yet. Raises OSError."""
    try:
        with (folder / FILE).open(encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return Attempts(file.read(), clock.epoch())
    except FileNotFoundError:
        return Attempts("", clock.epoch())


class Book:
    """The file while nobody else writes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        size = os.fstat(descriptor).st_size
        text = os.pread(descriptor, size, 0).decode(errors="replace")
        self._torn = bool(text) and not text.endswith("\n")
        self.attempts = Attempts(text, clock.epoch())

    def add(self, task: str) -> Attempt:
        """One more, now; what no longer counts is dropped when it is worth it."""
        attempt = Attempt(self.attempts.now, os.getpid(), " ".join(task.split()))
        if self.attempts.garbled or self.attempts.ahead or self.attempts.stale > STALE:
            self._write_anew([*self.attempts.known, attempt])
        else:
            os.write(self._descriptor, ("\n" * self._torn + attempt.line).encode())
        return attempt

    def remove(self, attempt: Attempt) -> None:
        """As if it had not been tried."""
        lines = [one.line for one in self.attempts.known]
        if attempt.line in lines:
            known = list(self.attempts.known)
            del known[lines.index(attempt.line)]
            self._write_anew(known)

    def _write_anew(self, attempts: Iterable[Attempt]) -> None:
        """In place, for the lock is on this file: a death in between costs lines, never a connection."""
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, "".join(one.line for one in attempts).encode())


@contextmanager
def opened(folder: Path) -> Iterator[Book]:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(folder / FILE, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Book(descriptor)
    finally:
        os.close(descriptor)


def _parsed(line: str) -> Attempt | None:
    """None for what no `add` has written."""
    at, _, rest = line.partition(" ")
    pid, _, task = rest.partition(" ")
    with suppress(ValueError):
        if math.isfinite(float(at)):
            return Attempt(float(at), int(pid), task)
    return None
