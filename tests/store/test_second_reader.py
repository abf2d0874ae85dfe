"""DuckDB, which shares no code with deltalake or polars, opens every table from the Delta log alone (L18)."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

import duckdb
import polars as pl
import pytest

from option_rows import TASK, universe
from v6.model import Contract, Quote, QuoteStatus
from v6.store.frames import quotes_to_frame
from v6.store.lake import Lake

pytestmark = pytest.mark.long

SLOT = datetime(2026, 1, 30, 15, 35, tzinfo=UTC)
DAY = date(2026, 1, 30)


def active_files(root: str) -> list[str]:
    """What the Delta protocol says is in the table: every add without a later remove."""
    files: dict[str, None] = {}
    for entry in sorted(Path(root, "_delta_log").glob("*.json")):
        for line in entry.read_text().splitlines():
            action = json.loads(line)
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
            if "add" in action:
                files[action["add"]["path"]] = None
    return [str(Path(root, unquote(path))) for path in files]


def fill_small_tables(lake: Lake) -> None:
    stock = Contract("STK", "SPY", "SMART", 6)
    future = Contract("FUT", "ES", "CME", 7, expiry=date(2026, 3, 20))
    lake.write_universe(DAY, 1, universe(DAY, 1, [690.0]))
    for table, contract in (("underlying_snapshots", stock), ("futures_snapshots", future)):
        quote = Quote(contract, QuoteStatus.COMPLETE, SLOT, bid=690.5)
        frame = quotes_to_frame([quote], table=table, task=TASK, slot=SLOT)
        lake.write_slot(table, task=TASK, slot=SLOT, frame=frame)


@pytest.mark.parametrize("compacted", [False, True])
def test_duckdb_finds_the_same_rows_and_sums(lake: Lake, slots: dict[datetime, pl.DataFrame], compacted: bool) -> None:
    fill_small_tables(lake)
    for slot, frame in slots.items():
        lake.write_slot("option_snapshots", task=TASK, slot=slot, frame=frame.head(10))
        lake.write_slot("option_snapshots", task=TASK, slot=slot, frame=frame)
    if compacted:
        lake.compact("option_snapshots")
    expected = {"option_contracts": 1, "option_snapshots": 288, "underlying_snapshots": 1, "futures_snapshots": 1}
    for table, count in expected.items():
        files = duckdb.read_parquet(active_files(lake.uri(table)), hive_partitioning=True)
        rows = files.aggregate("count(*), min(trade_date), max(trade_date)").fetchall()
        assert rows == [(count, DAY, DAY)], table
        assert set(files.columns) == set(lake.read(table).columns)
    options = duckdb.read_parquet(active_files(lake.uri("option_snapshots")), hive_partitioning=True)
    sums = options.aggregate("sum(bid), sum(theta), count(bid), count(distinct slot), epoch(min(slot))").fetchall()[0]
    mine = pl.concat(slots.values())
    assert sums[0] == pytest.approx(mine["bid"].sum())
    assert sums[1] == pytest.approx(mine["theta"].sum())
    assert sums[2:4] == (mine["bid"].count(), 12)
    assert sums[4] == min(slots).timestamp()
