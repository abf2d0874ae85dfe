"""`v6 lake status | compact | backup | restore`."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import option_rows
from v6.store.lake import Lake

Command = Callable[..., Result]
Answer = Callable[..., Any]
DAY = date(2026, 11, 20)


@pytest.fixture
def rows(home: Path) -> None:
    """Three slots of 24 contracts on 2026-11-20, a file each: 09:35, 09:40, 09:45."""
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    slots = option_rows.by_slot(option_rows.generated(DAY, slots=3, contracts=24, live=True))
    for slot, frame in slots.items():
        lake.write_slot("option_snapshots", task=option_rows.TASK, slot=slot, frame=frame)


def test_an_empty_lake_says_so(v6: Command, answer: Answer) -> None:
    assert "no table has been written yet" in v6("lake", "status").stdout
    assert "no table has been written yet" in v6("lake", "compact").stdout
    assert answer("lake", "status") == []


@pytest.mark.usefixtures("rows")
def test_status_counts_what_is_there(v6: Command, answer: Answer) -> None:
    [table] = answer("lake", "status")

    assert (table["name"], table["rows"], table["files"], table["dates"]) == ("option_snapshots", 72, 3, 1)
    assert (table["first_date"], table["last_date"]) == ("2026-11-20", "2026-11-20")
    [_, line] = v6("lake", "status").stdout.splitlines()
    assert line.split()[:3] == ["option_snapshots", "72", "3"]
    assert line.rstrip().endswith("2026-11-20 09:45 EST")


@pytest.mark.usefixtures("rows")
def test_compact_leaves_one_file_a_date_and_every_row(v6: Command, answer: Answer) -> None:
    said = v6("lake", "compact", "--date", "2026-11-20").stdout

    assert "option_snapshots: 1 dates rewritten, 72 rows, 3 -> 1 files" in said
    [table] = answer("lake", "status")
    assert (table["rows"], table["files"]) == (72, 1)


@pytest.mark.usefixtures("rows")
def test_compact_answers_a_program(answer: Answer) -> None:
    [done] = answer("lake", "compact")

    assert (done["table"], done["dates"]) == ("option_snapshots", ["2026-11-20"])
    assert (done["rows"], done["files_before"], done["files_after"]) == (72, 3, 1)


@pytest.mark.usefixtures("rows")
def test_compact_of_a_date_without_rows_says_so(v6: Command, answer: Answer) -> None:
    said = v6("lake", "compact", "--date", "2026-11-23", code=1).stdout

    assert said == "option_snapshots: no rows of 2026-11-23\n"
    assert answer("lake", "compact", "--date", "2026-11-23", code=1) == []
    assert answer("lake", "status")[0]["files"] == 3


LEASING = """
import sys, time
from pathlib import Path
from v6.gateway import client_ids
lease = client_ids.take(Path(sys.argv[1]), 10, 10, "collect_option_snapshots")
print("leased", flush=True)
time.sleep(60)
"""


@pytest.mark.usefixtures("rows")
def test_a_backup_says_what_is_in_it_and_comes_back(v6: Command, answer: Answer, home: Path) -> None:
    said = v6("lake", "backup", str(home / "saved")).stdout
    assert "1 tables, 72 rows" in said.replace("\n", " ")
    v6("lake", "compact")

    restored = v6("lake", "restore", str(home / "saved")).stdout

    assert "1 tables, 72 rows of" in restored.replace("\n", " ")
    assert "before-restore-" in restored
    assert [(table["rows"], table["files"]) for table in answer("lake", "status")] == [(72, 3)]


def test_what_is_no_backup_is_refused_in_one_line(v6: Command, home: Path) -> None:
    assert "not a backup: it has no manifest.json" in v6("lake", "restore", str(home), code=2).stderr


@pytest.mark.integration
@pytest.mark.usefixtures("rows")
def test_l33_nothing_is_restored_while_a_run_is_at_work(v6: Command, home: Path) -> None:
    v6("lake", "backup", str(home / "saved"))
    command = [sys.executable, "-c", LEASING, str(home / "var" / "leases")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "leased\n"

        refused = v6("lake", "restore", str(home / "saved"), code=2).stderr

        run.kill()
    assert f"runs are at work: collect_option_snapshots (pid {run.pid}, client 10)" in refused
    assert [path.name for path in (home / "var").iterdir() if path.name.startswith("lake")] == ["lake"]
