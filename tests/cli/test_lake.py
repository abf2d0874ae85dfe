"""`v6 lake status | compact`."""

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
