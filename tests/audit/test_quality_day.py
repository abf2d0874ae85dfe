"""What validate_data_quality reads of a day and what it refuses: a real lake and journal, without a process."""

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from loguru import logger

import option_rows
import surface_rows
from statistics_desk import weekdays
from upkeep_desk import DAY, TASK, UpkeepDesk, at
from v6.analysis.slot_states import Verdict
from v6.audit import quality_day
from v6.jobs.validate_data_quality import BreachedError, validate_data_quality
from v6.journal import closed_days, ledger
from v6.model import FatalError, SkipRun
from v6.runner.context import Context
from v6.runner.notices import NOT_RETRIED
from v6.upkeep.journal_export import export_day

pytestmark = pytest.mark.long

MONDAY = DAY + timedelta(days=3)
LATE = at("23:00")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """var/compiled of a home with nothing but defaults."""
    home = tmp_path_factory.mktemp("compiled")
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=os.environ | {"V6_HOME": str(home)}, check=True, capture_output=True)
    return home / "var" / "compiled"


@pytest.fixture
def evening(desk: UpkeepDesk, compiled: Path) -> UpkeepDesk:
    """Friday 18:30, three slots collected."""
    shutil.copytree(compiled, desk.home / "var" / "compiled", dirs_exist_ok=True)
    desk.collect()
    return desk


def asked(desk: UpkeepDesk, day: str | None = None, *, dry_run: bool = False) -> Context:
    """The job's context, by hand."""
    return replace(desk.context("validate_data_quality", dry_run=dry_run), args=argparse.Namespace(date=day))


def closing_slots(desk: UpkeepDesk) -> list[tuple[str, Verdict]]:
    states = quality_day.given(desk.ctx, DAY).states or ()
    return [(f"{one.slot:%H:%M}", one.verdict) for one in states if one.task == "final_data_collection"]


def test_l02_closing_quotes_that_nobody_collected_are_a_missing_slot(evening: UpkeepDesk) -> None:
    """The schedule wanted them at 16:15; without this every rule passes over an empty closing_marks."""
    assert closing_slots(evening) == [("16:15", Verdict.MISSING)]

    ledger.open_slot(evening.ctx.journal, "final_data_collection", at("16:15"), 12, 1)
    ledger.close_slot(evening.ctx.journal, "final_data_collection", at("16:15"), 12, [])

    assert closing_slots(evening) == [("16:15", Verdict.COMPLETE)]


def test_before_its_time_the_closing_slot_is_not_missing(evening: UpkeepDesk) -> None:
    evening.now(at("16:05"))

    assert closing_slots(evening) == [("16:15", Verdict.NOT_YET)]


def test_l06_rows_of_the_weekend_are_mondays_to_judge(evening: UpkeepDesk) -> None:
    saturday = option_rows.generated(DAY + timedelta(days=1), slots=1, contracts=3, live=True)
    slot = saturday["slot"][0]
    evening.ctx.lake.write_slot("option_snapshots", task=TASK, slot=slot, frame=saturday)
    evening.now(at("18:30", MONDAY))

    found = quality_day.given(evening.ctx, MONDAY).closed_rows

    assert {table: rows.height for table, rows in found.items()} == {"option_snapshots": 3}


@pytest.mark.parametrize(
    ("day", "dry_run", "words"),
    [
        ("2026-11-20", False, "2026-11-20: its session is 09:30 to 16:00, now it is 2026-11-20 11:00"),
        ("2026-11-23", False, "2026-11-23: its session is 09:30 to 16:00, now"),
        ("2026-11-23", True, "2026-11-23: its session is 09:30 to 16:00, now"),
        ("2026-11-31", True, "--date '2026-11-31' is wrong, allowed: a date such as"),
    ],
)
def test_a_day_that_is_not_over_gets_no_score(evening: UpkeepDesk, day: str, dry_run: bool, words: str) -> None:
    """A day that has not begun has nothing wrong with it, and must not be stored with a score of 100."""
    evening.now(at("11:00"))

    with pytest.raises(FatalError, match=words):
        validate_data_quality(asked(evening, day, dry_run=dry_run))

    assert not evening.ctx.lake.exists("quality_scores")


def test_in_the_session_a_dry_run_tells_what_is_known_so_far(evening: UpkeepDesk) -> None:
    evening.now(at("09:46"))  # options of 09:35 to 09:45 are there, of futures nothing, and 09:45 may be on its way

    with pytest.raises(BreachedError, match=r"dry run, nothing written: 2026-11-20 score 42\.9 of 100") as told:
        validate_data_quality(asked(evening, dry_run=True))  # 3 of 7 slots

    assert "futures_snapshots 09:30 was not collected: before_first_run 1 (and 2 more)" in str(told.value)
    assert not evening.ctx.lake.exists("quality_scores")


def test_a_day_whose_quotes_were_removed_keeps_what_was_found_when_they_were_there(evening: UpkeepDesk) -> None:
    evening.now(LATE)
    with pytest.raises(BreachedError):  # of 78 slots three are there
        validate_data_quality(asked(evening))
    before = evening.ctx.lake.read("quality_scores")
    closed_days.mark_removed(evening.ctx.journal, "option_snapshots", [DAY])

    with pytest.raises(FatalError, match="2026-11-20: cleanup_old_data has removed option_snapshots"):
        validate_data_quality(asked(evening, "2026-11-20"))

    assert evening.ctx.lake.read("quality_scores").equals(before)


def test_of_a_day_that_the_journal_no_longer_has_no_slot_is_said_to_be_missing(evening: UpkeepDesk) -> None:
    """After 400 days, or when it was lost and the lake was not."""
    export_day(evening.ctx.journal, evening.ctx.lake, DAY)
    assert quality_day.given(evening.ctx, DAY).states is not None
    evening.ctx.journal.execute("DELETE FROM slot_ledger")

    assert quality_day.given(evening.ctx, DAY).states is None


def test_a_breach_is_told_with_what_is_wrong_and_what_to_do_and_is_not_tried_again(evening: UpkeepDesk) -> None:
    evening.now(LATE)

    with pytest.raises(BreachedError) as told:
        validate_data_quality(asked(evening))

    words = str(told.value)
    assert words.startswith("critical: missing_slots: collect_futures_snapshots 09:30 was not collected: before_first_")
    assert "(and 6 more)" in words  # of 78 + 78 + 1 slots three are there; the others are seven runs of neighbours
    assert ". What to do: docs/data.md, Quality, `v6 report 2026-11-20`. 2026-11-20 score 1.9 of 100" in words
    assert (told.value.recoverable, told.value.reason in NOT_RETRIED) == (True, True)


def test_a_day_of_which_nothing_is_there_is_critical_with_a_score_of_0(desk: UpkeepDesk, compiled: Path) -> None:
    shutil.copytree(compiled, desk.home / "var" / "compiled", dirs_exist_ok=True)

    with pytest.raises(BreachedError, match=r"2026-11-20 score 0\.0 of 100, findings: .* could not look: missing_con"):
        validate_data_quality(asked(desk))


def test_a_day_from_before_v6_was_installed_is_refused_and_not_sealed(evening: UpkeepDesk) -> None:
    """Bars are loaded of years before; that is no trace of V6."""
    before = DAY - timedelta(days=7)
    bars = surface_rows.daily_bars(("SPY",), weekdays(before, 3))
    evening.ctx.lake.unite("bars", bars)

    with pytest.raises(FatalError, match=f"V6 knows nothing of {before}: it first ran here later"):
        validate_data_quality(asked(evening, f"{before}"))

    assert not evening.ctx.lake.exists("quality_scores")
    assert closed_days.of_day(evening.ctx.journal, before) == {}


def test_a_day_before_the_first_run_whose_ledger_is_stored_is_judged(evening: UpkeepDesk) -> None:
    """The journal was lost; the lake was not."""
    export_day(evening.ctx.journal, evening.ctx.lake, DAY)
    evening.ctx.journal.execute("DELETE FROM slot_ledger")
    evening.ctx.journal.execute("DELETE FROM runs")
    evening.now(at("18:30", MONDAY))

    assert quality_day.known(evening.ctx, DAY)
    assert not quality_day.known(evening.ctx, DAY - timedelta(days=1))


def test_a_day_on_which_the_host_was_down_is_one_that_v6_knows(evening: UpkeepDesk) -> None:
    evening.now(at("18:30", MONDAY + timedelta(days=1)))

    assert quality_day.known(evening.ctx, MONDAY)


def test_of_many_findings_of_a_rule_ten_are_logged_and_the_rest_counted(evening: UpkeepDesk) -> None:
    evening.now(LATE)
    rows = option_rows.generated(DAY, slots=3, contracts=12, live=True)
    evening.ctx.lake.replace("option_snapshots", rows.with_columns(iv=9.0), trade_date=DAY)
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    with pytest.raises(BreachedError):
        validate_data_quality(asked(evening))
    logger.remove(sink)

    own = [line.strip() for line in lines if line.startswith("iv_range")]
    assert len(own) == 11
    assert own[-1] == "iv_range: and 26 more in quality_findings"


@pytest.mark.parametrize("day", ["2026-11-26", "2026-11-21"])
def test_a_holiday_and_a_weekend_are_skipped(evening: UpkeepDesk, day: str) -> None:
    with pytest.raises(SkipRun, match="is no session: "):
        validate_data_quality(asked(evening, day))


def test_an_early_close_expects_the_slots_until_one_oclock(evening: UpkeepDesk) -> None:
    friday = date(2026, 11, 27)
    evening.now(at("15:30", friday))

    states = quality_day.given(evening.ctx, friday).states or ()

    assert {one.task: f"{one.slot:%H:%M}" for one in sorted(states, key=lambda one: one.slot)} == {
        "collect_option_snapshots": "12:55",
        "collect_futures_snapshots": "12:55",
        "final_data_collection": "13:15",
    }
