"""Slots that the market session collected on its connection, or tried to: what the cron run of the slot goes by."""

import os
import sqlite3
from collections import namedtuple
from datetime import datetime

from v6 import clock
from v6.journal.timestamps import instant, instant_text, optional, slot_text

SUCCESS = "success"
FAILED = "failed"

Cycle = namedtuple("Cycle", "task slot pid started_at ended_at outcome summary")


def begin(db: sqlite3.Connection, task: str, slot: datetime) -> None:
    """A second try of the slot replaces the first."""
    db.execute(
        "INSERT OR REPLACE INTO session_cycles (task, slot, pid, started_at) VALUES (?, ?, ?, ?)",
        (task, slot_text(slot), os.getpid(), instant_text(clock.now())),
    )


def end(db: sqlite3.Connection, task: str, slot: datetime, outcome: str, summary: str) -> None:
    """`outcome`: SUCCESS (the slot is committed) or FAILED."""
    db.execute(
        "UPDATE session_cycles SET ended_at = ?, outcome = ?, summary = ? WHERE task = ? AND slot = ?",
        (instant_text(clock.now()), outcome, summary, task, slot_text(slot)),
    )


def of_slot(db: sqlite3.Connection, task: str, slot: datetime) -> Cycle | None:
    rows = _select(db, "task = ? AND slot = ?", (task, slot_text(slot)))
    return rows[0] if rows else None


def between(db: sqlite3.Connection, start: datetime, end: datetime) -> list[Cycle]:
    """Cycles with start <= slot < end, by slot."""
    return _select(db, "slot >= ? AND slot < ? ORDER BY slot, task", (slot_text(start), slot_text(end)))


def in_words(cycle: Cycle) -> str:
    """`the market session (pid 4711) from 10:35:00 on, success in 3.2 s: 10:35 24 of 24 complete`."""
    words = f"the market session (pid {cycle.pid}) from {cycle.started_at:%H:%M:%S} on, "
    if cycle.ended_at is None:
        return f"{words}without an end: at work, or killed"
    seconds = cycle.ended_at.timestamp() - cycle.started_at.timestamp()
    return f"{words}{cycle.outcome} in {seconds:.1f} s" + (f": {cycle.summary}" if cycle.summary else "")


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[Cycle]:
    rows = db.execute(f"SELECT {', '.join(Cycle._fields)} FROM session_cycles WHERE {condition}", values)  # noqa: S608
    return [
        cycle._replace(
            slot=instant(cycle.slot), started_at=instant(cycle.started_at), ended_at=optional(cycle.ended_at)
        )
        for cycle in (Cycle(*row) for row in rows)
    ]
