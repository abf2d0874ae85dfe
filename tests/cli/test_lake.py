"""`v6 lake status | compact | backup | restore`."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import option_rows
from v6.store.frames import rows_to_frame
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


@pytest.fixture
def held(home: Path) -> None:
    """Positions of 30 October, and of 19 and 20 November: a table kept by month."""
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    for day in (date(2026, 10, 30), date(2026, 11, 19), DAY):
        slot = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
        who = {"task": "validate_positions", "account": "DU1", "con_id": 7, "symbol": "SPY", "sec_type": "STK"}
        row = {"trade_date": day, "slot": slot, "quantity": 1.0} | who
        lake.replace("positions", rows_to_frame("positions", [row]), trade_date=day, slot=slot)


def test_an_empty_lake_says_so(v6: Command, answer: Answer) -> None:
    assert "no table has been written yet" in v6("lake", "status").stdout
    assert "no table has been written yet" in v6("lake", "compact").stdout
    assert answer("lake", "status") == []


@pytest.mark.usefixtures("rows")
def test_status_counts_what_is_there(v6: Command, answer: Answer) -> None:
    [table] = answer("lake", "status")

    assert (table["name"], table["rows"], table["files"], table["partitions"]) == ("option_snapshots", 72, 3, 1)
    assert (table["first_date"], table["last_date"]) == ("2026-11-20", "2026-11-20")
    [_, line] = v6("lake", "status").stdout.splitlines()
    assert line.split()[:3] == ["option_snapshots", "72", "3"]
    assert line.rstrip().endswith("2026-11-20 09:45 EST")


@pytest.mark.usefixtures("rows", "held")
def test_a_table_kept_by_month_shows_its_days_and_counts_its_months(v6: Command, answer: Answer) -> None:
    [_, positions] = answer("lake", "status")

    assert (positions["partition"], positions["partitions"], positions["files"]) == ("month", 2, 3)
    assert (positions["first_date"], positions["last_date"]) == ("2026-10-30", "2026-11-20")
    _, quotes, held_line = v6("lake", "status").stdout.splitlines()
    assert "1 day " in quotes
    assert re.search(r"2 months +2026-10-30 +2026-11-20", held_line)


@pytest.mark.usefixtures("rows", "held")
def test_compact_of_a_date_takes_its_month_where_a_table_is_kept_by_month(v6: Command) -> None:
    said = v6("lake", "compact", "--date", "2026-11-23").stdout

    assert "option_snapshots: no rows of 2026-11-23\n" in said
    assert "positions: 1 month rewritten (2026-11), 3 rows, 3 -> 2 files" in said
    assert "positions: no rows of 2026-12\n" in v6("lake", "compact", "--date", "2026-12-01", code=1).stdout


@pytest.mark.usefixtures("rows")
def test_compact_leaves_one_file_a_date_and_every_row(v6: Command, answer: Answer) -> None:
    said = v6("lake", "compact", "--date", "2026-11-20").stdout

    assert "option_snapshots: 1 day rewritten (2026-11-20), 72 rows, 3 -> 1 file," in said
    [table] = answer("lake", "status")
    assert (table["rows"], table["files"]) == (72, 1)


@pytest.mark.usefixtures("rows")
def test_compact_answers_a_program(answer: Answer) -> None:
    [done] = answer("lake", "compact")

    assert (done["table"], done["rewritten"]) == ("option_snapshots", ["2026-11-20"])
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
    assert "1 table, 72 rows" in said.replace("\n", " ")
    assert ("with the journal" in said) == (home / "saved" / "v6.db").exists()
    v6("lake", "compact")

    restored = v6("lake", "restore", str(home / "saved")).stdout

    assert "1 table, 72 rows of" in restored.replace("\n", " ")
    [kept] = (home / "var").glob("lake.before-restore-*")
    stamp = datetime.strptime(kept.name.removeprefix("lake.before-restore-")[:15], "%Y-%m-%d-%H%M")
    assert re.search(rf"72 rows of {stamp:%Y-%m-%d} \d\d:\d\d E[SD]T", restored), "one clock: New York's"
    assert restored.splitlines()[-1] == f"when all is well, remove what was before: rm -r {kept}"
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
