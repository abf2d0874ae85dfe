"""The gate's log is counted once, line by line, however it is written and rotated."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from v6.journal import database, gate_counts

SKIP = "2026-11-27 13:05:00 EST|{task}|2026-11-27T18:05:00Z|skip|{reason}|said in words | with a bar\n"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(database.connect(tmp_path / "v6.db")) as connection:
        yield connection


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "logs" / "scheduler"
    folder.mkdir(parents=True)
    return folder / "cron_wrapper.log"


def say(log: Path, task: str, reason: str, times: int = 1) -> None:
    with log.open("a") as file:
        file.write(SKIP.format(task=task, reason=reason) * times)


def totals(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    return {(task, reason): skips for task, reason, skips in gate_counts.totals(db)}


def test_nothing_is_counted_before_there_is_a_log(db: sqlite3.Connection, log: Path, tmp_path: Path) -> None:
    assert gate_counts.count(db, log) == gate_counts.count(db, tmp_path / "nowhere" / "cron_wrapper.log") == 0
    assert totals(db) == {}


def test_each_line_is_counted_once(db: sqlite3.Connection, log: Path) -> None:
    say(log, "collect", "holiday", 3)
    assert gate_counts.count(db, log) == 3
    assert gate_counts.count(db, log) == 0
    say(log, "collect", "weekend")
    say(log, "collect", "holiday")
    assert gate_counts.count(db, log) == 2
    assert totals(db) == {("collect", "holiday"): 4, ("collect", "weekend"): 1}


def test_only_skips_are_counted_and_only_whole_lines(db: sqlite3.Connection, log: Path) -> None:
    log.write_text("2026-11-27 13:05:00 EST|collect||run|due|\nnot a line of the gate\nskip|skip|skip|\n|\n")
    half = SKIP.format(task="collect", reason="phase")
    with log.open("a") as file:
        file.write(half[:40])
    assert gate_counts.count(db, log) == 0
    with log.open("a") as file:
        file.write(half[40:])
    assert gate_counts.count(db, log) == 1
    assert totals(db) == {("collect", "phase"): 1}


def test_a_log_renamed_meanwhile_is_read_to_its_end(db: sqlite3.Connection, log: Path) -> None:
    say(log, "collect", "holiday", 2)
    gate_counts.count(db, log)
    say(log, "collect", "holiday", 5)
    log.rename(log.with_name("cron_wrapper.2026-11-27.log"))
    say(log, "collect", "weekend", 3)
    assert gate_counts.count(db, log) == 8
    assert gate_counts.count(db, log) == 0
    assert totals(db) == {("collect", "holiday"): 7, ("collect", "weekend"): 3}


def test_a_log_renamed_before_the_next_is_there_loses_nothing(db: sqlite3.Connection, log: Path) -> None:
    say(log, "collect", "holiday", 2)
    gate_counts.count(db, log)
    log.rename(log.with_name("cron_wrapper.2026-11-27.log"))
    assert gate_counts.count(db, log) == 0
    say(log, "collect", "holiday")
    assert gate_counts.count(db, log) == 1


def test_a_log_cut_off_is_read_from_its_beginning(db: sqlite3.Connection, log: Path) -> None:
    say(log, "collect", "holiday", 5)
    gate_counts.count(db, log)
    log.write_text("")
    say(log, "collect", "weekend", 2)
    assert gate_counts.count(db, log) == 2
    assert totals(db) == {("collect", "holiday"): 5, ("collect", "weekend"): 2}


def test_old_logs_are_not_counted_again_when_the_one_that_was_read_is_gone(db: sqlite3.Connection, log: Path) -> None:
    say(log, "collect", "holiday", 2)
    log.rename(log.with_name("cron_wrapper.2026-11-26.log"))
    say(log, "collect", "holiday", 1)
    assert gate_counts.count(db, log) == 3
    kept = log.open()  # or the next file might get its number
    log.unlink()
    say(log, "collect", "holiday", 4)
    assert gate_counts.count(db, log) == 4
    kept.close()


def test_more_than_one_read_is_counted_whole(
    db: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_counts, "AT_ONCE", 250)  # two and a half lines
    say(log, "collect", "holiday", 101)
    assert gate_counts.count(db, log) == 101
