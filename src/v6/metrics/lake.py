"""Rows and bytes of the lake's tables, from their logs: no file of data is opened. Reading the logs of a large lake
takes its time, so it is done once in a while, and what was found is kept."""

import sqlite3
from collections.abc import Iterator

from prometheus_client.core import Metric

from v6 import clock
from v6.config.settings import Lake as LakeSettings
from v6.journal import turns
from v6.journal.database import transaction
from v6.journal.timestamps import instant, instant_text
from v6.metrics.families import gauge
from v6.paths import Paths

TURN = "lake_sizes"
EVERY_SECONDS = 3600.0


def collect(db: sqlite3.Connection) -> Iterator[Metric]:
    known = list(db.execute("SELECT lake_table, rows, bytes, files, at FROM lake_sizes ORDER BY lake_table"))
    for name, words, column in (
        ("v6_lake_rows", "Rows of a table of the lake.", 1),
        ("v6_lake_bytes", "Bytes of the files that a table of the lake consists of.", 2),
        ("v6_lake_files", "Files that a table of the lake consists of.", 3),
    ):
        samples = [((row[0],), float(row[column])) for row in known if row[column] is not None]
        yield gauge(name, words, ("table",), samples)
    at = [((), max(instant(row[4]).timestamp() for row in known))] if known else []
    yield gauge("v6_lake_measured_timestamp_seconds", "When the lake was measured.", (), at)


def measure(db: sqlite3.Connection, settings: LakeSettings, paths: Paths) -> None:
    """Raises LakeError, OSError."""
    from v6.store.lake import Lake

    turns.after(db, TURN, EVERY_SECONDS)
    tables = [table for table in Lake.at(settings, paths).status() if table.exists]
    now = instant_text(clock.now())
    with transaction(db):
        db.execute("DELETE FROM lake_sizes")
        db.executemany(
            "INSERT INTO lake_sizes VALUES (?, ?, ?, ?, ?)",
            [(table.name, table.rows, table.size_bytes, table.files, now) for table in tables],
        )
