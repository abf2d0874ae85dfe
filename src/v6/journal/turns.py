"""Whose turn it is to do what is not worth doing after every run. Standard library only: the supervisor asks.

A turn is of real time, whatever the clock is shifted by, so that a rehearsed day costs no more of it than it lasts.
"""

import sqlite3

from v6 import clock

METRICS = "metrics"
FIRST_SECONDS = 60.0


def due(db: sqlite3.Connection, name: str, *, at_once: bool = False) -> bool:
    """Whether it is time; then nobody else is told so for a while, until the one who takes the turn says when the next
    is (`after`). The first time ever only begins the waiting, unless it is wanted `at_once`."""
    try:
        return _taken(db, name, clock.monotonic(), at_once)
    except sqlite3.OperationalError:  # locked, or the disk is full: it is not worth more than that
        return False


def after(db: sqlite3.Connection, name: str, seconds: float) -> None:
    """This turn was taken now; the next is in so many seconds."""
    db.execute(
        "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_mark(name), _text(clock.monotonic(), seconds)),
    )


def _taken(db: sqlite3.Connection, name: str, now: float, at_once: bool) -> bool:
    row = db.execute("SELECT value FROM marks WHERE name = ?", (_mark(name),)).fetchone()
    if row is not None and not _over(row[0], now):
        return False
    changed = db.execute(
        "INSERT INTO marks (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value = ?",
        (_mark(name), _text(now, FIRST_SECONDS), row[0] if row else ""),
    ).rowcount
    return (row is not None or at_once) and changed == 1


def _over(value: str, now: float) -> bool:
    """Also when it was begun before the host's last boot, since when its monotonic clock counts anew."""
    taken, _, seconds = value.partition(" ")
    return not float(taken) <= now < float(taken) + float(seconds)


def _text(now: float, seconds: float) -> str:
    return f"{now:.3f} {seconds:g}"


def _mark(name: str) -> str:
    return f"turn:{name}"
