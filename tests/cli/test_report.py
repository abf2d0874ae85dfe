"""`v6 report DATE`: one page, where it goes, and what is refused."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

import option_rows
from v6 import clock
from v6.store.lake import Lake

pytestmark = pytest.mark.long

Command = Callable[..., Result]
DAY = date(2025, 11, 20)


@pytest.fixture
def rows(home: Path) -> None:
    """Two slots of 12 contracts of a day in the past."""
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    for slot, frame in option_rows.by_slot(option_rows.generated(DAY, slots=2, contracts=12, live=True)).items():
        lake.write_slot("option_snapshots", task=option_rows.TASK, slot=slot, frame=frame)


@pytest.mark.usefixtures("rows")
def test_the_page_lies_among_the_reports_of_the_home(v6: Command, home: Path) -> None:
    said = v6("report", "2025-11-20").stdout

    [page] = (home / "var" / "reports").iterdir()
    assert said == f"{page}\n"
    assert page.name == "2025-11-20.html"
    assert "Thursday 2025-11-20" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("rows")
def test_the_page_goes_where_it_is_asked_to_and_leaves_nothing_else(v6: Command, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    v6("report", "2025-11-20", "--output", str(folder / "day.html"))

    assert [path.name for path in folder.iterdir()] == ["day.html"]


@pytest.mark.usefixtures("rows")
def test_a_program_gets_the_figures_and_no_page(v6: Command, home: Path) -> None:
    said = json.loads(v6("report", "2025-11-20", "--json").stdout)

    [quotes] = [source for source in said["sources"] if source["table"] == "option_snapshots"]
    assert (said["day"], quotes["rows"]) == ("2025-11-20", 24)
    assert not (home / "var" / "reports").exists()


def test_a_day_without_data_is_said_with_exit_code_1(v6: Command, home: Path) -> None:
    said = v6("report", "2025-11-27", code=1)

    assert "2025-11-27: nothing is stored of it: NYSE closed (Thanksgiving), no table has a row of it" in said.output
    assert not (home / "var" / "reports").exists()


@pytest.mark.parametrize(
    ("day", "words"), [("2099-01-04", "2099-01-04 has not begun"), ("thursday", "'thursday' is not a date")]
)
def test_a_day_to_come_and_what_is_no_day_are_refused(v6: Command, day: str, words: str) -> None:
    assert words in v6("report", day, code=2).output


@pytest.mark.usefixtures("rows")
def test_a_place_that_cannot_be_written_is_refused_by_name(v6: Command, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "day.html"

    said = v6("report", "2025-11-20", "--output", str(target), code=2).output

    assert f"--output {target}: there is no folder {target.parent}, allowed: a file in a folder that exists" in said


def test_a_missing_folder_is_refused_before_anything_is_read(v6: Command, tmp_path: Path) -> None:
    """Of this day nothing is stored, which would be exit code 1."""
    said = v6("report", "2025-11-20", "--output", str(tmp_path / "nowhere" / "day.html"), code=2).output

    assert "there is no folder" in said


def test_a_holiday_to_come_is_called_one(v6: Command) -> None:
    holiday = date(clock.now().year + 1, 1, 1)

    said = v6("report", f"{holiday}", code=2).output

    assert (
        f"{holiday} has not begun (it is {clock.now().date()} in New York), and NYSE is closed then (New Year" in said
    )
    assert "allowed: a day until today, or one of which this home holds something" in said


def test_a_rehearsed_day_to_come_has_its_page(v6: Command, home: Path) -> None:
    """A rehearsal's clock is ahead of the one that its home is read with afterwards."""
    ahead = clock.now().date() + timedelta(days=30)
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    for slot, frame in option_rows.by_slot(option_rows.generated(ahead, slots=1, contracts=12, live=True)).items():
        lake.write_slot("option_snapshots", task=option_rows.TASK, slot=slot, frame=frame)

    v6("report", f"{ahead}")

    assert (home / "var" / "reports" / f"{ahead}.html").exists()


def test_the_help_says_which_days_are_allowed(v6: Command) -> None:
    assert "or tomorrow" in v6("report", "nonsense", code=2).output
    assert "yesterday, tomorrow" in v6("report", "--help").stdout
