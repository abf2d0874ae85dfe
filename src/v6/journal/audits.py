"""What audits of the lake found: cleanup_old_data removes nothing on the word of a failed or an old one, or of one that
was of another lake."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from v6 import clock
from v6.journal import events

KIND, RESTORED = "audit", "lake_restored"
LOOKED_THROUGH = 100
COMMAND = "scripts/audit_data_integrity.py"
VALID_FOR = timedelta(days=14)
UNENDED = "it has not come to its end"


class Audit(NamedTuple):
    at: datetime
    clean: bool
    failed: tuple[str, ...]  # names of checks
    words: str


class Versions(NamedTuple):
    """Of each table, at the end of an audit."""

    at: datetime
    of: dict[str, int]


def record(
    db: sqlite3.Connection, text: str, *, clean: bool, failed: Sequence[str], versions: Mapping[str, int] | None = None
) -> None:
    details = {"clean": clean, "failed": list(failed), "versions": dict(versions or {})}
    events.record(db, KIND, text, "audit_data_integrity", details)


def restored(db: sqlite3.Connection, text: str) -> None:
    """The lake is another one now: what audits said of the one before holds no longer."""
    events.record(db, RESTORED, text)


def versions_before(db: sqlite3.Connection, day: date) -> Versions | None:
    """Those that the last audit of an earlier day noted, of the lake that is in place."""
    since = max((event.id for event in events.recent(db, RESTORED, limit=1)), default=0)
    for event in events.recent(db, KIND, limit=LOOKED_THROUGH):
        if event.id > since and event.at.date() < day and event.details.get("versions"):
            return Versions(event.at, event.details["versions"])
    return None


def begin(db: sqlite3.Connection) -> None:
    """What stands until `record`: an audit that was killed, or fell over, has proved nothing, whatever the last did."""
    record(db, "an audit has begun", clean=False, failed=[UNENDED])


def last(db: sqlite3.Connection) -> Audit | None:
    for event in events.recent(db, KIND, limit=1):
        return Audit(event.at, event.details["clean"], tuple(event.details["failed"]), event.text)
    return None


def objection(db: sqlite3.Connection) -> str:
    """Why nothing may be removed now, "" when an audit of late found the lake in order."""
    found = last(db)
    if found is None:
        return f"the lake was never audited: run {COMMAND}"
    for event in events.recent(db, RESTORED, limit=1):
        if event.at > found.at:
            return f"the lake was restored on {event.at:%Y-%m-%d %H:%M} and not audited since: run {COMMAND}"
    if not found.clean:
        what = ", ".join(found.failed) or "it could check nothing"
        return (
            f"the audit of {found.at:%Y-%m-%d %H:%M} failed ({what}): docs/data.md, Upkeep, says what to do; "
            f"then run {COMMAND}"
        )
    if found.at > clock.now():
        return (
            f"the last audit is of {found.at:%Y-%m-%d %H:%M}, which is not yet: set the clock right, then run {COMMAND}"
        )
    if clock.now() - found.at > VALID_FOR:
        return f"the last audit is of {found.at:%Y-%m-%d}, more than {VALID_FOR.days} days ago: run {COMMAND}"
    return ""
