"""Requests for small historical bars, kept so that a new process knows what TWS still counts.

Instants are seconds since 1970 in and out. Rows older than TWS's longest window are dropped when another is added.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from v6.journal.database import transaction
from v6.journal.timestamps import instant, instant_text

KEPT_SECONDS = 620.0
AHEAD_SECONDS = 60.0  # what lies further ahead was written before the clock was set back by more: nobody knows its age


class Request(NamedTuple):
    at: float
    contract: str
    request: str
    weight: int


def reserve(
    db: sqlite3.Connection, contract: str, request: str, weight: int, now: float, wait: Callable[[list[Request]], float]
) -> float:
    """Add a request of `now` when `wait(those before)` is 0, in one transaction; returns what it said."""
    with transaction(db):
        db.execute("DELETE FROM historical_requests WHERE at < ? OR at > ?", _bounds(now))
        seconds = wait(_all(db))
        if seconds <= 0:
            db.execute(
                "INSERT INTO historical_requests (at, contract, request, weight) VALUES (?, ?, ?, ?)",
                (_text(now), contract, request, weight),
            )
    return seconds


def stored(db: sqlite3.Connection) -> list[Request]:
    """Oldest first."""
    return _all(db)


def _all(db: sqlite3.Connection) -> list[Request]:
    rows = db.execute("SELECT at, contract, request, weight FROM historical_requests ORDER BY at, id")
    return [Request(instant(row[0]).timestamp(), row[1], row[2], row[3]) for row in rows]


def _bounds(now: float) -> tuple[str, str]:
    return _text(now - KEPT_SECONDS), _text(now + AHEAD_SECONDS)


def _text(seconds: float) -> str:
    return instant_text(datetime.fromtimestamp(seconds, UTC))
