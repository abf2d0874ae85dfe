"""Events (what happened, for people and audits) and the outbox of alerts (what a person must be told)."""

import json
import sqlite3
from collections import namedtuple
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from v6 import clock
from v6.journal.timestamps import instant_text, optional

Event = namedtuple("Event", "id at kind task text details")
Alert = namedtuple("Alert", "id at severity title body task key delivered_at tries error")

QUIET = timedelta(hours=1)


def record(
    db: sqlite3.Connection, kind: str, text: str, task: str | None = None, details: Mapping[str, object] | None = None
) -> int:
    """Append one event. `kind` is a short code such as `run_killed`; `details` must be JSON."""
    cursor = db.execute(
        "INSERT INTO events (at, kind, task, text, details) VALUES (?, ?, ?, ?, ?)",
        (instant_text(clock.now()), kind, task, text, json.dumps(details or {})),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def recent(db: sqlite3.Connection, kind: str | None = None, limit: int = 50) -> list[Event]:
    """The latest events, newest first."""
    rows = db.execute(
        f"SELECT id, at, kind, task, text, details FROM events {'WHERE kind = ?' if kind else ''} "  # noqa: S608
        "ORDER BY id DESC LIMIT ?",
        (kind, limit) if kind else (limit,),
    )
    return [Event(row[0], optional(row[1]), row[2], row[3], row[4], json.loads(row[5])) for row in rows]


def count_since(db: sqlite3.Connection, kind: str, start: datetime) -> int:
    """How many events of `kind` happened from `start` on."""
    row = db.execute("SELECT count(*) FROM events WHERE at >= ? AND +kind = ?", (instant_text(start), kind)).fetchone()
    return int(row[0])


def latest_id(db: sqlite3.Connection, kind: str) -> int:
    """Of the latest event of the kind; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM events WHERE kind = ?", (kind,)).fetchone()[0])


def after(db: sqlite3.Connection, kind: str, event_id: int) -> list[Event]:
    """Every event of the kind that was recorded after that one, oldest first."""
    rows = db.execute(
        "SELECT id, at, kind, task, text, details FROM events WHERE kind = ? AND id > ? ORDER BY id", (kind, event_id)
    )
    return [Event(row[0], optional(row[1]), row[2], row[3], row[4], json.loads(row[5])) for row in rows]


def raise_alert(
    db: sqlite3.Connection,
    *,
    severity: str,
    title: str,
    body: str,
    key: str,
    task: str | None = None,
    quiet: timedelta = QUIET,
) -> int | None:
    """Put an alert into the outbox; None when the same `key` was raised within `quiet` (a person knows already)."""
    now = clock.now()
    cursor = db.execute(
        "INSERT INTO alerts (at, severity, title, body, task, key) SELECT :at, :severity, :title, :body, :task, :key "
        "WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE key = :key AND at > :quiet_since AND at <= :at)",
        {
            "at": instant_text(now),
            "severity": severity,
            "title": title,
            "body": body,
            "task": task,
            "key": key,
            "quiet_since": instant_text(now - quiet),
        },
    )
    return cursor.lastrowid if cursor.rowcount else None


def unanswered(db: sqlite3.Connection, key: str, answer: str) -> bool:
    """Whether an alert of `key` was raised after the latest one of `answer`."""
    latest = "SELECT COALESCE(max(id), 0) FROM alerts WHERE key = ?"
    return bool(db.execute(f"SELECT ({latest}) > ({latest})", (key, answer)).fetchone()[0])


def unanswered_of(db: sqlite3.Connection, tasks: Sequence[str], beginnings: Sequence[str], answer: str) -> bool:
    """The same of alerts of these tasks whose key begins in one of these ways."""
    keys = " OR ".join("key >= ? AND key < ? || '~'" for _ in beginnings)
    found = db.execute(
        f"SELECT 1 FROM alerts WHERE id > (SELECT COALESCE(max(id), 0) FROM alerts WHERE key = ?) "  # noqa: S608
        f"AND task IN ({', '.join('?' for _ in tasks)}) AND ({keys}) LIMIT 1",
        (answer, *tasks, *(text for beginning in beginnings for text in (beginning, beginning))),
    )
    return found.fetchone() is not None


def raised(db: sqlite3.Connection, beginning: str, since: datetime) -> bool:
    """Whether an alert whose key begins so was raised after `since`, and not in the future (the clock went back)."""
    found = db.execute(
        "SELECT 1 FROM alerts WHERE +key >= :key AND +key < :key || '~' AND at > :since AND at <= :now LIMIT 1",
        {"key": beginning, "since": instant_text(since), "now": instant_text(clock.now())},
    )
    return found.fetchone() is not None


def latest_of(db: sqlite3.Connection, beginning: str) -> int:
    """The number of the latest alert whose key begins so; 0 when there is none."""
    query = "SELECT coalesce(max(id), 0) FROM alerts WHERE +key >= :key AND +key < :key || '~'"
    return int(db.execute(query, {"key": beginning}).fetchone()[0])


def undelivered(db: sqlite3.Connection, limit: int = 20, tries_below: int = 1_000_000) -> list[Alert]:
    """Alerts nobody has received, oldest first."""
    return _alerts(db, "delivered_at IS NULL AND tries < ? ORDER BY id LIMIT ?", (tries_below, limit))


def latest_alert(db: sqlite3.Connection) -> int:
    """Its number; 0 when there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM alerts").fetchone()[0])


def latest_alerts(db: sqlite3.Connection, limit: int = 20) -> list[Alert]:
    """Newest first."""
    return _alerts(db, "true ORDER BY id DESC LIMIT ?", (limit,))


def alert(db: sqlite3.Connection, number: int) -> Alert | None:
    found = _alerts(db, "id = ?", (number,))
    return found[0] if found else None


def alerts_since(db: sqlite3.Connection, start: datetime, limit: int = 100) -> list[Alert]:
    return _alerts(db, "at >= ? ORDER BY +id LIMIT ?", (instant_text(start), limit))


def mark_leaving(db: sqlite3.Connection, alert_ids: Sequence[int]) -> None:
    """Said before they are sent: a journal that cannot be written would have them sent again and again."""
    db.executemany("UPDATE alerts SET error = 'being sent' WHERE id = ?", [(number,) for number in alert_ids])


def mark_delivered(db: sqlite3.Connection, alert_id: int) -> None:
    now = instant_text(clock.now())
    db.execute("UPDATE alerts SET delivered_at = ?, tries = tries + 1, error = '' WHERE id = ?", (now, alert_id))


def mark_failed(db: sqlite3.Connection, alert_id: int, error: str) -> None:
    db.execute("UPDATE alerts SET tries = tries + 1, error = ? WHERE id = ?", (error, alert_id))


def _alerts(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[Alert]:
    rows = db.execute(f"SELECT {', '.join(Alert._fields)} FROM alerts WHERE {condition}", values)  # noqa: S608
    return [
        alert._replace(at=optional(alert.at), delivered_at=optional(alert.delivered_at))
        for alert in (Alert(*row) for row in rows)
    ]
