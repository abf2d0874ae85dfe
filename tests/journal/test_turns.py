"""Turns: once in a while, for one of those who ask."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from v6 import clock
from v6.journal import database, turns


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(database.connect(tmp_path / "v6.db")) as connection:
        yield connection


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The host's monotonic clock: its only element."""
    now = [5000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    return now


def test_the_first_time_ever_begins_the_waiting(db: sqlite3.Connection, seconds: list[float]) -> None:
    assert not turns.due(db, "metrics")
    seconds[0] += turns.FIRST_SECONDS - 1
    assert not turns.due(db, "metrics")
    seconds[0] += 1
    assert turns.due(db, "metrics")


def test_one_is_told_and_then_nobody_for_a_while(db: sqlite3.Connection, seconds: list[float]) -> None:
    assert [turns.due(db, "lake", at_once=True) for _ in range(3)] == [True, False, False]
    turns.after(db, "lake", 3600)
    seconds[0] += 3599
    assert not turns.due(db, "lake")
    seconds[0] += 1
    assert [turns.due(db, "lake") for _ in range(2)] == [True, False]


def test_a_turn_that_was_just_taken_is_not_due_at_that_very_moment(
    db: sqlite3.Connection, seconds: list[float]
) -> None:
    seconds[0] = 5000.0006  # a thousandth of a second, rounded, would lie ahead
    turns.after(db, "metrics", 60)
    assert not turns.due(db, "metrics")


def test_a_reboot_delays_nothing(db: sqlite3.Connection, seconds: list[float]) -> None:
    turns.after(db, "metrics", 60)
    seconds[0] = 12.0
    assert turns.due(db, "metrics")


def test_subjects_wait_for_themselves_only(db: sqlite3.Connection, seconds: list[float]) -> None:
    turns.after(db, "metrics", 60)
    assert turns.due(db, "lake", at_once=True)
    assert not turns.due(db, "metrics")


def test_a_locked_journal_costs_the_turn_and_no_more(tmp_path: Path, seconds: list[float]) -> None:
    with closing(database.connect(tmp_path / "v6.db")) as other, closing(database.connect(tmp_path / "v6.db", 0)) as db:
        with database.transaction(other):
            assert not turns.due(db, "lake", at_once=True)
        assert turns.due(db, "lake", at_once=True)
