from datetime import date, datetime, timedelta
from pathlib import Path

import deltalake
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from option_rows import TASK, universe
from v6.clock import NEW_YORK
from v6.config.settings import Lake as LakeSettings
from v6.paths import Paths
from v6.store import delta
from v6.store.errors import LakeBusyError, LakeError, LakeUnavailableError
from v6.store.lake import Lake
from v6.store.market_tables import OPTION_SNAPSHOTS
from v6.store.table_lock import table_lock

Slots = dict[datetime, pl.DataFrame]
TABLE = "option_snapshots"


def write(lake: Lake, slot: datetime, frame: pl.DataFrame) -> int:
    return lake.write_slot(TABLE, task=TASK, slot=slot, frame=frame)


def version(lake: Lake) -> int:
    return deltalake.DeltaTable(lake.uri(TABLE)).version()


def everything(slots: Slots) -> pl.DataFrame:
    return pl.concat(slots.values()).sort("symbol", "expiry", "strike", "right", "slot")


def test_rows_come_back_as_they_were_written(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        assert write(lake, slot, frame) == 24
    assert_frame_equal(lake.read(TABLE), everything(slots))


def test_writing_a_slot_twice_stores_it_once_and_commits_nothing_l18(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        write(lake, slot, frame)
    before = version(lake)
    for slot, frame in slots.items():
        assert write(lake, slot, frame.reverse()) == 24
    assert version(lake) == before
    assert_frame_equal(lake.read(TABLE), everything(slots))


def test_slots_may_arrive_in_any_order_also_after_compaction(lake: Lake, slots: Slots) -> None:
    order = list(slots)
    for slot in (*order[::-2], *order[::2]):
        write(lake, slot, slots[slot])
        lake.compact(TABLE)
    write(lake, order[3], slots[order[3]])
    assert_frame_equal(lake.read(TABLE), everything(slots))


def test_a_second_try_completes_a_partial_slot(lake: Lake, slots: Slots) -> None:
    slot, complete = next(iter(slots.items()))
    worse = [pl.lit("partial").alias("status"), pl.lit("no_greeks").alias("reason"), pl.lit(None).alias("delta")]
    first = complete.head(16).with_columns(worse).cast(complete.schema)
    assert write(lake, slot, first) == 16
    assert write(lake, slot, complete.tail(20)) == 24
    stored = lake.slot_rows(TABLE, TASK, slot)
    assert stored["con_id"].n_unique() == 24
    assert stored.filter(pl.col("status") == "partial").height == 4
    write(lake, slot, complete)
    assert_frame_equal(lake.slot_rows(TABLE, TASK, slot), complete.sort("symbol", "expiry", "strike", "right"))


def test_a_worse_second_try_changes_nothing(lake: Lake, slots: Slots) -> None:
    slot, complete = next(iter(slots.items()))
    write(lake, slot, complete)
    later = complete.with_columns(pl.lit("partial").alias("status"), pl.col("bid") + 1)
    assert write(lake, slot, later) == 24
    assert write(lake, slot, complete.with_columns(pl.col("bid") + 1)) == 24
    assert write(lake, slot, complete.clear()) == 24
    assert_frame_equal(lake.slot_rows(TABLE, TASK, slot), complete.sort("symbol", "expiry", "strike", "right"))


def test_completing_a_slot_leaves_its_neighbours_alone(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        write(lake, slot, frame.head(20))
    lake.compact(TABLE)
    for slot, frame in slots.items():
        write(lake, slot, frame)
    assert_frame_equal(lake.read(TABLE), everything(slots))


def test_two_tasks_keep_their_own_rows_of_a_slot(lake: Lake, slots: Slots) -> None:
    slot, frame = next(iter(slots.items()))
    write(lake, slot, frame)
    other = "o'hara's task"
    lake.write_slot(TABLE, task=other, slot=slot, frame=frame.with_columns(pl.lit(other).alias("task")))
    assert lake.slot_rows(TABLE, other, slot)["task"].unique().to_list() == [other]
    assert lake.read(TABLE, slot=slot).height == 48


def test_reads_narrow_by_date_slot_symbol_and_column(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        write(lake, slot, frame)
        later = slot + timedelta(days=3)
        moved = frame.with_columns(pl.lit(later).alias("slot"), pl.lit(date(2026, 2, 2)).alias("trade_date"))
        write(lake, later, moved)
    slot = next(iter(slots)).astimezone(NEW_YORK)
    assert lake.read(TABLE).height == 2 * 12 * 24
    assert lake.read(TABLE, trade_date=date(2026, 2, 2)).height == 12 * 24
    assert lake.read(TABLE, start=date(2026, 1, 31))["trade_date"].unique().to_list() == [date(2026, 2, 2)]
    assert lake.read(TABLE, end=date(2026, 1, 30))["trade_date"].unique().to_list() == [date(2026, 1, 30)]
    assert lake.read(TABLE, slot=slot, symbols=["SPY", "QQQ"]).height == 16
    assert lake.read(TABLE, symbols=[]).is_empty()
    assert lake.read(TABLE, slot=slot, columns=["bid", "symbol"]).columns == ["bid", "symbol"]


@pytest.mark.parametrize("name", ["option_contracts", "option_snapshots", "underlying_snapshots", "futures_snapshots"])
def test_a_table_never_written_reads_as_empty_and_is_not_created_by_reading(lake: Lake, name: str) -> None:
    assert lake.read(name, trade_date=date(2026, 1, 30), columns=["symbol"]).is_empty()
    assert not lake.exists(name)
    assert not Path(lake.root).exists()


def test_the_first_commit_of_a_universe_version_stands(lake: Lake) -> None:
    day = date(2026, 1, 30)
    assert lake.universe(day).is_empty()
    lake.write_universe(day, 1, universe(day, 1, [600.0, 601.0]))
    assert lake.write_universe(day, 1, universe(day, 1, [700.0]))["strike"].to_list() == [600.0, 601.0]
    lake.write_universe(day, 2, universe(day, 2, [610.0]))
    assert lake.universe(day)["strike"].to_list() == [610.0]
    assert lake.universe(day, 1)["strike"].to_list() == [600.0, 601.0]
    with pytest.raises(LakeError, match="version 3 of 2026-01-30 has no contracts"):
        lake.write_universe(day, 3, universe(day, 3, []))


def test_a_writer_that_read_before_another_committed_must_read_again(lake: Lake, slots: Slots) -> None:
    slot, frame = next(iter(slots.items()))
    write(lake, slot, frame)
    stale = lake.opened(TABLE)
    assert stale is not None
    write(lake, list(slots)[1], slots[list(slots)[1]])
    with pytest.raises(delta.Conflict):
        delta.append(stale, OPTION_SNAPSHOTS, frame)


def test_a_table_held_by_another_writer_is_a_recoverable_refusal(tmp_path: Path) -> None:
    with (
        table_lock(tmp_path, TABLE),
        pytest.raises(LakeBusyError, match=r"lake-option_snapshots\.lock: another writer") as busy,
        table_lock(tmp_path, TABLE, timedelta(seconds=0.1)),
    ):
        pass
    assert busy.value.recoverable
    with table_lock(tmp_path, TABLE, timedelta(0)):
        pass


def test_a_lake_that_cannot_be_written_says_where(home: Path, slots: Slots) -> None:
    (home / "file").touch()
    lake = Lake(str(home / "file" / "lake"), None, home / "locks")
    slot, frame = next(iter(slots.items()))
    with pytest.raises(LakeUnavailableError, match="file/lake/option_snapshots"):
        write(lake, slot, frame)


def test_a_relative_root_lies_under_home_and_an_uri_stays(home: Path) -> None:
    paths = Paths.locate({"V6_HOME": str(home)})
    assert Lake.at(LakeSettings(root="var/lake", storage_options={}), paths).uri(TABLE) == f"{home}/var/lake/{TABLE}"
    bucket = Lake.at(LakeSettings(root="s3://bucket/lake", storage_options={"aws_region": "x"}), paths)
    assert bucket.uri(TABLE) == f"s3://bucket/lake/{TABLE}"
    assert bucket.storage_options == {"aws_region": "x"}
    assert bucket.locks == home / "var" / "locks"


def test_an_object_store_uri_works_like_a_path(home: Path, slots: Slots) -> None:
    lake = Lake(f"file://{home}/uri lake", {"timeout": "30s"}, home / "locks")
    slot, frame = next(iter(slots.items()))
    assert write(lake, slot, frame) == write(lake, slot, frame) == 24
    assert lake.compact(TABLE).files_after == 1
    assert lake.read(TABLE).height == 24
