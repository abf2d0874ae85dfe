"""The slot ledger: for every slot of every collector, what was expected and what became of each contract."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from v6 import clock
from v6.journal.database import transaction
from v6.journal.timestamps import instant, instant_text, slot_text

TABLE_OF = {
    "scripts/collect_option_snapshots.py": "option_snapshots",
    "scripts/collect_futures_snapshots.py": "futures_snapshots",
}
"""The lake's table that each collector fills. A task with one of these scripts writes the ledger, whatever its name."""
CLOSING_OF = {"scripts/final_data_collection.py": "closing_marks"}
"""The day's one slot after the close: in the ledger like a collector's, but no market session takes it and no check of
the collectors waits for it."""
WRITERS = TABLE_OF | CLOSING_OF
"""Every script whose slots have a line in the ledger -> the lake's table that it fills."""


class Miss(NamedTuple):
    """A contract of a slot that is not complete. `contract` is what identifies it, usually its con_id."""

    contract: str
    symbol: str
    status: str  # 'partial' | 'missing'
    reason: str  # a v6.model.MissReason
    detail: str = ""


class Slot(NamedTuple):
    """One line of the ledger; the four figures count contracts. `state` is 'open' until the run accounted for all."""

    task: str
    slot: datetime
    expected: int
    complete: int
    partial: int
    missing: int
    universe_version: int | None
    state: str
    note: str
    updated_at: datetime


class Drop(NamedTuple):
    """A contract that a collector no longer expects, from a slot on."""

    contract: str
    symbol: str
    reason: str  # `recentred`: the new version of the universe collects others


class LedgerError(Exception):
    """The figures of a slot do not add up: a contract would go unaccounted."""


def open_slot(
    db: sqlite3.Connection,
    task: str,
    slot: datetime,
    expected: int,
    universe_version: int | None = None,
    note: str = "",
) -> None:
    """Say before collecting what is expected. A second try opens the slot again and keeps what is known of it."""
    db.execute(
        "INSERT INTO slot_ledger (task, slot, expected, missing, universe_version, state, note, updated_at) "
        "VALUES (:task, :slot, :expected, :expected, :version, 'open', :note, :now) "
        "ON CONFLICT (task, slot) DO UPDATE SET "
        "expected = :expected, universe_version = :version, state = 'open', note = :note, updated_at = :now",
        {
            "task": task,
            "slot": slot_text(slot),
            "expected": expected,
            "version": universe_version,
            "note": note,
            "now": instant_text(clock.now()),
        },
    )


def close_slot(
    db: sqlite3.Connection, task: str, slot: datetime, complete: int, misses: Sequence[Miss], note: str = ""
) -> None:
    """Store what became of a slot. Every expected contract is either complete or listed in `misses` with a reason."""
    text = slot_text(slot)
    partial = sum(miss.status == "partial" for miss in misses)
    missing = len(misses) - partial
    with transaction(db):
        row = db.execute("SELECT expected FROM slot_ledger WHERE task = ? AND slot = ?", (task, text)).fetchone()
        if row is None:
            raise LedgerError(f"{task} {text}: closed before it was opened")
        if complete + len(misses) != row[0]:
            raise LedgerError(f"{task} {text}: {complete} complete + {len(misses)} misses, but {row[0]} expected")
        db.execute("DELETE FROM slot_misses WHERE task = ? AND slot = ?", (task, text))
        db.executemany(
            "INSERT INTO slot_misses VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(task, text, str(m.contract), m.symbol, str(m.status), str(m.reason), m.detail) for m in misses],
        )
        db.execute(
            "UPDATE slot_ledger SET complete = ?, partial = ?, missing = ?, state = 'closed', note = ?, "
            "updated_at = ? WHERE task = ? AND slot = ?",
            (complete, partial, missing, note, instant_text(clock.now()), task, text),
        )


def drop(db: sqlite3.Connection, task: str, slot: datetime, drops: Sequence[Drop]) -> None:
    """Say which contracts end here: the slots before `slot` expected them, this one and later ones do not."""
    with transaction(db):
        db.executemany(
            "INSERT OR REPLACE INTO slot_drops VALUES (?, ?, ?, ?, ?)",
            [(task, slot_text(slot), item.contract, item.symbol, item.reason) for item in drops],
        )


def drops(db: sqlite3.Connection, task: str, slot: datetime) -> list[Drop]:
    rows = db.execute(
        "SELECT contract, symbol, reason FROM slot_drops WHERE task = ? AND slot = ? ORDER BY symbol, contract",
        (task, slot_text(slot)),
    )
    return [Drop(*row) for row in rows]


def slots_of(db: sqlite3.Connection, task: str | None, start: datetime, end: datetime) -> list[Slot]:
    """Ledger lines with start <= slot < end, by time then task."""
    span = (slot_text(start), slot_text(end))
    if task is None:
        return _select(db, "slot >= ? AND slot < ? ORDER BY slot, task", span)
    return _select(db, "task = ? AND slot >= ? AND slot < ? ORDER BY slot", (task, *span))


def slot_of(db: sqlite3.Connection, task: str, slot: datetime) -> Slot | None:
    rows = _select(db, "task = ? AND slot = ?", (task, slot_text(slot)))
    return rows[0] if rows else None


def open_slots(db: sqlite3.Connection, task: str) -> list[Slot]:
    """Slots that were begun and never closed: the run died. Oldest first."""
    return _select(db, "task = ? AND state = 'open' ORDER BY slot", (task,), "slot_ledger_open")


def misses(db: sqlite3.Connection, task: str, slot: datetime) -> list[Miss]:
    rows = db.execute(
        "SELECT contract, symbol, status, reason, detail FROM slot_misses WHERE task = ? AND slot = ? "
        "ORDER BY symbol, contract",
        (task, slot_text(slot)),
    )
    return [Miss(*row) for row in rows]


def reasons(db: sqlite3.Connection, task: str | None, start: datetime, end: datetime) -> list[tuple[str, str, int]]:
    """(status, reason, contracts) over the slots in [start, end), most frequent first."""
    # through the ledger's lines: the misses are many and have no index by slot
    of_task = "AND task = ?" if task else ""
    rows = db.execute(
        "SELECT status, reason, count(*) FROM slot_misses WHERE (task, slot) IN "  # noqa: S608
        f"(SELECT task, slot FROM slot_ledger WHERE slot >= ? AND slot < ? {of_task}) "
        "GROUP BY status, reason ORDER BY count(*) DESC, status, reason",
        (slot_text(start), slot_text(end), *((task,) if task else ())),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...], index: str = "") -> list[Slot]:
    by = f"INDEXED BY {index}" if index else ""
    rows = db.execute(f"SELECT {', '.join(Slot._fields)} FROM slot_ledger {by} WHERE {condition}", values)  # noqa: S608
    lines = [Slot(*row) for row in rows]
    return [line._replace(slot=instant(str(line.slot)), updated_at=instant(str(line.updated_at))) for line in lines]
