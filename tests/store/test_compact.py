import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import deltalake
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import option_rows
from option_rows import TASK
from v6.clock import epoch
from v6.store.lake import Lake

pytestmark = pytest.mark.long

Slots = dict[datetime, pl.DataFrame]
TABLE = "option_snapshots"
MONTH_AGO = epoch() - 30 * 86400


def fill(lake: Lake, slots: Slots) -> None:
    for slot, frame in slots.items():
        lake.write_slot(TABLE, task=TASK, slot=slot, frame=frame)


def on_disk(lake: Lake) -> list[Path]:
    return list(Path(lake.uri(TABLE)).glob("trade_date=*/*.parquet"))


def test_compaction_leaves_one_file_a_date_and_every_row_l17(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    fill(lake, option_rows.by_slot(option_rows.generated(date(2026, 2, 2), slots=3, contracts=24)))
    before = lake.read(TABLE)
    done = lake.compact(TABLE)
    assert (done.rewritten, done.files_before, done.files_after) == ((date(2026, 1, 30), date(2026, 2, 2)), 15, 2)
    assert done.rows == 15 * 24
    assert done.bytes_after < done.bytes_before / 2
    assert_frame_equal(lake.read(TABLE), before)


def test_compacting_again_or_another_date_rewrites_nothing(lake: Lake, slots: Slots) -> None:
    assert lake.compact(TABLE).rows == 0
    fill(lake, slots)
    assert lake.compact(TABLE, date(2026, 1, 29)).rewritten == ()
    assert lake.compact(TABLE, date(2026, 1, 30)).rewritten == (date(2026, 1, 30),)
    assert lake.compact(TABLE).rewritten == ()


def test_status_counts_active_rows_files_and_dates(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    contracts, options, *_ = lake.status()
    assert (contracts.name, contracts.exists, contracts.rows) == ("option_contracts", False, 0)
    assert (options.rows, options.files, options.partitions, options.most_files_a_partition) == (12 * 24, 12, 1, 12)
    assert options.last_slot == max(slots)
    assert options.first_date == options.last_date == date(2026, 1, 30)
    lake.compact(TABLE)
    assert lake.status()[1].most_files_a_partition == 1
    assert lake.status()[1].last_slot == max(slots)


def test_rows_of_a_compacted_file_lie_by_contract_then_slot(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    lake.compact(TABLE)
    (path,) = deltalake.DeltaTable(lake.uri(TABLE)).file_uris()
    rows = pl.read_parquet(path, hive_partitioning=False).select("symbol", "expiry", "strike", "right", "slot")
    assert_frame_equal(rows, rows.sort(rows.columns))


def test_a_reader_that_opened_the_table_before_a_compaction_still_finishes(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    before = deltalake.DeltaTable(lake.uri(TABLE))
    lake.compact(TABLE)
    assert pl.DataFrame(before.scan()).height == 12 * 24


def test_the_table_can_be_restored_to_what_it_was_before_a_compaction(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    before = lake.read(TABLE)
    version = deltalake.DeltaTable(lake.uri(TABLE)).version()
    lake.compact(TABLE)
    deltalake.DeltaTable(lake.uri(TABLE)).restore(version)
    assert lake.status()[1].files == 12
    assert_frame_equal(lake.read(TABLE), before)
    fill(lake, slots)
    assert_frame_equal(lake.read(TABLE), before)


def test_dead_files_go_only_after_the_retention(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    orphan = on_disk(lake)[0].with_name("part-left-by-a-kill.parquet")
    orphan.write_bytes(on_disk(lake)[0].read_bytes())
    assert lake.compact(TABLE).removed_files == 0
    assert len(on_disk(lake)) == 14
    assert lake.read(TABLE).height == 12 * 24
    assert lake.compact(TABLE, retention=timedelta(0)).removed_files == 13
    assert len(on_disk(lake)) == 1
    assert lake.read(TABLE).height == 12 * 24


def test_an_old_file_that_only_now_died_stays_for_the_retention(lake: Lake, slots: Slots) -> None:
    fill(lake, slots)
    orphan = on_disk(lake)[0].with_name("part-left-by-a-kill.parquet")
    orphan.touch()
    for path in on_disk(lake):
        os.utime(path, (MONTH_AGO, MONTH_AGO))
    before = deltalake.DeltaTable(lake.uri(TABLE))
    assert lake.compact(TABLE).removed_files == 1
    assert not orphan.exists()
    assert pl.DataFrame(before.scan()).height == 12 * 24


def test_a_reader_sees_whole_slots_only_while_slots_are_written_and_compacted(lake: Lake, slots: Slots) -> None:
    first = next(iter(slots))
    fill(lake, {first: slots[first]})
    with reading(lake) as seen:
        for index, (slot, frame) in enumerate(slots.items()):
            fill(lake, {slot: frame})
            if index % 4 == 3:
                lake.compact(TABLE)
    assert len(seen) > 3
    assert all(count % 24 == 0 for count in seen)
    assert seen == sorted(seen)
    assert lake.read(TABLE).height == 12 * 24


@contextmanager
def reading(lake: Lake) -> Iterator[list[int]]:
    """Row counts seen by a thread that reads the whole table over and over; its error, if any, is raised."""
    seen: list[int] = []
    errors: list[Exception] = []
    stop = threading.Event()

    def loop() -> None:
        try:
            while not stop.is_set():
                seen.append(lake.read(TABLE, columns=["con_id"]).height)
        except Exception as error:  # handed to the test below
            errors.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
    assert not errors, errors


def day_of_rows(kind: str) -> pl.DataFrame:
    if kind == "generated":
        return option_rows.generated(date(2026, 1, 30), slots=40)
    recordings = option_rows.recorded_days()
    if not recordings:
        pytest.skip("../shared/data is absent; the generated twin runs")
    return option_rows.recorded(recordings[2])


@pytest.mark.parametrize("kind", ["generated", pytest.param("recorded", marks=pytest.mark.shared_data)])
def test_a_day_written_slot_by_slot_takes_at_most_40_bytes_a_row_compacted_l17(lake: Lake, kind: str) -> None:
    day = day_of_rows(kind)
    fill(lake, option_rows.by_slot(day))
    done = lake.compact(TABLE)
    assert done.files_after == 1
    assert done.bytes_after / done.rows <= 40
    order = ["symbol", "expiry", "strike", "right", "slot"]
    assert_frame_equal(lake.read(TABLE), day.sort(order))
