"""Runs: a row at the start, completed at the end."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6 import clock
from v6.clock import NEW_YORK
from v6.journal import database, runs
from v6.journal.runs import Ended

SLOT = datetime(2026, 11, 27, 10, 35, tzinfo=NEW_YORK)
TASK = "collect_option_snapshots"


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


def start(db: sqlite3.Connection, task: str = TASK, slot: datetime | None = SLOT, attempt: int = 1) -> int:
    return runs.start_attempt(db, task=task, slot=slot, attempt=attempt, pid=4711, log_file="logs/day.log")


def success(seconds: float = 2.0) -> Ended:
    return Ended("success", 0, seconds, 1.5, 120.0, "258 of 258 complete")


def test_a_started_attempt_is_open_until_it_is_finished(db: sqlite3.Connection) -> None:
    run_id = start(db)
    assert [run.id for run in runs.open_attempts(db, TASK)] == [run_id]
    runs.finish_attempt(db, run_id, success())
    assert runs.open_attempts(db) == []
    (run,) = runs.recent(db)
    assert (run.outcome, run.slot, run.wall_seconds, run.peak_memory_mb) == ("success", SLOT, 2.0, 120.0)
    assert abs(run.ended_at - clock.now()) < timedelta(seconds=5)


def test_a_killed_attempt_gets_no_invented_end(db: sqlite3.Connection) -> None:
    run_id = start(db)
    runs.mark_killed(db, run_id, "found at the next run")
    (run,) = runs.recent(db)
    assert (run.outcome, run.ended_at, run.exit_code) == ("killed", None, None)


def test_success_counts_for_the_new_york_day_of_the_slot(db: sqlite3.Connection) -> None:
    late = datetime(2026, 11, 27, 23, 30, tzinfo=NEW_YORK)  # already the 28th in UTC
    runs.finish_attempt(db, start(db, slot=late), success())
    assert runs.succeeded_on(db, TASK, "2026-11-27")
    assert not runs.succeeded_on(db, TASK, "2026-11-28")


def test_a_failure_or_a_skip_is_no_success(db: sqlite3.Connection) -> None:
    runs.finish_attempt(db, start(db), Ended("fatal", 2, 1.0, 0.5, 80.0))
    runs.record_skip(db, task=TASK, slot=SLOT, reason="running", detail="", log_file="")
    assert not runs.succeeded_on(db, TASK, "2026-11-27")
    assert runs.last_on(db, TASK, "2026-11-27").reason == "running"


def test_the_usual_duration_is_the_median_of_successes(db: sqlite3.Connection) -> None:
    assert runs.median_wall_seconds(db, TASK) is None
    for seconds in (1.0, 9.0, 2.0):
        runs.finish_attempt(db, start(db), success(seconds))
    runs.finish_attempt(db, start(db), Ended("time_limit", 124, 240.0, 1.0, 80.0))
    assert runs.median_wall_seconds(db, TASK) == 2.0


def test_a_span_goes_by_slot_and_by_start_without_one(db: sqlite3.Connection) -> None:
    inside = start(db)
    start(db, slot=SLOT + timedelta(hours=1))
    assert [run.id for run in runs.between(db, SLOT, SLOT + timedelta(hours=1))] == [inside]
    by_hand = start(db, slot=None)
    now = clock.now()
    assert [run.id for run in runs.between(db, now - timedelta(minutes=1), now + timedelta(minutes=1))] == [by_hand]


def test_a_naive_slot_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(ValueError, match="naive"):
        start(db, slot=datetime(2026, 11, 27, 10, 35))
