"""Connections to TWS an hour and a day, counted over all processes of this home (L29).

Whatever reaches TCP counts, also what fails then: for TWS that is a login too. A connection of the pool beyond the
budget is refused before TWS sees it, of a run's later attempts sooner. One on a fixed client id is counted and never
refused: it belongs to the restart or to orders, and money and the way back come first; so does a diagnosis.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.config.settings import Ibkr
from v6.gateway.connection import Log
from v6.gateway.errors import ConnectCause, GatewayError
from v6.journal import connection_attempts
from v6.journal.connection_attempts import DAY, HOUR, Attempt, Attempts
from v6.model import RecoverableError

NEAR = 0.8
"""Of a limit: from there on a person is told."""
ROOM = (1.0, 0.6, 0.3)
"""Of the hour's limit, for a run's first attempt, its second, and each later one: an outage that is tried again and
again must leave room for the slots that follow it."""
NEVER_REACHED = (ConnectCause.REFUSED, ConnectCause.UNREACHABLE)
"""No TCP connection came about, so TWS saw nothing."""
NAMED = 4


class ConnectionBudgetSpent(GatewayError, RecoverableError):  # noqa: N818 - it names what happened
    """As many connections as are allowed have been opened; TWS was not asked."""


class NoRoomForRetries(ConnectionBudgetSpent):
    """So many have been opened that the rest is kept for first attempts."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`used` of `most` connections in the last hour or day (`span`), by whom, the most first. `free`: when one more is
    allowed, seconds since 1970; None: now."""

    span: str
    setting: str
    most: int
    used: int
    by: tuple[tuple[str, int], ...]
    free: float | None

    @property
    def near(self) -> bool:
        return self.used >= NEAR * self.most

    @property
    def spent(self) -> bool:
        return self.used >= self.most

    def leaves_room(self, attempt: int) -> bool:
        """Whether it lets that attempt of a run through; 1 is the first."""
        share = ROOM[min(attempt, len(ROOM)) - 1] if self.span == "hour" else 1.0
        return self.used < share * self.most

    @property
    def words(self) -> str:
        """`48 of 60 connections in the last hour (ibkr.connections_per_hour): collect_option_snapshots 40, ...`."""
        tasks = ", ".join(f"{task or 'unnamed'} {count}" for task, count in self.by[:NAMED])
        others = f" and {len(self.by) - NAMED} other tasks" if len(self.by) > NAMED else ""
        said = f"{self.used} of {self.most} connections in the last {self.span} (ibkr.{self.setting})"
        return f"{said}: {tasks}{others}" if tasks else said


def limits(settings: Ibkr, known: Sequence[Attempt], now: float) -> tuple[Limit, Limit]:
    """Of the hour and of the day, at `now` (seconds since 1970). `known`: attempts of the last day, oldest first."""
    return (
        _limit("hour", "connections_per_hour", HOUR, settings.connections_per_hour, known, now),
        _limit("day", "connections_per_day", DAY, settings.connections_per_day, known, now),
    )


def used(settings: Ibkr, leases: Path) -> tuple[Limit, Limit]:
    """Of the hour and of the day, now. Raises OSError."""
    attempts = connection_attempts.read(leases)
    return limits(settings, attempts.known, attempts.now)


Near = Callable[[Limit], None]


class ConnectionBudget:
    """What `task` opens out of the budget of its home. `near` is told of a limit that is nearly reached."""

    def __init__(self, settings: Ibkr, leases: Path, task: str, log: Log, near: Near | None = None) -> None:
        self._settings = settings
        self._leases = leases
        self._task = task
        self._log = log
        self._near = near

    def count(self, *, refuse: bool, attempt: int = 1) -> Attempt | None:
        """One more connection, of that attempt of a run. None: it could not be written down, which the log says and
        which stops nobody. Raises ConnectionBudgetSpent when `refuse` and none is left for such an attempt."""
        try:
            counted, found = self._written(attempt if refuse else None)
        except OSError as error:
            self._log.warning(f"a connection that the budget does not count: {error}")
            return None
        for limit in found:
            if limit.near and self._near is not None:
                self._near(limit)
        if counted is None:
            raise _refusal(found)
        return counted

    def take_back(self, attempt: Attempt | None) -> None:
        """It never reached TWS."""
        try:
            if attempt is not None:
                with connection_attempts.opened(self._leases) as book:
                    book.remove(attempt)
        except OSError as error:
            self._log.warning(f"a connection that never reached TWS stays counted: {error}")

    def _written(self, attempt: int | None) -> tuple[Attempt | None, tuple[Limit, Limit]]:
        """The limits with the new connection; without one when it is refused. `attempt` None: never refused."""
        with connection_attempts.opened(self._leases) as book:
            known, now = book.attempts.known, book.attempts.now
            self._complain(book.attempts)
            before = limits(self._settings, known, now)
            if attempt is not None and not all(limit.leaves_room(attempt) for limit in before):
                return None, before
            counted = book.add(self._task)
            return counted, limits(self._settings, [*known, counted], now)

    def _complain(self, attempts: Attempts) -> None:
        if attempts.garbled:
            self._log.warning(f"{attempts.garbled} unreadable lines among the counted connections are dropped")
        if attempts.ahead:
            self._log.warning(f"{attempts.ahead} counted connections are yet to come: the clock went back, dropped")


def _limit(span: str, setting: str, seconds: float, most: int, known: Sequence[Attempt], now: float) -> Limit:
    inside = [attempt for attempt in known if attempt.at > now - seconds]
    by = Counter(attempt.task for attempt in inside)
    free = inside[len(inside) - most].at + seconds if len(inside) >= most else None
    return Limit(
        span,
        setting,
        most,
        len(inside),
        tuple(by.most_common()),
        free,
    )


def _refusal(found: Sequence[Limit]) -> ConnectionBudgetSpent:
    """Names the limit that keeps it longest; when none is spent, it was a retry."""
    waits = {limit.free: limit for limit in found if limit.free is not None}
    if not waits:
        return NoRoomForRetries(
            f"{found[0].words}; the rest is kept for first attempts, the run's own says why it failed"
        )
    free_at = datetime.fromtimestamp(max(waits), clock.NEW_YORK)
    return ConnectionBudgetSpent(f"{waits[max(waits)].words}; the next is free at {free_at:%Y-%m-%d %H:%M:%S %Z}")
