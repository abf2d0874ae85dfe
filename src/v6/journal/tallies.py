"""Counts over the whole journal: what metrics are made of. They grow and never fall, whatever process asks."""

import sqlite3
from collections import namedtuple
from datetime import datetime

from v6.journal.runs import DONE
from v6.journal.timestamps import instant

WindowTally = namedtuple("WindowTally", "window restarts orders_cancelled")
Last = namedtuple("Last", "window window_start validated_at restored first_tick_seconds recovery_seconds")
RunTally = namedtuple(
    "RunTally",
    "task outcome reason runs retries wall_seconds cpu_seconds last_ended_at last_wall_seconds last_peak_memory_mb",
)


def by_window(db: sqlite3.Connection) -> list[WindowTally]:
    """Restarts that came to an end, other than windows that TWS lived through, and orders cancelled before them."""
    rows = db.execute(
        "SELECT window, sum(outcome IS NOT NULL AND observed <> 'no_restart'), sum(orders_cancelled) "
        "FROM restarts GROUP BY window ORDER BY window"
    )
    return [WindowTally(*row) for row in rows]


def durations(db: sqlite3.Connection) -> dict[str, list[float]]:
    """window -> seconds of each restart, from the first sign that TWS was away (the window's start, if none was seen)
    until everything was validated; without what was tried by hand before a window."""
    found: dict[str, list[float]] = {}
    rows = db.execute(
        "SELECT window, coalesce(away_at, window_start), validated_at FROM restarts "
        "WHERE validated_at >= window_start AND observed <> 'no_restart' ORDER BY window, id"
    )
    for window, start, end in rows:
        found.setdefault(window, []).append(max(0.0, (instant(end) - instant(start)).total_seconds()))
    return found


def last_of_each_window(db: sqlite3.Connection) -> list[Last]:
    """The last restart of each window that post_restart has brought to an end."""
    rows = db.execute(
        "SELECT window, window_start, validated_at, restored, first_tick_seconds, connected_at, max(id) "
        "FROM restarts WHERE outcome IS NOT NULL GROUP BY window ORDER BY window"
    )
    return [_last(row) for row in rows]


def runs(db: sqlite3.Connection) -> list[RunTally]:
    """Attempts and skips that ended, also those whose rows are gone, by task, outcome and a skip's reason; with the
    figures of the last of each."""
    rows = db.execute(f"SELECT {', '.join(RunTally._fields)} FROM run_totals ORDER BY task, outcome, reason")  # noqa: S608
    return [RunTally(*row) for row in rows]


def last_successes(db: sqlite3.Connection) -> dict[str, datetime]:
    """task -> when its last attempt ended that succeeded, or whose slot the market session had."""
    rows = db.execute(
        f"SELECT task, max(last_ended_at) FROM run_totals WHERE {DONE} AND last_ended_at <> '' "  # noqa: S608
        "GROUP BY task ORDER BY task"
    )
    return {task: instant(ended) for task, ended in rows}


def events_of(db: sqlite3.Connection, kind: str) -> int:
    return int(db.execute("SELECT count(*) FROM events WHERE kind = ?", (kind,)).fetchone()[0])


def rows_of(db: sqlite3.Connection, table: str) -> list[tuple[str, str, int]]:
    """How many rows were ever written to `alerts` (severity, ''), `deliveries` (channel, result), `missed_slots` (task,
    cause), by those two."""
    rows = db.execute("SELECT first, second, rows FROM row_totals WHERE name = ? ORDER BY first, second", (table,))
    return [tuple(row) for row in rows]


def alerts_waiting(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM alerts WHERE delivered_at IS NULL").fetchone()[0])


def _last(row: sqlite3.Row) -> Last:
    window, start, validated, restored, first_tick, connected = row[:6]
    recovery = None
    if validated and connected and instant(validated) >= instant(connected):  # else it was looked at once more
        recovery = (instant(validated) - instant(connected)).total_seconds()
    return Last(window, instant(start), instant(validated) if validated else None, restored, first_tick, recovery)
