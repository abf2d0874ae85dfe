"""What each task knows of its connection to TWS: one row a task, with the age of everything in it."""

import os
import sqlite3
from collections import namedtuple

from v6 import clock
from v6.journal.timestamps import instant, instant_text, optional

SESSION = "run_market_session"
"""The task whose row is the market session's, whichever of its cron lines began it."""
RESUMES = "resume_market_session"
"""The task that begins it anew."""
SESSION_LOCK = "market_session.lock"
"""Under the locks; the session holds it (`flock`) while it lives."""

CONNECTED = "connected"
CONNECTED_CLOSED = "connected_closed"  # the market is closed
WAITING = "waiting"  # nothing is connected, and that is as it should be
RECONNECTING = "reconnecting"
RESTART_WINDOW = "restart_window"
DISCONNECTED = "disconnected"
HOLDING = (CONNECTED, CONNECTED_CLOSED)
"""The statuses of a task that has a connection."""

# What `disconnected` is for besides a diagnosis's verdict: its detail begins with one of these or of those.
LOST = "connection lost"
UNANSWERED = "a question was not answered"
BUDGET_SPENT = "connection budget spent"
NO_CLIENT_ID = "no client id is free"
LIBRARY_UNUSABLE = "library unusable"
NOT_A_SIMULATOR = "not a simulator"
NO_CONNECTION = "could not connect"

Known = namedtuple("Known", "task status detail attempts client_id pid since at away away_since place")


def say(
    db: sqlite3.Connection,
    task: str,
    status: str,
    detail: str = "",
    *,
    attempts: int = 0,
    client_id: int | None = None,
    away: str = "",
    place: str = "",
) -> None:
    """Of this process, proven now. `since` stays while the status does, and `away_since` while anything is `away`.
    `place`: of the TWS that it is about (host:port), "": the configured one."""
    db.execute(
        "INSERT INTO connections "
        "(task, status, detail, attempts, client_id, pid, place, since, at, away, away_since) VALUES (:task, :status, "
        ":detail, :attempts, :client_id, :pid, :place, :now, :now, :away, iif(:away = '', NULL, :now)) "
        "ON CONFLICT (task) DO UPDATE SET "
        "away_since = CASE WHEN :away = '' THEN NULL WHEN away = '' OR pid <> :pid THEN :now ELSE away_since END, "
        "since = CASE WHEN status = :status AND pid = :pid THEN since ELSE :now END, "
        "status = :status, detail = :detail, attempts = :attempts, client_id = :client_id, pid = :pid, at = :now, "
        "away = :away, place = :place",
        {
            "task": task,
            "status": status,
            "detail": detail,
            "attempts": attempts,
            "client_id": client_id,
            "pid": os.getpid(),
            "place": place,
            "now": instant_text(clock.now()),
            "away": away,
        },
    )


def known(db: sqlite3.Connection) -> list[Known]:
    """Of every task, the latest proven first."""
    rows = db.execute(f"SELECT {', '.join(Known._fields)} FROM connections ORDER BY at DESC, task")  # noqa: S608
    return [
        known._replace(since=instant(known.since), at=instant(known.at), away_since=optional(known.away_since))
        for known in (Known(*row) for row in rows)
    ]
