"""The journal: corrupt, locked, too new, not to be written; runs that died; slots that were missed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from ward import Ward, run

from v6 import clock
from v6.doctor import patient as patients
from v6.journal import database, missed
from v6.journal.migrations import MIGRATIONS
from v6.journal.missed import MissedSlot

pytestmark = pytest.mark.long


def many_runs(ward: Ward) -> Path:
    """A journal of some hundred pages, all of it in the file."""
    with ward.journal() as db, database.transaction(db):
        for back in range(3000):
            run(db, "health_check", clock.now() - timedelta(minutes=15 * back))
    with closing(sqlite3.connect(ward.paths.journal)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return ward.paths.journal


def test_a_journal_that_is_whole_is_well_and_stays_as_it_is(at_work: Ward) -> None:
    before = at_work.paths.journal.read_bytes()
    found = at_work.ask("journal")
    assert (found.state, found.evidence.startswith("whole, can be written, ")) == ("ok", True)
    assert at_work.paths.journal.read_bytes() == before


def test_before_the_first_run_there_is_none_and_none_is_made(ward: Ward) -> None:
    found = ward.all_of("journal", "runs", "missed")
    assert [str(one.state) for one in found.values()] == ["could_not_check"] * 3
    assert not ward.paths.journal.exists()


@pytest.mark.parametrize("place", ["head", "middle", "all"])
def test_a_corrupt_journal_is_wrong_with_its_cure_and_the_lines_that_need_it_say_so(ward: Ward, place: str) -> None:
    path = many_runs(ward)
    text = bytearray(path.read_bytes())
    size = len(text)
    start, end = {"head": (0, 100), "middle": (size // 2, size // 2 + 20_000), "all": (0, size)}[place]
    text[start:end] = os.urandom(end - start)
    path.write_bytes(text)
    found = ward.ask("journal")
    assert (found.state, f"{path} is damaged: " in found.evidence) == ("failed", True)
    assert "`v6 journal repair`" in found.cure
    others = ward.all_of("runs", "missed", "firing", "alerts", "heartbeat", "clock")
    assert (
        not [one for one in others.values() if one.state == "ok" and one.line in ("runs", "missed")]
        or place == "middle"
    )


@pytest.fixture
def held(at_work: Ward) -> Iterator[sqlite3.Connection]:
    """Another process keeps the write lock."""
    with closing(sqlite3.connect(at_work.paths.journal, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def test_a_journal_that_stays_locked_is_wrong(
    at_work: Ward, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patients, "BUSY_SECONDS", 0.2)
    found = at_work.ask("journal")
    assert found.state == "failed"
    assert "stayed locked by another process" in found.evidence
    assert "fuser -v var/v6.db" in found.cure
    held.execute("ROLLBACK")
    assert at_work.ask("journal").state == "ok"


def test_a_journal_of_a_newer_v6_is_refused_and_an_older_one_waits_for_the_next_run(at_work: Ward) -> None:
    newest = len(MIGRATIONS)
    for version, state, words in ((newest + 1, "failed", "is newer"), (newest - 1, "ok", f"brings it to {newest}")):
        with closing(sqlite3.connect(at_work.paths.journal)) as db:
            db.execute(f"PRAGMA user_version = {version}")
        found = at_work.ask("journal")
        assert (found.state, words in found.evidence) == (state, True), found
        assert at_work.ask("missed").state == "could_not_check"
        with closing(sqlite3.connect(at_work.paths.journal)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (version,), "the doctor migrates nothing"


def test_a_run_that_died_unnoticed_is_named(at_work: Ward) -> None:
    assert at_work.ask("runs").state == "ok"
    with at_work.journal() as db:
        run(db, "cleanup_old_data", clock.now() - timedelta(hours=1), outcome=None)
    found = at_work.ask("runs")
    assert (found.state, "killed without an end: cleanup_old_data" in found.evidence) == ("failed", True)


def miss(ward: Ward, hours: float, task: str = "health_check", cause: str = "host_down") -> None:
    now = clock.now()
    slot = (now - timedelta(hours=hours)).replace(second=0, microsecond=0)
    with ward.journal() as db:
        missed.record(db, MissedSlot(task, slot, f"{slot:%Y-%m-%d}", cause, "words", now, ""))


def test_missed_slots_of_the_last_day_are_counted_by_cause(at_work: Ward) -> None:
    assert at_work.ask("missed").state == "ok"
    miss(at_work, 30)
    assert "none in the last 24 hours, 1 in the six days before" in at_work.ask("missed").evidence
    for hours in (1, 2):
        miss(at_work, hours)
    miss(at_work, 3, "cleanup_old_data", "cron_silent")
    found = at_work.ask("missed")
    assert found.state == "failed"
    assert found.evidence.startswith(
        "3 slots of 2 tasks in the last 24 hours (host_down 2, cron_silent 1); looked up to "
    )
    assert "`v6 missed`" in found.cure


def test_as_long_as_nobody_has_looked_nothing_is_known_to_be_missed(ward: Ward) -> None:
    with ward.journal():
        pass
    found = ward.ask("missed")
    assert (found.state, "nobody has looked yet" in found.evidence) == ("could_not_check", True)
