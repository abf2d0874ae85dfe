"""Open the journal and bring its schema up to date. Many processes share the file: WAL, short transactions."""

import fcntl
import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from v6.journal.migrations import MIGRATIONS

BUSY_SECONDS = 10.0


class JournalError(Exception):
    """The journal cannot be used as it is."""


def connect(path: str | os.PathLike[str], busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The journal, created or migrated when it must be. Autocommit; group statements with `transaction`."""
    place = os.fspath(path)
    fresh = not os.path.exists(place)  # noqa: PTH110 - pathlib costs the supervisor's start
    if fresh:
        os.makedirs(os.path.dirname(place) or ".", exist_ok=True)  # noqa: PTH103, PTH120
    db = sqlite3.connect(place, timeout=busy_seconds, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        if _version(db) != len(MIGRATIONS):
            with _exclusive(f"{place}.migrate"):
                _migrate(db, place)
        db.execute("PRAGMA synchronous = FULL")  # a power cut must not take back a row that was reported
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; takes the write lock at once, so that it never fails half-way for being late."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection, place: str) -> None:
    have = _version(db)
    if have > len(MIGRATIONS):
        raise JournalError(f"{place}: schema {have} is newer than this V6 (knows {len(MIGRATIONS)}): upgrade V6")
    db.execute("PRAGMA journal_mode = WAL")
    for number, script in enumerate(MIGRATIONS[have:], start=have + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")


@contextmanager
def _exclusive(path: str) -> Generator[None]:
    """One migrating process at a time: switching to WAL does not honour the busy timeout."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
