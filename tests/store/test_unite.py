"""Bars are united by key: a final bar never changes, an unfinished one gives way (L18, L20)."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from v6.store.frames import rows_to_frame
from v6.store.lake import Lake

DAY = date(2026, 1, 29)
BARS = "bars"
WRITER = Path(__file__).with_name("writer.py")


def bars(*closes: float, final: bool, first: date = DAY) -> pl.DataFrame:
    """Daily bars of SPY on consecutive dates."""
    rows = []
    for place, close in enumerate(closes):
        day = first + timedelta(days=place)
        start = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
        rows.append(
            {
                "trade_date": day,
                "con_id": 756733,
                "symbol": "SPY",
                "sec_type": "STK",
                "bar_size": "1 day",
                "what": "TRADES",
                "regular": True,
                "start": start,
                "end": start + timedelta(hours=6.5),
                "open": 690.0,
                "high": 700.0,
                "low": 680.0,
                "close": close,
                "final": final,
                "source": "ibkr",
                "task": "load_enhanced_market_data",
                "received_at": start + timedelta(hours=8),
            }
        )
    return rows_to_frame(BARS, rows)


def closes(lake: Lake) -> list[float]:
    return lake.read(BARS)["close"].to_list()


def version(lake: Lake) -> int:
    stored = lake.opened(BARS)
    assert stored is not None
    return stored.version()


def test_l18_the_same_bars_again_are_no_commit(lake: Lake) -> None:
    assert lake.unite(BARS, bars(691.0, 692.0, final=True), final="final") == 2
    first = version(lake)

    assert lake.unite(BARS, bars(691.0, 692.0, final=True), final="final") == 0

    assert version(lake) == first
    assert closes(lake) == [691.0, 692.0]


def test_l20_a_bar_of_an_unfinished_session_gives_way_to_the_final_one(lake: Lake) -> None:
    lake.unite(BARS, bars(691.0, final=False), final="final")

    assert lake.unite(BARS, bars(693.5, final=True), final="final") == 1

    assert lake.read(BARS).select("close", "final").rows() == [(693.5, True)]


@pytest.mark.parametrize("final", [False, True])
def test_l20_a_final_bar_never_changes(lake: Lake, final: bool) -> None:
    lake.unite(BARS, bars(693.5, final=True), final="final")

    assert lake.unite(BARS, bars(600.0, final=final), final="final") == 0

    assert closes(lake) == [693.5]


def test_new_bars_are_added_beside_those_of_the_month_and_of_the_next(lake: Lake) -> None:
    lake.unite(BARS, bars(691.0, 692.0, final=True), final="final")

    assert lake.unite(BARS, bars(692.0, 693.0, 694.0, final=True, first=DAY + timedelta(days=1)), final="final") == 2

    assert closes(lake) == [691.0, 692.0, 693.0, 694.0]


def test_nothing_to_unite_is_nothing(lake: Lake) -> None:
    assert lake.unite(BARS, bars(691.0, final=True).clear(), final="final") == 0
    assert not lake.exists(BARS)


@pytest.mark.integration
@pytest.mark.parametrize(("failpoint", "stored"), [("before_commit", [691.0]), ("after_commit", [692.0, 693.0])])
def test_l18_killed_in_the_middle_no_bar_is_lost_or_doubled(
    lake: Lake, home: Path, failpoint: str, stored: list[float]
) -> None:
    lake.unite(BARS, bars(691.0, final=False), final="final")
    new = bars(692.0, 693.0, final=True)
    new.write_parquet(home / f"{BARS}.parquet")
    command = [sys.executable, str(WRITER), lake.root, str(lake.locks), "unite", str(home / f"{BARS}.parquet")]

    died = subprocess.run(command, env=os.environ | {"V6_FAILPOINT": failpoint}, capture_output=True, check=False)

    assert died.returncode == -9
    assert closes(lake) == stored
    lake.unite(BARS, new, final="final")
    assert closes(lake) == [692.0, 693.0]
