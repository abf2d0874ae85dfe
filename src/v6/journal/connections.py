"""What each task knows of its connection to TWS: one row a task, with the age of everything in it."""

import os
import sqlite3
from collections import namedtuple

from v6 import clock
from v6.journal.timestamps import instant, instant_text

SESSION = "run_market_session"
"""The task whose row is the market session's, whichever of its cron lines began it."""
SESSION_LOCK = "market_session.lock"
"""Under the locks; the session holds it (`flock`) while it lives."""

CONNECTED = "connected"
CONNECTED_CLOSED = "connected_closed"  # the market is closed
WAITING = "waiting"  # nothing is connected, and that is as it should be
RECONNECTING = "reconnecting"
RESTART_WINDOW = "restart_window"
DISCONNECTED = "disconnected"

Known = namedtuple("Known", "task status detail attempts client_id pid since at")


def say(
    db: sqlite3.Connection, task: str, status: str, detail: str = "", *, attempts: int = 0, client_id: int | None = None
) -> None:
    """Of this process, proven now. `since` stays while the status does."""
    db.execute(
        "INSERT INTO connections (task, status, detail, attempts, client_id, pid, since, at) "
        "VALUES (:task, :status, :detail, :attempts, :client_id, :pid, :now, :now) ON CONFLICT (task) DO UPDATE SET "
        "since = CASE WHEN status = :status AND pid = :pid THEN since ELSE :now END, "
        "status = :status, detail = :detail, attempts = :attempts, client_id = :client_id, pid = :pid, at = :now",
        {
            "task": task,
            "status": status,
            "detail": detail,
            "attempts": attempts,
            "client_id": client_id,
            "pid": os.getpid(),
            "now": instant_text(clock.now()),
        },
    )


def known(db: sqlite3.Connection) -> list[Known]:
    """Of every task, the latest proven first."""
    rows = db.execute(f"SELECT {', '.join(Known._fields)} FROM connections ORDER BY at DESC, task")  # noqa: S608
    return [Known(*row)._replace(since=instant(row["since"]), at=instant(row["at"])) for row in rows]
