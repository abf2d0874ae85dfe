"""Closed days: how many rows of a trade date a table held when the day was closed, and their checksum."""

import sqlite3
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from v6 import clock
from v6.journal.database import transaction
from v6.journal.timestamps import instant, instant_text, optional


class Closed(NamedTuple):
    """`sha256`: store/checksums.py. `removed_at`: None while the rows are to be there."""

    table: str
    day: date
    rows: int
    sha256: str
    closed_at: datetime
    removed_at: datetime | None = None


def record(db: sqlite3.Connection, closed: Iterable[Closed]) -> None:
    """Store these, all or none; what was recorded of the same table and day before is replaced."""
    with transaction(db):
        db.executemany(
            "INSERT OR REPLACE INTO closed_days (lake_table, trade_date, rows, sha256, closed_at) "
            "VALUES (?, ?, ?, ?, ?)",
            [(one.table, one.day.isoformat(), one.rows, one.sha256, instant_text(one.closed_at)) for one in closed],
        )


def of_day(db: sqlite3.Connection, day: date) -> dict[str, Closed]:
    """By table; empty when the day was never closed."""
    return {one.table: one for one in _select(db, "trade_date = ?", day.isoformat())}


def of_table(db: sqlite3.Connection, table: str) -> list[Closed]:
    """Every closed day of the table, oldest first, those whose rows are gone too."""
    return _select(db, "lake_table = ?", table)


def days(db: sqlite3.Connection, table: str) -> set[date]:
    """The days that were closed for the table."""
    return {one.day for one in of_table(db, table)}


def mark_removed(db: sqlite3.Connection, table: str, gone: Iterable[date]) -> None:
    """Say that the rows of these days may go, before they do. Checksums stay."""
    with transaction(db):
        db.executemany(
            "UPDATE closed_days SET removed_at = coalesce(removed_at, ?) WHERE lake_table = ? AND trade_date = ?",
            [(instant_text(clock.now()), table, day.isoformat()) for day in gone],
        )


def _select(db: sqlite3.Connection, condition: str, value: str) -> list[Closed]:
    rows = db.execute(
        "SELECT lake_table, trade_date, rows, sha256, closed_at, removed_at FROM closed_days "  # noqa: S608
        f"WHERE {condition} ORDER BY trade_date, lake_table",
        (value,),
    )
    return [
        Closed(row[0], date.fromisoformat(row[1]), row[2], row[3], instant(row[4]), optional(row[5])) for row in rows
    ]
