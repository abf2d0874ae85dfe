"""Named marks: how far something has been looked at, when something is due again. Standard library only."""

import sqlite3


def read(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def write(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)", (name, value))


def exchange(db: sqlite3.Connection, name: str, old: str | None, new: str) -> bool:
    """Write it if it still is `old` (None: not there); whether it was, for of several who try one succeeds."""
    if old is None:
        cursor = db.execute("INSERT OR IGNORE INTO marks (name, value) VALUES (?, ?)", (name, new))
    else:
        cursor = db.execute("UPDATE marks SET value = ? WHERE name = ? AND value = ?", (new, name, old))
    return cursor.rowcount == 1
