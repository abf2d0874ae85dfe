"""A closed day is one file a table, known by its checksum, and never changes unseen (L18)."""

import os
from datetime import UTC, timedelta

import polars as pl
import pytest

from upkeep_desk import DAY, SNAPSHOTS, TASK, UpkeepDesk, at
from v6.journal import closed_days, ledger
from v6.journal.ledger import Miss
from v6.model import FatalError
from v6.store import delta
from v6.store.frames import rows_to_frame
from v6.store.tables import table_of
from v6.upkeep.closing import DayChangedError, close_day

pytestmark = pytest.mark.long


def snapshots(desk: UpkeepDesk) -> pl.DataFrame:
    return desk.ctx.lake.read(SNAPSHOTS, trade_date=DAY)


def overwrite(desk: UpkeepDesk, rows: pl.DataFrame) -> None:
    """What no part of V6 does: put other rows in the place of a day's."""
    stored = desk.ctx.lake.opened(SNAPSHOTS)
    assert stored is not None
    delta.replace(stored, table_of(SNAPSHOTS), rows, delta.equals(trade_date=DAY))


def hold(desk: UpkeepDesk, wall: str, quantity: float) -> None:
    """A check of the positions of that minute."""
    slot = at(wall)
    row = {
        "trade_date": DAY,
        "slot": slot,
        "task": "validate_positions",
        "account": "DU1",
        "con_id": 7,
        "symbol": "SPY",
        "sec_type": "STK",
        "quantity": quantity,
    }
    desk.ctx.lake.replace("positions", rows_to_frame("positions", [row]), trade_date=DAY, slot=slot)


def test_a_closed_day_has_one_file_its_checksum_and_the_journals_share(collected: UpkeepDesk) -> None:
    rows = snapshots(collected)

    said = close_day(collected.ctx, DAY)

    assert said == "2026-11-20: 5 tables sealed, 2 files put together, 2 exports of the journal"
    assert collected.ctx.lake.status()[1].files == 1
    sealed = closed_days.of_day(collected.ctx.journal, DAY)
    assert sealed[SNAPSHOTS].rows == len(rows) == 36
    assert sealed["futures_snapshots"].rows == 0
    assert len(sealed[SNAPSHOTS].sha256) == 64
    exported = collected.ctx.lake.read("slot_ledger", trade_date=DAY)
    assert exported.filter(status="complete")["contracts"].sum() == rows.filter(status="complete").height
    assert collected.ctx.lake.read("task_runs", trade_date=DAY).select("task", "outcome").unique().rows() == [
        (TASK, "success")
    ]


def test_the_export_has_no_row_of_no_contracts_and_an_empty_reason_where_complete(collected: UpkeepDesk) -> None:
    """A slot that was missed as a whole is missing contracts, not 0 complete ones."""
    lost, kept = at("09:50").astimezone(UTC), at("09:55").astimezone(UTC)
    ledger.open_slot(collected.ctx.journal, TASK, lost, 2, 1)
    ledger.close_slot(collected.ctx.journal, TASK, lost, 0, [Miss(one, "SPY", "missing", "tws_down") for one in "12"])
    ledger.open_slot(collected.ctx.journal, TASK, kept, 2, 1)
    ledger.close_slot(collected.ctx.journal, TASK, kept, 2, [])

    close_day(collected.ctx, DAY)

    exported = collected.ctx.lake.read("slot_ledger", trade_date=DAY)
    of_slot = {
        slot: exported.filter(slot=slot).select("status", "reason", "contracts", "expected").rows()
        for slot in (lost, kept)
    }
    assert of_slot == {lost: [("missing", "tws_down", 2, 2)], kept: [("complete", "", 2, 2)]}
    assert exported["contracts"].min() == 1


def test_closing_again_changes_nothing_l18(closed: UpkeepDesk) -> None:
    before = {entry.name: entry.version for entry in closed.ctx.lake.status()}
    sealed = closed_days.of_day(closed.ctx.journal, DAY)

    assert close_day(closed.ctx, DAY) == "2026-11-20: closed before, 5 tables unchanged"

    assert {entry.name: entry.version for entry in closed.ctx.lake.status()} == before
    assert closed_days.of_day(closed.ctx.journal, DAY) == sealed


def test_a_value_that_changed_since_is_an_error_with_table_and_day(closed: UpkeepDesk) -> None:
    rows = snapshots(closed)
    bids = pl.when(pl.int_range(pl.len()) == 5).then(pl.col("bid").fill_null(1.0) + 0.01).otherwise("bid")
    overwrite(closed, rows.with_columns(bids.alias("bid")))

    with pytest.raises(DayChangedError, match=r"option_snapshots: 2026-11-20: values of its 36 rows are not those"):
        close_day(closed.ctx, DAY)


def test_rows_that_are_gone_are_an_error_and_the_first_number_stands(closed: UpkeepDesk) -> None:
    overwrite(closed, snapshots(closed).head(35))

    for _ in range(2):
        with pytest.raises(DayChangedError, match="36 rows when it was closed, 35 of that time now"):
            close_day(closed.ctx, DAY)


def collected_at_seven(desk: UpkeepDesk, rows: pl.DataFrame) -> None:
    """A slot that was collected by hand after the day was closed."""
    slot = at("19:05").astimezone(UTC)
    late = rows.filter(pl.col("slot") == rows["slot"][0]).with_columns(
        pl.lit(slot).cast(pl.Datetime("us", "UTC")).alias("slot"),
        pl.lit(slot + timedelta(seconds=9)).cast(pl.Datetime("us", "UTC")).alias("received_at"),
    )
    desk.now(at("19:10"))
    desk.ctx.lake.write_slot(SNAPSHOTS, task=TASK, slot=at("19:05"), frame=late)


def test_a_slot_collected_later_is_added_and_sealed_with_the_rest(closed: UpkeepDesk) -> None:
    rows = snapshots(closed)
    collected_at_seven(closed, rows)

    said = close_day(closed.ctx, DAY)

    assert said.startswith("2026-11-20: 1 table sealed")
    assert closed_days.of_day(closed.ctx.journal, DAY)[SNAPSHOTS].rows == 48
    overwrite(closed, snapshots(closed).head(47))
    with pytest.raises(DayChangedError):
        close_day(closed.ctx, DAY)


def test_an_addition_hides_no_change_of_the_rows_before(closed: UpkeepDesk) -> None:
    rows = snapshots(closed)
    collected_at_seven(closed, rows)
    overwrite(closed, snapshots(closed).with_columns(pl.col("ask") + 0.01))

    with pytest.raises(DayChangedError, match="values of its 36 rows"):
        close_day(closed.ctx, DAY)


def test_positions_are_sealed_when_the_day_is_over(collected: UpkeepDesk) -> None:
    hold(collected, "17:35", 100.0)
    close_day(collected.ctx, DAY)
    assert "positions" not in closed_days.of_day(collected.ctx.journal, DAY)
    hold(collected, "23:35", 100.0)
    collected.now(at("18:30", DAY + timedelta(days=3)))

    close_day(collected.ctx, DAY + timedelta(days=3))

    assert closed_days.of_day(collected.ctx.journal, DAY)["positions"].rows == 2
    hold(collected, "17:35", 50.0)
    with pytest.raises(DayChangedError, match="positions: 2026-11-20"):
        close_day(collected.ctx, DAY)


def test_a_day_that_has_not_been_yet_is_refused(desk: UpkeepDesk) -> None:
    with pytest.raises(FatalError, match=r"2026-11-21 has not been yet: only today \(2026-11-20\)"):
        close_day(desk.ctx, DAY + timedelta(days=1))


def test_runs_of_the_evening_are_exported_by_a_later_closing(closed: UpkeepDesk) -> None:
    closed.ran("pre_restart", at("23:40"))
    closed.now(at("18:30", DAY + timedelta(days=3)))

    close_day(closed.ctx, DAY + timedelta(days=3))

    assert "pre_restart" in closed.ctx.lake.read("task_runs", trade_date=DAY)["task"].to_list()


def test_what_the_journal_has_let_go_stays_in_the_lake(closed: UpkeepDesk) -> None:
    closed.ctx.journal.executescript("DELETE FROM runs; DELETE FROM slot_ledger")

    close_day(closed.ctx, DAY)

    assert closed.ctx.lake.read("task_runs", trade_date=DAY).height == 3


def test_l33_files_that_a_rolled_back_log_does_not_know_survive_the_evening(closed: UpkeepDesk) -> None:
    """Their day is sealed and the log does not list it: they are what is missing, however old."""
    lake = closed.ctx.lake
    assert lake.local is not None
    log = lake.local / SNAPSHOTS / "_delta_log"
    for entry in log.iterdir():
        if not entry.name.startswith(f"{0:020}"):
            entry.unlink()
    files = {file for file in (lake.local / SNAPSHOTS).rglob("*.parquet") if "_delta_log" not in file.parts}
    for file in files:
        os.utime(file, (0, 0))
    assert files
    closed.now(at("18:30", DAY + timedelta(days=3)))

    with pytest.raises(
        DayChangedError, match="option_snapshots: 2026-11-20: 36 rows when it was closed, the log lists 0"
    ):
        close_day(closed.ctx, DAY + timedelta(days=3))

    assert {file for file in files if file.exists()} == files


def test_an_older_journal_that_was_restored_takes_nothing_from_the_export(closed: UpkeepDesk) -> None:
    ledger, runs = (closed.ctx.lake.read(table, trade_date=DAY) for table in ("slot_ledger", "task_runs"))
    closed.ctx.journal.execute("DELETE FROM slot_ledger WHERE slot > '2026-11-20T14:36'")
    closed.ctx.journal.execute("DELETE FROM runs WHERE id = (SELECT max(id) FROM runs)")

    close_day(closed.ctx, DAY)

    assert closed.ctx.lake.read("slot_ledger", trade_date=DAY).equals(ledger)
    assert closed.ctx.lake.read("task_runs", trade_date=DAY).equals(runs)
