import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from v6 import file_locks
from v6.journal import database, events, repair, runs
from v6.journal.repair import RepairError

PAGE = 4096
ROWS = 3000


@pytest.fixture
def journal(home: Path) -> Path:
    """With 3,000 ended runs and an event, closed."""
    path = home / "var" / "v6.db"
    (home / "var" / "locks").mkdir(parents=True)
    with closing(database.connect(path)) as db:
        with database.transaction(db):
            for number in range(ROWS):
                run = runs.start_attempt(
                    db, task=f"task_{number % 7}", slot=None, attempt=1, pid=1, log_file=f"/logs/{number}.log"
                )
                runs.finish_attempt(db, run, runs.Ended("success", 0, 1.0, 0.5, 10.0, f"did {number}"))
        events.record(db, "test", "before the damage")
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


def test_without_a_journal_it_says_what_comes_next(home: Path) -> None:
    with pytest.raises(RepairError, match="the next run makes a new one"):
        repair.flaws(home / "var" / "v6.db")
