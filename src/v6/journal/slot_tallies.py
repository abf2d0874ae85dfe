"""What became of contracts: the latest slot of each collector as it is, and all slots that are settled as counts that
never fall.

A slot may be collected a second time while it can be mended, and its old figures are gone then. It is counted when it
is SETTLED old, once; what is mended later than that is not counted again.
"""

import sqlite3
from collections import namedtuple
from datetime import timedelta

from v6 import clock
from v6.journal import marks
from v6.journal.database import transaction
from v6.journal.timestamps import instant, slot_text

MARK = "contracts_counted"
SETTLED = timedelta(hours=2)
LINES = "FROM slot_ledger WHERE slot >= ? AND slot < ? AND state ="
COUNTED = (
    f"SELECT task, 'complete', '', sum(complete) {LINES} 'closed' GROUP BY task",
    f"SELECT task, 'unaccounted', '', sum(expected) {LINES} 'open' GROUP BY task",
    "SELECT task, status, reason, count(*) FROM slot_misses "  # noqa: S608
    f"WHERE (task, slot) IN (SELECT task, slot {LINES} 'closed') GROUP BY task, status, reason",
)
"""Rows of `contract_totals` of the slots in a span."""
Latest = namedtuple("Latest", "task slot expected complete partial missing reasons")


def latest(db: sqlite3.Connection) -> list[Latest]:
    """The latest closed slot of each task of the ledger. `reasons`: (status, reason) -> contracts."""
    rows = [
        db.execute(
            "SELECT task, slot, expected, complete, partial, missing FROM slot_ledger "
            "WHERE task = ? AND state = 'closed' ORDER BY slot DESC LIMIT 1",
            (task,),
        ).fetchone()
        for task in tasks(db)
    ]
    return [
        Latest(task, instant(slot), expected, complete, partial, missing, _reasons(db, task, slot))
        for task, slot, expected, complete, partial, missing in (row for row in rows if row)
    ]


def tasks(db: sqlite3.Connection) -> list[str]:
    """Every task with a line in the ledger; from one to the next by the index, for the lines are many."""
    rows = db.execute(
        "WITH RECURSIVE known (task) AS (SELECT min(task) FROM slot_ledger UNION ALL "
        "SELECT (SELECT min(task) FROM slot_ledger WHERE task > known.task) FROM known WHERE known.task IS NOT NULL) "
        "SELECT task FROM known WHERE task IS NOT NULL"
    )
    return [row[0] for row in rows]


def settle(db: sqlite3.Connection) -> None:
    """Count the slots that have become old enough since the last time."""
    until = slot_text(clock.now() - SETTLED)
    with transaction(db):
        span = (marks.read(db, MARK) or "", until)
        if span[0] >= until:
            return
        for counted in COUNTED:
            db.execute(
                f"INSERT INTO contract_totals {counted} "
                "ON CONFLICT DO UPDATE SET contracts = contracts + excluded.contracts",
                span,
            )
        marks.write(db, MARK, until)


def totals(db: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
    """(task, status, reason, contracts) of the settled slots."""
    rows = db.execute("SELECT task, status, reason, contracts FROM contract_totals ORDER BY task, status, reason")
    return [tuple(row) for row in rows]


def _reasons(db: sqlite3.Connection, task: str, slot: str) -> dict[tuple[str, str], int]:
    rows = db.execute(
        "SELECT status, reason, count(*) FROM slot_misses WHERE task = ? AND slot = ? GROUP BY status, reason",
        (task, slot),
    )
    return {(status, reason): number for status, reason, number in rows}
