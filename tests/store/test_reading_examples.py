"""The examples of docs/data.md that read the lake work with what is installed, on rows of the day that they name."""

import re
from datetime import date
from pathlib import Path

import pytest

import option_rows
from v6.paths import ROOT
from v6.store.columns import Table
from v6.store.frames import rows_to_frame
from v6.store.lake import Lake
from v6.store.tables import TABLES

DAY = date(2026, 11, 27)
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.DOTALL)


def required(form: Table, symbol: str) -> dict[str, object]:
    """A row of which everything that may be null is."""
    values = {"string": symbol, "integer": 0, "long": 0, "double": 0.1, "boolean": False, "date": DAY}
    row = {column.name: values[column.type] for column in form.columns if column.required and column.name != "month"}
    return row | {"trade_date": DAY}


@pytest.fixture
def of_the_day(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the home's folder: 24 quotes, put together by a compaction; statistics of SPY, of QQQ only the day before."""
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    for slot, frame in option_rows.by_slot(option_rows.generated(DAY, slots=2, contracts=12, live=True)).items():
        lake.write_slot("option_snapshots", task=option_rows.TASK, slot=slot, frame=frame)
    row = required(TABLES["daily_statistics"], "SPY") | {"atm_iv_30d": 0.2}
    earlier = row | {"symbol": "QQQ", "trade_date": date(2026, 11, 25)}
    for one in (earlier, row):
        lake.replace("daily_statistics", rows_to_frame("daily_statistics", [one]), trade_date=one["trade_date"])
    lake.compact("option_snapshots")
    lake.compact("daily_statistics")
    monkeypatch.chdir(home)


@pytest.mark.usefixtures("of_the_day")
@pytest.mark.parametrize("place", [0, 1], ids=["polars", "duckdb"])
def test_the_example_prints_the_days_rows_once(place: int, capsys: pytest.CaptureFixture[str]) -> None:
    exec(EXAMPLES[place], {})

    said = capsys.readouterr().out

    assert len(re.findall(r"SPY[^\n]*0\.2\b", said)) == 1
    assert "QQQ" not in said.split("atm_iv_30d")[1]
    if place == 0:
        assert "shape: (24, 7)" in said
