"""Runs: one row per attempt, written when it starts and completed when it ends. A row without an end was killed."""

import sqlite3
from collections import namedtuple
from datetime import datetime, timedelta

from v6 import clock
from v6.journal.timestamps import instant, instant_text, new_york_day, optional, slot_text

OUTCOMES = ("success", "skip", "recoverable", "fatal", "time_limit", "killed", "signal")
COVERED = "covered_by_session"
"""The reason of a skip that is as good as a success: the market session has committed the slot."""
DONE = f"(outcome = 'success' OR reason = '{COVERED}')"
"""The condition in SQL of what `is_done` says of a row."""

# namedtuple, not NamedTuple: importing typing would cost the supervisor's start
Run = namedtuple(
    "Run",
    "id task slot day attempt pid started_at ended_at exit_code outcome wall_seconds cpu_seconds peak_memory_mb "
    "summary log_file reason note",
)
Ended = namedtuple(
    "Ended",
    "outcome exit_code wall_seconds cpu_seconds peak_memory_mb summary reason note",
    defaults=("", "", ""),
)


def is_done(outcome: str | None, reason: str) -> bool:
    """Whether what the attempt was started for is done."""
    return outcome == "success" or reason == COVERED


def start_attempt(
    db: sqlite3.Connection, *, task: str, slot: datetime | None, attempt: int, pid: int | None, log_file: str
) -> int:
    """Write the row of an attempt that begins now; the id to finish it with."""
    now = clock.now()
    cursor = db.execute(
        "INSERT INTO runs (task, slot, day, attempt, pid, started_at, log_file) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (task, _slot(slot), new_york_day(slot or now), attempt, pid, instant_text(now), log_file),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def set_pid(db: sqlite3.Connection, run_id: int, pid: int) -> None:
    db.execute("UPDATE runs SET pid = ? WHERE id = ?", (pid, run_id))


def finish_attempt(db: sqlite3.Connection, run_id: int, ended: Ended) -> None:
    """Complete the row of an attempt that ends now. `ended.outcome` is one of OUTCOMES."""
    db.execute(
        "UPDATE runs SET outcome = ?, exit_code = ?, wall_seconds = ?, cpu_seconds = ?, peak_memory_mb = ?, "
        "summary = ?, reason = ?, note = ?, ended_at = ? WHERE id = ?",
        (*ended, instant_text(clock.now()), run_id),
    )


def record_skip(
    db: sqlite3.Connection, *, task: str, slot: datetime | None, reason: str, detail: str, log_file: str
) -> int:
    """A run the gate let through and the supervisor did not start: `running`, `dependency`, `deadline`."""
    now = clock.now()
    cursor = db.execute(
        "INSERT INTO runs (task, slot, day, attempt, started_at, ended_at, exit_code, outcome, wall_seconds, reason, "
        "summary, log_file) VALUES (?, ?, ?, 0, ?, ?, 0, 'skip', 0, ?, ?, ?)",
        (
            task,
            _slot(slot),
            new_york_day(slot or now),
            instant_text(now),
            instant_text(now),
            reason,
            detail,
            log_file,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def open_attempts(db: sqlite3.Connection, task: str | None = None) -> list[Run]:
    """Attempts without an end: running now, or killed. Who holds the task's lock knows that they were killed."""
    of_task, values = _of(task)
    return _select(db, f"outcome IS NULL {of_task} ORDER BY id", values, "runs_unfinished")


def mark_killed(db: sqlite3.Connection, run_id: int, note: str) -> None:
    """End the row of an attempt that can no longer end itself; when it died is not known, so no end is invented."""
    db.execute("UPDATE runs SET outcome = 'killed', reason = 'killed', note = ? WHERE id = ?", (note, run_id))


def succeeded_on(db: sqlite3.Connection, task: str, day: str) -> bool:
    """Whether an attempt of the task for that New York date (`2026-11-27`) succeeded, or the session did it."""
    row = db.execute(f"SELECT 1 FROM runs WHERE task = ? AND day = ? AND {DONE} LIMIT 1", (task, day))  # noqa: S608
    return row.fetchone() is not None


def last_on(db: sqlite3.Connection, task: str, day: str) -> Run | None:
    """The latest attempt or skip of the task for that New York date."""
    rows = _select(db, "task = ? AND day = ? ORDER BY id DESC LIMIT 1", (task, day))
    return rows[0] if rows else None


def last_finished_before(db: sqlite3.Connection, task: str, run_id: int) -> Run | None:
    """The attempt before this one that did something or was spared it, to tell a recovery from a usual success."""
    ended = "outcome IS NOT NULL AND outcome <> 'skip'"
    condition = f"task = ? AND id < ? AND attempt > 0 AND ({ended} OR reason = '{COVERED}')"
    rows = _select(db, f"{condition} ORDER BY id DESC LIMIT 1", (task, run_id))
    return rows[0] if rows else None


def first_started(db: sqlite3.Connection) -> datetime | None:
    """When V6 first ran anything here, None before that."""
    row = db.execute("SELECT started_at FROM runs ORDER BY id LIMIT 1").fetchone()
    return optional(row[0]) if row else None


def begun(db: sqlite3.Connection) -> datetime | None:
    """Since when V6 works here, as far as the journal goes back: its first run, or that run's slot."""
    row = db.execute("SELECT started_at, slot FROM runs ORDER BY id LIMIT 1").fetchone()
    return min(instant(text) for text in row if text) if row else None


def median_wall_seconds(db: sqlite3.Connection, task: str, sample: int = 21) -> float | None:
    """The median duration of the latest successful attempts, None before the first."""
    rows = db.execute(
        "SELECT wall_seconds FROM runs WHERE task = ? AND outcome = 'success' ORDER BY id DESC LIMIT ?", (task, sample)
    ).fetchall()
    durations = sorted(row[0] for row in rows)
    return durations[len(durations) // 2] if durations else None


def recent(db: sqlite3.Connection, task: str | None = None, limit: int = 20) -> list[Run]:
    """The latest rows, newest first."""
    of_task, values = _of(task)
    return _select(db, f"true {of_task} ORDER BY id DESC LIMIT ?", (*values, limit))


def between(db: sqlite3.Connection, start: datetime, end: datetime, task: str | None = None) -> list[Run]:
    """Rows whose slot, or start when there is none, is in [start, end), oldest first."""
    of_task, values = _of(task)
    condition = f"coalesce(slot, started_at) >= ? AND coalesce(slot, started_at) < ? {of_task} ORDER BY id"
    return _select(db, condition, (slot_text(start), slot_text(end), *values), "runs_by_moment")


def of_day(db: sqlite3.Connection, day: str) -> list[Run]:
    """Rows of that New York date (`2026-11-27`), oldest first."""
    return _select(db, "day = ? ORDER BY id", (day,))


def ended_since(db: sqlite3.Connection, task: str, start: datetime) -> list[Run]:
    """Attempts and skips of the task that ended after `start` and had begun less than a day before it, oldest first."""
    values = (task, instant_text(start - timedelta(days=1)), instant_text(start))
    return _select(db, "task = ? AND started_at > ? AND ended_at > ? ORDER BY id", values)


def of_slot(db: sqlite3.Connection, task: str, slot: datetime) -> list[Run]:
    """Every attempt and skip of one slot, oldest first."""
    return _select(db, "task = ? AND slot = ? ORDER BY id", (task, slot_text(slot)))


def _of(task: str | None) -> tuple[str, tuple[str, ...]]:
    """The condition of one task or of all, and its value. Spelled out, so that SQLite can go by an index."""
    return ("", ()) if task is None else ("AND task = ?", (task,))


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...], index: str = "") -> list[Run]:
    """`index`: by which it must go; SQLite alone would read all rows rather than sort the few."""
    by = f"INDEXED BY {index}" if index else ""
    rows = db.execute(f"SELECT {', '.join(Run._fields)} FROM runs {by} WHERE {condition}", values)  # noqa: S608
    return [_run(row) for row in rows]


def _run(row: sqlite3.Row) -> Run:
    run = Run(*row)
    return run._replace(slot=optional(run.slot), started_at=optional(run.started_at), ended_at=optional(run.ended_at))


def _slot(slot: datetime | None) -> str | None:
    return None if slot is None else slot_text(slot)
