"""For how long a task has gone on failing."""

import sqlite3
from collections import namedtuple

from v6.journal.runs import DONE
from v6.journal.timestamps import optional

Streak = namedtuple("Streak", "failures since last_success")
"""Runs (not attempts) without a success; when the first of them began; the last success, None: there has been none."""


def streak(db: sqlite3.Connection, task: str, before_run: int | None = None) -> Streak:
    """Of the runs after the task's last success, skips left out; with `before_run` as it stood before that run."""
    end = before_run or 2**62
    row = db.execute(
        f"SELECT id, coalesce(slot, started_at) FROM runs WHERE task = ? AND id < ? AND {DONE} "  # noqa: S608
        "ORDER BY id DESC LIMIT 1",
        (task, end),
    ).fetchone()
    after, success = (row[0], optional(row[1])) if row else (0, None)
    failures, since = db.execute(
        "SELECT count(*), min(coalesce(slot, started_at)) FROM runs "
        "WHERE task = ? AND id > ? AND id < ? AND attempt = 1 AND outcome <> 'skip'",
        (task, after, end),
    ).fetchone()
    return Streak(int(failures), optional(since), success)
