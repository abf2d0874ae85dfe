"""What left for people and dead man's switches, and what could not: a row a message and a row a ping."""

import sqlite3
from collections import namedtuple
from datetime import datetime, timedelta

from v6 import clock
from v6.journal.timestamps import instant_text, optional

ALERT = "alert"
HEARTBEAT = "heartbeat"
LONGEST_ERROR = 500
ONE_MESSAGE = timedelta(seconds=1)
"""Its rows are written together."""

Delivery = namedtuple("Delivery", "id at channel what alerts error")


def record(db: sqlite3.Connection, channel: str, what: str, *, alerts: int = 0, error: str = "") -> None:
    """A message that carried so many alerts, or a ping; `error` empty: it was taken."""
    db.execute(
        "INSERT INTO deliveries (at, channel, what, alerts, error) VALUES (?, ?, ?, ?, ?)",
        (instant_text(clock.now()), channel, what, alerts, error[:LONGEST_ERROR]),
    )


def messages_within(db: sqlite3.Connection, span: timedelta) -> int:
    """Messages with alerts that were taken in the last `span`; what a clock that has gone back left ahead of us does
    not count, or nobody would be told anything until then."""
    now = clock.now()
    row = db.execute(
        "SELECT count(*) FROM deliveries WHERE channel = 'alert' AND at > ? AND at <= ? AND alerts > 0 AND error = ''",
        (instant_text(now - span), instant_text(now)),
    ).fetchone()
    return int(row[0])


def last(db: sqlite3.Connection, channel: str, *, taken: bool) -> Delivery | None:
    """The latest of the channel that was taken, or that was not."""
    found = _select(
        db, f"channel = ? AND error {'=' if taken else '<>'} '' ORDER BY at DESC, id DESC LIMIT 1", (channel,)
    )
    return found[0] if found else None


def recent(db: sqlite3.Connection, channel: str, limit: int = 20) -> list[Delivery]:
    """The latest of the channel, newest first."""
    return _select(db, "channel = ? ORDER BY at DESC, id DESC LIMIT ?", (channel, limit))


def of_last_message(db: sqlite3.Connection) -> list[Delivery]:
    """The rows of the latest message: each address that did not take it has one of its own."""
    rows = recent(db, ALERT)
    return [row for row in rows if row.what == rows[0].what and rows[0].at - row.at < ONE_MESSAGE]


def since(db: sqlite3.Connection, channel: str, start: datetime) -> list[Delivery]:
    """Of the channel from `start` on, oldest first."""
    return _select(db, "channel = ? AND at >= ? ORDER BY at, id", (channel, instant_text(start)))


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[Delivery]:
    rows = db.execute(f"SELECT {', '.join(Delivery._fields)} FROM deliveries WHERE {condition}", values)  # noqa: S608
    return [one._replace(at=optional(one.at)) for one in (Delivery(*row) for row in rows)]
