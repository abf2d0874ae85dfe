"""A recorded chain, collected through the wire, is the recording quote by quote: -1 and 0 (no IV, no trade) become
null and nothing else changes; a contract whose last quote is more than a slot old is partial, `stale`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from v6.clock import NEW_YORK
from v6.journal import ledger
from v6.journal.database import connect
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window
from v6.store.lake import Lake

from .conftest import Rehearsed, recording

pytestmark = pytest.mark.integration

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ibkr_option_snapshots"
KEY = ["symbol", "expiry", "strike", "right"]
VALUES = ["bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "theta", "vega"]
SLOT_LENGTH = timedelta(minutes=5)
TASK = "collect_option_snapshots"


@dataclass(frozen=True)
class Recorded:
    folder: Path
    day: date
    first: time
    last: time


class Quiet:
    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None: ...


def generated(folder: Path) -> Recorded:
    """Every quirk of the real recording, in a few contracts: -1, IV 0, no trade, a falling volume, quotes that stop,
    contracts that begin late."""
    day = date(2026, 1, 30)
    rows = []
    for place, (strike, right) in enumerate((strike, right) for strike in (680.0, 685.0, 690.0) for right in "CP"):
        for minute in range(55):
            at = datetime.combine(day, time(9, 28)) + timedelta(minutes=minute, seconds=7 * place, microseconds=526476)
            if (place == 1 and minute > 20) or (place == 2 and minute < 22):
                continue  # the one falls silent at 09:48, the other begins at 09:50
            gone = place == 3 and minute % 10 < 5
            rows.append(
                {
                    "timestamp": at,
                    "symbol": "SPY" if place % 2 else "QQQ",
                    "expiry": "20260320",
                    "strike": strike,
                    "right": right,
                    "bid": -1.0 if gone else 10.0 + place + minute / 100,
                    "ask": -1.0 if gone else 10.5 + place + minute / 100,
                    "last": 0.0 if place == 4 else 10.25 + place,
                    "volume": 500 - minute,
                    "open_interest": 0,
                    "iv": 0.0 if place == 5 else 0.15 + minute / 1000,
                    "delta": 0.512345678901234 if right == "C" else -0.487654321098765,
                    "gamma": 0.007123456789,
                    "theta": -0.128389,
                    "vega": 0.853681,
                }
            )
    folder.mkdir()
    pl.DataFrame(rows).write_parquet(folder / f"{day}.parquet")
    return Recorded(folder, day, time(9, 50), time(10, 0))


@pytest.fixture(
    params=[
        "generated",
        pytest.param("shared", marks=pytest.mark.shared_data),
    ]
)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    if request.param == "generated":
        return generated(tmp_path / "recording")
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here")
    return Recorded(SHARED, date(2026, 2, 2), time(10, 0), time(10, 10))


def recording_at(recorded: Recorded, slot: datetime) -> pl.DataFrame:
    """What the recording says about a slot: each contract's last quote at or before it."""
    wall = slot.replace(tzinfo=None)
    return (
        pl.read_parquet(recorded.folder / f"{recorded.day}.parquet")
        .filter(pl.col("timestamp") <= wall)
        .sort("timestamp")
        .unique(KEY, keep="last")
        .with_columns(
            pl.col("bid", "ask").replace(-1.0, None),
            pl.col("iv", "last").replace(0.0, None),
            pl.col("volume", "open_interest").cast(pl.Float64),
            pl.col("expiry").str.to_date("%Y%m%d"),
            (pl.lit(wall) - pl.col("timestamp") > SLOT_LENGTH).alias("stale"),
        )
        .select(*KEY, *VALUES, "stale")
        .sort(KEY)
    )


def test_the_lake_holds_the_recording_quote_by_quote(recorded: Recorded, tmp_path: Path) -> None:
    def window(start: time, end: time) -> Window:
        combined = (datetime.combine(recorded.day, at, NEW_YORK) for at in (start, end))
        return Window(*combined)

    stage = Stage(tmp_path / "stage")
    site = {
        "scheduler": {"tasks": {name: {"enabled": False} for name in ("health_check", "collect_futures_snapshots")}}
    }

    plan = Plan((window(time(8), time(8)), window(recorded.first, recorded.last)), site, replay=recorded.folder)
    rehearse(stage, plan, Quiet())

    lake = Lake(str(stage.home / "var" / "lake"), None, stage.paths.locks)
    db = connect(stage.paths.journal)
    slots = [slot for slot in plan.windows[1].minutes() if slot.minute % 5 == 0]
    stale = 0
    for slot in slots:
        wanted = recording_at(recorded, slot)
        stored = lake.read("option_snapshots", slot=slot.astimezone(UTC))
        found = stored.with_columns(
            pl.col("volume", "open_interest").cast(pl.Float64), (pl.col("data_type") == "frozen").alias("stale")
        )
        assert found.select(wanted.columns).sort(KEY).equals(wanted, null_equal=True), f"{slot:%H:%M}"
        assert set(stored.filter(pl.col("data_type") == "frozen")["reason"]) <= {"stale"}
        assert "stale" not in set(stored.filter(pl.col("data_type") == "live")["reason"])
        stale += found["stale"].sum()
        [line] = ledger.slots_of(db, TASK, slot, slot + timedelta(seconds=1))
        assert line.expected == line.complete + line.partial + line.missing
        assert line.complete + line.partial == len(stored)
        assert line.complete == stored.filter(stored["status"] == "complete").height
    db.close()
    assert len(slots) == 3
    assert stale > 0


Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]
TASKS = ("queue_option_contracts", "validate_ib_connection", TASK)


def test_a_recording_that_begins_at_the_open_can_end_well_and_its_lake_can_be_rehearsed_too(
    rehearse: Rehearse, site: Site, tmp_path: Path
) -> None:
    span = ("2026-01-30", "--from", "08:00", "--to", "09:40", "--config", site(*TASKS))

    first = rehearse(*span, "--replay", recording(tmp_path / "recording"))

    assert first.code == 0, first.trouble
    assert first.verdicts(TASK) == {"09:30": "complete", "09:35": "complete", "09:40": "complete"}
    assert [one["task"] for one in first.said["not_counted"]] == ["validate_ib_connection"]
    assert first.said["not_done"] == []

    kept = first.home.rename(tmp_path / "first")
    again = rehearse(*span, "--replay", kept / "var" / "lake")

    assert again.code == 0, again.trouble
    assert again.verdicts(TASK) == first.verdicts(TASK)
    assert again.said["rows"]["option_snapshots"] == first.said["rows"]["option_snapshots"] == 18


def test_a_home_is_no_recording(rehearse: Rehearse, tmp_path: Path) -> None:
    (tmp_path / "home" / "var" / "lake" / "option_snapshots" / "_delta_log").mkdir(parents=True)

    day = rehearse("2026-01-30", "--replay", tmp_path / "home")

    assert day.code == 2
    assert f"a home of V6; its lake is {tmp_path}/home/var/lake" in day.errors
