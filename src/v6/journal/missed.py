"""Slots that were due and never ran, as the looks for them recorded them, and how far has been looked.

`v6.missed` finds them, says why, and writes them here; a slot is recorded once.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Iterable, Mapping
from datetime import datetime

from v6.journal import marks
from v6.journal.timestamps import instant, instant_text, new_york_day, optional, slot_text

MARK = "missed_slots"
"""Of `marks`: up to where it has been looked."""
CLOCKS = "clocks"
"""Of `marks`: what the host's clocks read at the last look."""
STARTED = "started"
"""Of `catch_up`: the gate was told to run the slot. Everything else is why it was not, '' that nobody wanted it."""

MissedSlot = namedtuple("MissedSlot", "task slot day cause evidence found_at catch_up")


def record(db: sqlite3.Connection, one: MissedSlot) -> bool:
    """Whether it was not known yet."""
    cursor = db.execute(
        f"INSERT OR IGNORE INTO missed_slots ({', '.join(MissedSlot._fields)}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            one.task,
            slot_text(one.slot),
            new_york_day(one.slot),
            one.cause,
            one.evidence,
            instant_text(one.found_at),
            one.catch_up,
        ),
    )
    return cursor.rowcount == 1


def set_catch_up(db: sqlite3.Connection, task: str, slot: datetime, words: str) -> None:
    db.execute("UPDATE missed_slots SET catch_up = ? WHERE task = ? AND slot = ?", (words, task, slot_text(slot)))


def of_slot(db: sqlite3.Connection, task: str, slot: datetime) -> MissedSlot | None:
    rows = _select(db, "task = ? AND slot = ?", (task, slot_text(slot)))
    return rows[0] if rows else None


def between(db: sqlite3.Connection, start: datetime, end: datetime) -> list[MissedSlot]:
    """Those with start <= slot < end, by slot and task."""
    return _select(db, "slot >= ? AND slot < ? ORDER BY slot, task", (slot_text(start), slot_text(end)))


def found_since(db: sqlite3.Connection, start: datetime) -> int:
    """How many were found from `start` on. Looks begin at most 14 days before they are made."""
    row = db.execute("SELECT count(*) FROM missed_slots WHERE found_at >= ?", (instant_text(start),)).fetchone()
    return int(row[0])


def in_words(one: MissedSlot) -> str:
    """`host_down: the host was down ...; found 2026-11-24 12:05 EST; catch-up: too_late`"""
    words = f"{one.cause}: {one.evidence}; found {one.found_at:%Y-%m-%d %H:%M %Z}"
    return f"{words}; catch-up: {one.catch_up}" if one.catch_up else words


def looked_until(db: sqlite3.Connection) -> datetime | None:
    """Every slot before it has been judged; None before the first look."""
    return optional(marks.read(db, MARK))


def set_looked_until(db: sqlite3.Connection, until: datetime) -> None:
    marks.write(db, MARK, slot_text(until))


def known_since(db: sqlite3.Connection) -> dict[str, tuple[str, datetime]]:
    """Task -> (its definition, since when it has been defined so)."""
    rows = db.execute("SELECT task, definition, since FROM known_tasks")
    return {row[0]: (row[1], instant(row[2])) for row in rows}


def know(db: sqlite3.Connection, definitions: Mapping[str, str], now: datetime) -> None:
    """From now on the tasks are defined so; the others are known no more. Known since a time to come is not known: the
    clock has gone back."""
    known = known_since(db)
    for task, definition in definitions.items():
        defined, since = known.get(task, ("", now))
        if defined != definition or since > now:
            db.execute(
                "INSERT OR REPLACE INTO known_tasks (task, definition, since) VALUES (?, ?, ?)",
                (task, definition, slot_text(now)),
            )
    forget(db, known.keys() - definitions.keys())


def forget(db: sqlite3.Connection, tasks: Iterable[str]) -> None:
    for task in tasks:
        db.execute("DELETE FROM known_tasks WHERE task = ?", (task,))


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[MissedSlot]:
    rows = db.execute(
        f"SELECT {', '.join(MissedSlot._fields)} FROM missed_slots WHERE {condition}",  # noqa: S608
        values,
    )
    return [
        one._replace(slot=instant(one.slot), found_at=instant(one.found_at)) for one in (MissedSlot(*r) for r in rows)
    ]
