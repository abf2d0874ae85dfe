"""What audits of the lake found: cleanup_old_data removes nothing on the word of a failed or an old one."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from v6 import clock
from v6.journal import events

KIND = "audit"
COMMAND = "scripts/audit_data_integrity.py"
VALID_FOR = timedelta(days=14)


class Audit(NamedTuple):
    at: datetime
    clean: bool
    failed: tuple[str, ...]  # names of checks
    words: str


def record(db: sqlite3.Connection, text: str, *, clean: bool, failed: Sequence[str]) -> None:
    events.record(db, KIND, text, "audit_data_integrity", {"clean": clean, "failed": list(failed)})


def last(db: sqlite3.Connection) -> Audit | None:
    for event in events.recent(db, KIND, limit=1):
        return Audit(event.at, event.details["clean"], tuple(event.details["failed"]), event.text)
    return None


def objection(db: sqlite3.Connection) -> str:
    """Why nothing may be removed now, "" when an audit of late found the lake in order."""
    found = last(db)
    if found is None:
        return f"the lake was never audited: run {COMMAND}"
    if not found.clean:
        what = ", ".join(found.failed) or "it could check nothing"
        return (
            f"the audit of {found.at:%Y-%m-%d %H:%M} failed ({what}): docs/data.md, Upkeep, says what to do; "
            f"then run {COMMAND}"
        )
    if clock.now() - found.at > VALID_FOR:
        return f"the last audit is of {found.at:%Y-%m-%d}, more than {VALID_FOR.days} days ago: run {COMMAND}"
    return ""
