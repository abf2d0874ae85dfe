"""Whose turn it is to do what is not worth doing after every run. Standard library only: the supervisor asks.

A turn is of real time, whatever the clock is shifted by, so that a rehearsed day costs no more of it than it lasts.
"""

import sqlite3

from v6 import clock
from v6.journal import marks

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
    marks.write(db, _mark(name), _text(clock.monotonic(), seconds))


def _taken(db: sqlite3.Connection, name: str, now: float, at_once: bool) -> bool:
    mark = marks.read(db, _mark(name))
    if mark is not None and not _over(mark, now):
        return False
    mine = marks.exchange(db, _mark(name), mark, _text(now, FIRST_SECONDS))
    return mine and (mark is not None or at_once)


def _over(value: str, now: float) -> bool:
    """Also when it was begun before the host's last boot, since when its monotonic clock counts anew."""
    taken, _, seconds = value.partition(" ")
    return not float(taken) <= now < float(taken) + float(seconds)


def _text(now: float, seconds: float) -> str:
    return f"{now} {seconds:g}"  # in full: a rounded one may lie ahead


def _mark(name: str) -> str:
    return f"turn:{name}"
