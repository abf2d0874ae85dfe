"""Each finding is provoked on a real table by what would really happen to it; a clean lake has none (L18, L33)."""

import os
import shutil
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from upkeep_desk import DAY, SNAPSHOTS, TASK, UpkeepDesk, at
from v6.analysis.findings import Finding, State
from v6.audit import recompute, second_reader, tables
from v6.jobs.audit_data_integrity import _findings, audit_data_integrity
from v6.journal import audits, closed_days
from v6.model import RecoverableError
from v6.scheduler.compile import compile_all
from v6.store import delta
from v6.store.frames import rows_to_frame
from v6.store.tables import table_of
from v6.upkeep.closing import close_day

pytestmark = pytest.mark.long

SATURDAY = at("15:00", DAY + timedelta(days=1))


@pytest.fixture
def audited(closed_desk: UpkeepDesk) -> UpkeepDesk:
    """A closed Friday, looked at on Saturday."""
    closed_desk.now(SATURDAY)
    return closed_desk


def found(desk: UpkeepDesk) -> dict[str, Finding]:
    return {finding.check: finding for finding in _findings(desk.ctx)[0]}


def failures(desk: UpkeepDesk) -> dict[str, str]:
    return {name: one.evidence for name, one in found(desk).items() if one.state is State.FAILED}


def folder(desk: UpkeepDesk, table: str = SNAPSHOTS) -> Path:
    assert desk.ctx.lake.local is not None
    return desk.ctx.lake.local / table


def active(desk: UpkeepDesk) -> Path:
    stored = desk.ctx.lake.opened(SNAPSHOTS)
    assert stored is not None
    return folder(desk) / delta.files(stored)["path"][0]


def overwrite(desk: UpkeepDesk, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    stored = desk.ctx.lake.opened(SNAPSHOTS)
    assert stored is not None
    rows = change(desk.ctx.lake.read(SNAPSHOTS, trade_date=DAY))
    delta.replace(stored, table_of(SNAPSHOTS), rows, delta.equals(trade_date=DAY))


def test_a_clean_lake_has_no_finding(audited: UpkeepDesk) -> None:
    states = {name: finding.state for name, finding in found(audited).items()}

    assert states.pop("statistics") is State.COULD_NOT_CHECK  # none were computed
    assert set(states.values()) == {State.OK}, found(audited)
    assert set(states) == {
        "tables open",
        "schema",
        "files",
        "orphans",
        "closed days",
        "ledger and rows",
        "second reader",
    }
    assert "3 slots" in found(audited)["ledger and rows"].evidence


def test_an_empty_home_could_not_be_checked_and_is_not_fine(desk: UpkeepDesk) -> None:
    with pytest.raises(RecoverableError, match="no table has been written yet"):
        audit_data_integrity(desk.ctx)
    last = audits.last(desk.ctx.journal)
    assert last is not None
    assert not last.clean


def test_a_deleted_file_is_found_by_all_that_read_it(audited: UpkeepDesk) -> None:
    active(audited).unlink()

    wrong = failures(audited)

    assert "is not there" in wrong["files"]
    assert {"closed days", "second reader"} <= set(wrong)


def test_a_flipped_byte_is_found(audited: UpkeepDesk) -> None:
    file = active(audited)
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    file.write_bytes(content)

    assert {"closed days", "second reader"} & set(failures(audited))


def test_a_file_cut_short_is_found_by_its_size(audited: UpkeepDesk) -> None:
    file = active(audited)
    file.write_bytes(file.read_bytes()[:-10])

    assert "bytes, the log says" in failures(audited)["files"]


def test_an_old_file_that_the_log_does_not_know_is_an_orphan_and_a_young_one_is_counted(audited: UpkeepDesk) -> None:
    stray = active(audited).with_name("part-stray.parquet")
    shutil.copy(active(audited), stray)
    os.utime(stray, (time.time(), SATURDAY.timestamp()))
    young = found(audited)["orphans"]
    assert (young.state, young.evidence) == (State.OK, "no old file that the log does not know, and 1 young one")

    os.utime(stray, (time.time(), (SATURDAY - timedelta(days=9)).timestamp()))

    assert failures(audited).keys() == {"orphans"}
    assert "part-stray.parquet: not in the log" in failures(audited)["orphans"]


def test_files_that_a_compaction_replaced_are_no_orphans(audited: UpkeepDesk) -> None:
    for file in folder(audited).rglob("*.parquet"):
        os.utime(file, (time.time(), (SATURDAY - timedelta(days=30)).timestamp()))
    assert found(audited)["orphans"].evidence == "none"


def test_a_row_rewritten_in_a_closed_day_is_found_l18(audited: UpkeepDesk) -> None:
    overwrite(audited, lambda rows: rows.with_columns(ask=pl.col("ask") + 0.01))

    assert failures(audited) == {
        "closed days": "option_snapshots: 2026-11-20: values of its 36 rows are not those of the time it was closed"
    }


def test_doubled_rows_are_found_l18(audited: UpkeepDesk) -> None:
    overwrite(audited, lambda rows: pl.concat([rows, rows]))

    wrong = failures(audited)

    assert "36 rows when it was closed, 72 of that time now" in wrong["closed days"]
    assert "the lake has" in wrong["ledger and rows"]


def test_a_ledger_row_that_is_gone_is_found(audited: UpkeepDesk) -> None:
    audited.ctx.journal.execute("DELETE FROM slot_ledger WHERE slot LIKE '%14:40%'")

    assert failures(audited) == {
        "ledger and rows": f"{TASK} 2026-11-20 09:40: 12 rows of a slot that the ledger does not know"
    }


def test_a_ledger_that_claims_more_than_the_lake_has_is_found(audited: UpkeepDesk) -> None:
    audited.ctx.journal.execute("UPDATE slot_ledger SET complete = complete + 1, partial = 0 WHERE slot LIKE '%14:40%'")

    assert "2026-11-20 09:40: the ledger says" in failures(audited)["ledger and rows"]


def test_the_export_answers_for_a_day_that_the_journal_has_let_go(audited: UpkeepDesk) -> None:
    audited.ctx.journal.execute("DELETE FROM slot_ledger")

    assert found(audited)["ledger and rows"].state is State.OK


def test_rows_of_other_symbols_collected_by_hand_are_not_the_ledgers_business(desk: UpkeepDesk) -> None:
    rows = desk.collect(slots=1)
    slot = rows["slot"][0]
    others = rows.with_columns(con_id=pl.col("con_id") + 1, symbol=pl.lit("AAPL"))
    desk.ctx.lake.write_slot(SNAPSHOTS, task=TASK, slot=slot, frame=others)
    desk.now(SATURDAY)

    assert found(desk)["ledger and rows"].state is State.OK


def test_another_schema_is_found(audited: UpkeepDesk) -> None:
    from deltalake import write_deltalake

    rows = audited.ctx.lake.read(SNAPSHOTS, trade_date=DAY)
    write_deltalake(str(folder(audited)), rows.with_columns(surprise=pl.lit(1)), mode="append", schema_mode="merge")

    assert "option_snapshots: surprise: stored as" in failures(audited)["schema"]


def test_a_broken_log_is_a_table_that_does_not_open(audited: UpkeepDesk) -> None:
    for entry in (folder(audited) / "_delta_log").glob("*"):
        entry.unlink()

    assert failures(audited)["tables open"].startswith("option_snapshots: ")


def test_l33_an_older_copy_put_over_a_live_table_is_found(audited: UpkeepDesk) -> None:
    """`cp -r` of yesterday's folder over today's: the log is of one state, the files are of another."""
    copy = folder(audited).with_name("copy")
    shutil.copytree(folder(audited), copy)
    audited.now(at("18:30", DAY + timedelta(days=3)))
    audited.collect(DAY + timedelta(days=3))
    close_day(audited.ctx, DAY + timedelta(days=3))
    shutil.rmtree(folder(audited))
    shutil.move(copy, folder(audited))
    audited.now(at("15:00", DAY + timedelta(days=8)))

    assert "option_snapshots: 2026-11-23: 36 rows when it was closed, 0" in failures(audited)["closed days"]


def test_days_let_go_by_the_cleanup_are_not_missed(audited: UpkeepDesk) -> None:
    closed_days.mark_removed(audited.ctx.journal, SNAPSHOTS, [DAY])
    assert failures(audited) == {}

    audited.ctx.lake.remove(SNAPSHOTS, [DAY])

    assert failures(audited) == {}
    assert found(audited)["closed days"].evidence == (
        "4 checksums (4 tables, 1 day) as sealed, 1 checksum (1 table, 1 day) let go by the clean-up"
    )


def test_days_that_vanished_without_the_cleanup_are_missed(audited: UpkeepDesk) -> None:
    audited.ctx.lake.remove(SNAPSHOTS, [DAY])

    assert {"closed days", "ledger and rows"} == set(failures(audited))


def test_a_second_reader_that_sees_other_rows_or_values_is_a_finding(
    audited: UpkeepDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = audited.ctx.lake
    _, opened, _ = tables.opened(lake)
    opened = {SNAPSHOTS: opened[SNAPSHOTS]}
    real = delta.scan
    for change, says in (
        (lambda rows: rows.head(35), "option_snapshots: 2026-11-20: 35 rows, DuckDB counts 36"),
        (lambda rows: rows.with_columns(pl.col("ask") * 1.000001), "option_snapshots: 2026-11-20: ask: "),
        (lambda rows: rows.with_columns(symbol=pl.col("symbol") + "X"), "option_snapshots: 2026-11-20: symbol: "),
        (lambda rows: rows.with_columns(pl.col("slot").dt.offset_by("1us")), "option_snapshots: 2026-11-20: slot: "),
        (lambda rows: rows.with_columns(pl.col("con_id") + 1), "option_snapshots: 2026-11-20: con_id: "),
        (lambda rows: rows.with_columns(last=pl.lit(None, pl.Float64)), "last: 0 values, DuckDB counts"),
    ):
        monkeypatch.setattr(delta, "scan", lambda *given, change=change: change(real(*given)))
        finding = second_reader.agrees(lake, opened)
        assert finding.state is State.FAILED
        assert says in finding.evidence


def statistics_of(desk: UpkeepDesk, day: date) -> None:
    """A row of daily statistics in which nothing could be computed."""
    whole = [column.name for column in table_of("daily_statistics").columns if column.required]
    counts = dict.fromkeys([name for name in whole if name.endswith("_count") or "contracts" in name], 0)
    row = {"symbol": "SPY", "slots": 3, "slots_expected": 78, "task": "calculate_daily_statistics"} | counts
    limits = {"regime_low_vol": 0.12, "regime_high_vol": 0.3, "regime_trend": 0.001}
    frame = rows_to_frame("daily_statistics", [row | limits | {"trade_date": day}])
    desk.ctx.lake.replace("daily_statistics", frame, trade_date=day)


def test_a_statistic_that_recomputes_to_another_value_is_a_finding(audited: UpkeepDesk) -> None:
    statistics_of(audited, DAY)
    assert compile_all(audited.ctx.paths).error == ""

    same = recompute.statistics_agree(audited.ctx, lambda _, day: [])
    other = recompute.statistics_agree(audited.ctx, lambda _, day: [f"{day} SPY iv_mean: stored 0.2, recomputed 0.3"])

    assert (same.state, same.evidence) == (State.OK, "recomputed 2026-11-20: as stored")
    assert (other.state, other.evidence) == (State.FAILED, "2026-11-20 SPY iv_mean: stored 0.2, recomputed 0.3")
    # the row above is not what the quotes of the day give
    assert "daily_statistics SPY" in failures(audited)["statistics"]


def test_the_sample_of_statistics_has_both_ends_and_is_drawn_anew_each_week() -> None:
    days = [date(2026, 8, 3) + timedelta(days=place) for place in range(60)]
    monday, sunday, later = date(2026, 11, 16), date(2026, 11, 22), date(2026, 11, 28)

    assert recompute.sample(days, monday) == recompute.sample(days, sunday)
    assert recompute.sample(days, monday) != recompute.sample(days, later)
    assert {days[0], days[-1]} < set(recompute.sample(days, monday))
    assert len(recompute.sample(days, monday)) == 5
    assert recompute.sample(days[:2], monday) == days[:2]
    assert recompute.sample([], monday) == []


def test_an_audit_that_falls_over_leaves_no_clean_one_in_force(
    audited: UpkeepDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit_data_integrity(audited.ctx)
    assert audits.objection(audited.ctx.journal) == ""
    monkeypatch.setattr(tables, "files", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        audit_data_integrity(audited.ctx)

    assert "failed (it has not come to its end)" in audits.objection(audited.ctx.journal)


def test_a_check_that_an_error_stopped_is_no_clean_audit(audited: UpkeepDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> Finding:
        raise OSError("the disk does not answer")

    monkeypatch.setattr(tables, "orphans", stopped)

    with pytest.raises(RecoverableError, match="orphans: could_not_check: OSError: the disk does not answer"):
        audit_data_integrity(audited.ctx)
    assert "failed (orphans was stopped)" in audits.objection(audited.ctx.journal)


def scored(desk: UpkeepDesk, score: float) -> None:
    """A table that is not sealed, written to once."""
    rows = desk.ctx.lake.read("quality_scores", trade_date=DAY)
    row = {"rule": "total", "checked": 1, "failed": 0, "score": score, "weight": 1.0, "task": "x", "trade_date": DAY}
    known = {name: value for name, value in row.items() if name in rows.columns}
    desk.ctx.lake.replace("quality_scores", rows_to_frame("quality_scores", [known]), trade_date=DAY)


def test_a_table_that_was_never_sealed_does_not_vanish_unseen(audited: UpkeepDesk) -> None:
    scored(audited, 99.0)
    scored(audited, 98.0)
    audit_data_integrity(audited.ctx)
    copy = folder(audited).parent / "quality_scores"
    newest = sorted((copy / "_delta_log").glob("*.json"))[-1]
    kept = newest.read_bytes()
    assert "versions" not in found(audited)  # of the same day: what it says would be of itself
    audited.now(SATURDAY + timedelta(days=7))
    assert found(audited)["versions"].state is State.OK

    newest.unlink()  # as when last week's copy is put over it
    assert "quality_scores: version 1, on 2026-11-21 it was 2" in failures(audited)["versions"]
    newest.write_bytes(kept)
    shutil.rmtree(copy)
    assert failures(audited)["versions"] == "quality_scores: is gone, on 2026-11-21 it was there"

    audits.restored(audited.ctx.journal, "of a backup")
    assert failures(audited) == {}
    assert "was restored on 2026-11-28 15:00 and not audited since" in audits.objection(audited.ctx.journal)
