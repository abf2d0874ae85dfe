"""The journal's file: shared by many processes, migrated once, never half-written."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from v6.journal import database, events, tallies

WRITER = """
import sys
from v6.journal import database, events
for number in range(40):
    db = database.connect(sys.argv[1])
    events.record(db, "test", f"{sys.argv[2]} {number}")
    db.close()
"""


@pytest.mark.integration
def test_four_processes_may_create_and_write_it_at_once(tmp_path: Path) -> None:
    place = tmp_path / "var" / "v6.db"
    command = [sys.executable, "-c", WRITER, str(place)]
    writers = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(4)]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 4
    db = database.connect(place)
    assert len({event.text for event in events.recent(db, limit=500)}) == 160
    db.close()


@pytest.mark.integration
def test_two_processes_may_bring_an_old_journal_up_to_date_at_once(tmp_path: Path) -> None:
    """While a process of the release before still writes to it."""
    place = tmp_path / "v6.db"
    old = sqlite3.connect(place, isolation_level=None)
    old.execute("PRAGMA journal_mode = WAL")
    for number, script in enumerate(database.MIGRATIONS[:4], start=1):
        old.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
    begun = "INSERT INTO runs (task, day, attempt, started_at, outcome) VALUES ('t', '2026-11-20', 1, '2026', ?)"
    old.executemany(begun, [("success",)] * 3 + [(None,)])
    command = [sys.executable, "-c", WRITER, str(place)]
    writers = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(2)]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 2
    old.execute("UPDATE runs SET outcome = 'success', ended_at = '2026' WHERE outcome IS NULL")
    old.close()
    with closing(database.connect(place)) as db:
        assert [one.runs for one in tallies.runs(db)] == [4]
        assert len(events.recent(db, limit=500)) == 80


def test_it_is_in_wal_mode_and_waits_for_other_writers(tmp_path: Path) -> None:
    db = database.connect(tmp_path / "v6.db")
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA busy_timeout").fetchone()[0] == 10_000
    db.close()


def _write_half(db: sqlite3.Connection) -> None:
    with database.transaction(db):
        events.record(db, "test", "the first half")
        db.execute("INSERT INTO events (at, kind, text) VALUES (NULL, 'test', 'the second half')")


def test_a_failing_transaction_leaves_nothing(tmp_path: Path) -> None:
    db = database.connect(tmp_path / "v6.db")
    with pytest.raises(sqlite3.IntegrityError):
        _write_half(db)
    assert events.recent(db) == []
    db.close()


def test_a_journal_of_a_newer_v6_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "v6.db"
    db = sqlite3.connect(place)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(database.JournalError, match="schema 99 is newer"):
        database.connect(place)


@pytest.mark.integration
def test_the_supervisor_imports_the_standard_library_only() -> None:
    code = "import v6.runner.supervise, sys; print(*sorted(m for m in sys.modules if m.split('.')[0] != 'v6'))"
    source = Path(database.__file__).resolve().parents[2]
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0].lstrip("_") for name in done.stdout.split()}
    heavy = {"asyncio", "typing", "dataclasses", "logging", "subprocess", "pydantic", "yaml"}
    assert not loaded & heavy
