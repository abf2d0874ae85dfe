"""Old rows of the journal, a New York day at a time: which days there are, and letting one go.

Never let go: restarts and outages (few, and compared over years), closed days (they are what the lake is held to), and
events that metrics count. How many rows there ever were is kept apart (`tallies`), so that no counter falls.
"""

import sqlite3
from datetime import date, datetime, time, timedelta

from v6 import clock
from v6.clock import NEW_YORK
from v6.journal.database import transaction
from v6.journal.timestamps import instant, instant_text, slot_text

OF_LEDGER = ("slot_misses",)
"""Large, and without an index by slot: their rows are found through the ledger's lines, which go after them."""
BY_SLOT = ("slot_ledger", "slot_drops", "session_cycles", "missed_slots")
COUNTED_EVENTS = ("tws_restart",)
HISTORICAL_REQUESTS_KEPT = timedelta(days=2)
"""TWS counts them over ten minutes."""


def run_days(db: sqlite3.Connection) -> list[date]:
    """Days with runs, oldest first; from one to the next by the index, for the runs of a day are many."""
    rows = db.execute(
        "WITH RECURSIVE days (day) AS (SELECT min(day) FROM runs UNION ALL "
        "SELECT (SELECT min(day) FROM runs WHERE day > days.day) FROM days WHERE days.day IS NOT NULL) "
        "SELECT day FROM days WHERE day IS NOT NULL"
    )
    return [date.fromisoformat(row[0]) for row in rows]


def days_before(db: sqlite3.Connection, first_kept: date) -> list[date]:
    """Days with runs or ledger lines, oldest first."""
    found = {
        date.fromisoformat(row[0])
        for row in db.execute("SELECT DISTINCT day FROM runs WHERE day < ?", (first_kept.isoformat(),))
    }
    slots = db.execute("SELECT DISTINCT slot FROM slot_ledger WHERE slot < ?", (slot_text(_midnight(first_kept)),))
    return sorted(found | {instant(row[0]).date() for row in slots})


def let_day_go(db: sqlite3.Connection, day: date) -> int:
    """Its runs and slots, all or nothing; the rows that went."""
    span = (slot_text(_midnight(day)), slot_text(_midnight(day + timedelta(days=1))))
    with transaction(db):
        gone = db.execute("DELETE FROM runs WHERE day = ?", (day.isoformat(),)).rowcount
        for table in OF_LEDGER:
            lines = "SELECT task, slot FROM slot_ledger WHERE slot >= ? AND slot < ?"
            gone += db.execute(f"DELETE FROM {table} WHERE (task, slot) IN ({lines})", span).rowcount  # noqa: S608
        for table in BY_SLOT:
            gone += db.execute(f"DELETE FROM {table} WHERE slot >= ? AND slot < ?", span).rowcount  # noqa: S608
    return gone


def old_notes(db: sqlite3.Connection, first_kept: date) -> int:
    """Events and delivered alerts of before that day: how many `let_notes_go` would let go."""
    return sum(
        int(db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()[0])  # noqa: S608
        for table, condition, values in _notes(first_kept)
    )


def let_notes_go(db: sqlite3.Connection, first_kept: date) -> int:
    """Events, delivered alerts, what was delivered, and requests for bars that no longer count; the rows that went."""
    with transaction(db):
        return sum(
            db.execute(f"DELETE FROM {table} WHERE {condition}", values).rowcount  # noqa: S608
            for table, condition, values in _notes(first_kept)
        )


def _notes(first_kept: date) -> list[tuple[str, str, tuple[str, ...]]]:
    """Table, condition in SQL, its values."""
    before = instant_text(_midnight(first_kept))
    counted = ", ".join("?" for _ in COUNTED_EVENTS)
    return [
        ("events", f"at < ? AND kind NOT IN ({counted})", (before, *COUNTED_EVENTS)),
        ("alerts", "at < ? AND delivered_at IS NOT NULL", (before,)),
        ("deliveries", "channel IN ('alert', 'heartbeat') AND at < ?", (before,)),
        ("historical_requests", "at < ?", (instant_text(clock.now() - HISTORICAL_REQUESTS_KEPT),)),
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK)
