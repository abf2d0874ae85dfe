import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from v6 import file_locks
from v6.journal import database, events, repair, runs
from v6.journal.repair import RepairError

pytestmark = pytest.mark.long

PAGE = 4096
ROWS = 3000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With 3,000 ended runs and an event, closed."""
    path = tmp_path_factory.mktemp("template") / "v6.db"
    with closing(database.connect(path)) as db:
        with database.transaction(db):
            for number in range(ROWS):
                run = runs.start_attempt(
                    db, task=f"task_{number % 7}", slot=None, attempt=1, pid=1, log_file=f"/logs/{number}.log"
                )
                runs.finish_attempt(db, run, runs.Ended("success", 0, 1.0, 0.5, 10.0, f"did {number}"))
        events.record(db, "test", "before the damage")
    return path


@pytest.fixture
def journal(template: Path, home: Path) -> Path:
    path = home / "var" / "v6.db"
    (home / "var" / "locks").mkdir(parents=True)
    shutil.copy(template, path)
    return path


def runs_in(path: Path) -> list[str]:
    with closing(database.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT summary FROM runs ORDER BY id")]


def leaf_of_runs(path: Path) -> int:
    """The number of a page in the middle of the table's rows."""
    with closing(sqlite3.connect(path)) as db:
        try:
            rows = db.execute("SELECT pageno FROM dbstat WHERE name = 'runs' AND pagetype = 'leaf' ORDER BY path")
            pages = [row[0] for row in rows]
            return int(pages[len(pages) // 2])
        except sqlite3.OperationalError:  # SQLite without dbstat: look for the rows
            middle = f"did {ROWS // 2}".encode()
            return path.read_bytes().index(middle) // PAGE + 1


def overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(os.urandom(PAGE))


def test_a_whole_journal_has_no_flaw_and_is_not_repaired(journal: Path) -> None:
    assert repair.flaws(journal) == []
    with pytest.raises(RepairError, match="is not damaged"):
        repair.repair(journal, journal.parent / "locks")


def test_a_bad_page_costs_its_rows_and_no_others(journal: Path) -> None:
    overwrite(journal, leaf_of_runs(journal))
    before = journal.read_bytes()
    assert repair.flaws(journal)

    repaired = repair.repair(journal, journal.parent / "locks")

    kept = runs_in(journal)
    assert repair.flaws(journal) == []
    assert ROWS - 100 < len(kept) < ROWS
    assert kept[0] == "did 0"
    assert kept[-1] == f"did {ROWS - 1}"
    [table] = [table for table in repaired.tables if table.name == "runs"]
    assert (table.kept, table.complete) == (len(kept), False)
    assert "not read to the end: runs" in repair.said(repaired)
    assert repaired.aside.read_bytes() == before


def test_a_repaired_journal_goes_on_counting_where_it_was(journal: Path) -> None:
    overwrite(journal, leaf_of_runs(journal))
    repair.repair(journal, journal.parent / "locks")
    with closing(database.connect(journal)) as db:
        new = runs.start_attempt(db, task="after", slot=None, attempt=1, pid=1, log_file="")
        runs.finish_attempt(db, new, runs.Ended("success", 0, 1.0, 0.5, 10.0, "after"))
        totals = dict(db.execute("SELECT task, sum(runs) FROM run_totals GROUP BY task").fetchall())
        assert [event.text for event in events.recent(db)] == ["before the damage"]
    assert new == ROWS + 1
    assert totals.get("after", 1) == 1
    assert sum(totals.values()) in (0, ROWS + 1)  # kept in a table of their own, whose rows are whole


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def _empty_header(path: Path) -> None:
    overwrite(path, 1)


@pytest.mark.parametrize("spoil", [_empty_header, _garbage])
def test_what_is_no_database_any_more_is_kept_and_a_new_journal_begun(
    journal: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(journal)
    repaired = repair.repair(journal, journal.parent / "locks")
    assert runs_in(journal) == []
    assert repaired.aside.exists()
    assert not any(table.complete for table in repaired.tables)


def test_rows_that_are_only_in_the_write_ahead_log_are_saved_too(journal: Path) -> None:
    page = leaf_of_runs(journal)
    with closing(database.connect(journal)) as db:
        events.record(db, "test", "in the log only")
        overwrite(journal, page)
        copies = {side: journal.with_name(journal.name + side).read_bytes() for side in repair.BESIDE}
    for side, content in copies.items():  # as a killed process leaves them
        journal.with_name(journal.name + side).write_bytes(content)
    repair.repair(journal, journal.parent / "locks")
    with closing(database.connect(journal)) as db:
        assert [event.text for event in events.recent(db)] == ["in the log only", "before the damage"]


def test_it_waits_for_what_runs(journal: Path) -> None:
    overwrite(journal, leaf_of_runs(journal))
    before = journal.read_bytes()
    held = file_locks.acquire(journal.parent / "locks" / "health_check.lock")
    assert held is not None
    with pytest.raises(RepairError, match="in use by health_check"):
        repair.repair(journal, journal.parent / "locks")
    os.close(held)
    assert journal.read_bytes() == before
    assert [path.name for path in journal.parent.glob("v6.db.*")] in ([], ["v6.db.migrate"])


def test_nothing_begins_while_it_works(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overwrite(journal, leaf_of_runs(journal))
    locks = journal.parent / "locks"
    (locks / "health_check.lock").touch()
    taken = []
    saved = repair._saved

    def try_to_begin(*places: Path) -> list[repair.Table]:
        taken.append(file_locks.acquire(locks / "health_check.lock"))
        return saved(*places)

    monkeypatch.setattr(repair, "_saved", try_to_begin)
    repair.repair(journal, locks)
    assert taken == [None]
    assert not file_locks.is_held(locks / "health_check.lock")


HOLDS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    db.execute(statement).fetchall()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"), "stayed locked by another process"),
        (("SELECT 1 FROM events",), "another process has it open"),
    ],
)
def test_a_journal_that_somebody_else_has_open_is_not_replaced(
    journal: Path, statements: tuple[str, ...], words: str
) -> None:
    """Neither is a whole one that is merely locked taken for a damaged one."""
    if "SELECT" in statements[0]:
        overwrite(journal, leaf_of_runs(journal))
    before = journal.read_bytes()
    command = (sys.executable, "-c", HOLDS, str(journal), *statements)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(RepairError, match=words):
            repair.repair(journal, journal.parent / "locks")
        assert journal.read_bytes() == before
        assert list(journal.parent.glob("v6.db.damaged-*")) == []
        other.communicate(b"")


def test_killed_while_it_puts_the_new_one_in_place_nothing_is_lost(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = leaf_of_runs(journal)
    with closing(database.connect(journal)) as db:
        events.record(db, "test", "in the log only")
        overwrite(journal, page)
        copies = {side: journal.with_name(journal.name + side).read_bytes() for side in repair.BESIDE}
    for side, content in copies.items():
        journal.with_name(journal.name + side).write_bytes(content)
    before = journal.read_bytes()

    class KilledError(BaseException):
        """As by kill -9, in the last moment."""

    def killed(*_: Path) -> None:
        raise KilledError

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KilledError):
        repair.repair(journal, journal.parent / "locks")
    [aside] = journal.parent.glob("v6.db.damaged-*[0-9]")
    assert aside.read_bytes() == journal.read_bytes() == before
    assert aside.with_name(aside.name + "-wal").read_bytes() == copies["-wal"]
    assert not journal.with_name(journal.name + "-wal").exists()  # it would spoil whatever is put here


def test_the_journal_of_an_older_v6_is_saved_too(journal: Path) -> None:
    page = leaf_of_runs(journal)
    with closing(sqlite3.connect(journal)) as db:
        db.executescript("ALTER TABLE events DROP COLUMN task; PRAGMA user_version = 4; PRAGMA journal_mode = DELETE")
    overwrite(journal, page)
    repair.repair(journal, journal.parent / "locks")
    with closing(database.connect(journal)) as db:
        assert [event.text for event in events.recent(db)] == ["before the damage"]


def test_without_a_journal_it_says_what_comes_next(home: Path) -> None:
    with pytest.raises(RepairError, match="the next run makes a new one"):
        repair.flaws(home / "var" / "v6.db")
