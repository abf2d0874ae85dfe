"""A journal as V6 leaves it after a long time: so many rows, spread over its tables and over the days before an
instant, every day the same."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from v6.journal.database import transaction
from v6.journal.timestamps import instant_text, new_york_day, slot_text

COLLECTORS = ("collect_option_snapshots", "collect_futures_snapshots")
TASKS = (*COLLECTORS, "health_check", "validate_positions", "cleanup_old_data", "post_restart")
DAY = timedelta(days=1)
Row = tuple[object, ...]


def _slot(day: datetime, number: int) -> datetime:
    """Every five minutes, the latest first."""
    return day - timedelta(minutes=5 * number)


def _runs(tasks: tuple[str, ...]) -> "Callable[[datetime], Iterator[Row]]":
    def of_day(day: datetime) -> Iterator[Row]:
        for number in range(60):
            slot = _slot(day, number)
            ended = slot + timedelta(seconds=20)
            outcome = ("success", "success", "success", "recoverable", "skip", "fatal")[number % 6]
            reason = "running" if outcome == "skip" else ""
            who = (tasks[number % len(tasks)], slot_text(slot), new_york_day(slot), 1, 4711)
            when = (instant_text(slot), instant_text(ended))
            yield (*who, *when, 0, outcome, 20.0, 3.0, 90.0, "24 of 24 complete", "/opt/v6/logs/tasks/a.log", reason)

    return of_day


def _ledger(day: datetime) -> Iterator[Row]:
    for number in range(26):
        slot = _slot(day, number // 2)
        yield COLLECTORS[number % 2], slot_text(slot), 258, 257, 0, 1, 1, "closed", "", instant_text(slot)


def _misses(day: datetime) -> Iterator[Row]:
    for number in range(40):
        slot = _slot(day, number // 4)
        yield COLLECTORS[number % 2], slot_text(slot), str(number // 2 % 2), "SPY", "missing", "no_tick", ""


def _cycles(day: datetime) -> Iterator[Row]:
    for number in range(10):
        slot = slot_text(_slot(day, number))
        yield COLLECTORS[0], slot, 4711, slot, slot, "success", "24 of 24 complete"


def _events(day: datetime) -> Iterator[Row]:
    for number in range(10):
        yield instant_text(_slot(day, number)), f"kind_{number % 3}", TASKS[number % 4], "something happened"


def _alerts(day: datetime) -> Iterator[Row]:
    for number in range(8):
        at = instant_text(_slot(day, number))
        task = TASKS[number % 4]
        yield at, "failure", f"{task} failed", "in words", task, f"failed:{task}:exit_1", at, 1


def _deliveries(day: datetime) -> Iterator[Row]:
    for number in range(8):
        yield instant_text(_slot(day, number)), "alert", "a message", 1, ""


def _missed(day: datetime) -> Iterator[Row]:
    for number in range(4):
        slot = _slot(day, 200 + number)
        yield (
            "health_check",
            slot_text(slot),
            new_york_day(slot),
            "host_down",
            "nothing happened",
            instant_text(day),
            "",
        )


def fill(db: sqlite3.Connection, rows: int, until: datetime, tasks: tuple[str, ...] = TASKS) -> None:
    """So many rows of the days before `until`, in the order in which they would have come."""
    tables: dict[str, tuple[str, Callable[[datetime], Iterator[Row]]]] = {
        "runs": (
            "task, slot, day, attempt, pid, started_at, ended_at, exit_code, outcome, wall_seconds, cpu_seconds, "
            "peak_memory_mb, summary, log_file, reason",
            _runs(tasks),
        ),
        "slot_ledger": (
            "task, slot, expected, complete, partial, missing, universe_version, state, note, updated_at",
            _ledger,
        ),
        "slot_misses": ("task, slot, contract, symbol, status, reason, detail", _misses),
        "session_cycles": ("task, slot, pid, started_at, ended_at, outcome, summary", _cycles),
        "events": ("at, kind, task, text", _events),
        "alerts": ("at, severity, title, body, task, key, delivered_at, tries", _alerts),
        "deliveries": ("at, channel, what, alerts, error", _deliveries),
        "missed_slots": ("task, slot, day, cause, evidence, found_at, catch_up", _missed),
    }
    a_day = sum(len(list(of_day(until))) for _, of_day in tables.values())
    days = [until - DAY * back for back in range(rows // a_day, -1, -1)]
    with transaction(db):
        left = rows
        for table, (columns, of_day) in tables.items():
            share = rows * len(list(of_day(until))) // a_day if table != "missed_slots" else left
            left -= share
            newest = islice((row for day in reversed(days) for row in of_day(day)), share)
            marks = ", ".join("?" for _ in columns.split(","))
            db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", reversed(list(newest)))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
