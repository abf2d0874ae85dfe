"""validate_data_quality by its real script, on a real lake and journal: findings, scores, and a closed day."""

import os
import subprocess
import sys
from datetime import timedelta
from itertools import product

import polars as pl
import pytest
from desk import DAY, Desk, Ran

import option_rows
from v6.journal import events, ledger, runs
from v6.paths import ROOT

pytestmark = pytest.mark.integration

COLLECTORS = ("collect_option_snapshots", "collect_futures_snapshots")
CLOSING = "final_data_collection"
TABLES = ("quality_findings", "quality_scores")


@pytest.fixture
def desk(desk_without_tws: Desk) -> Desk:
    """An evening after a session of complete slots, ten of them with option quotes in the lake."""
    desk = desk_without_tws
    rows = option_rows.generated(DAY, slots=10, contracts=60, live=True)
    for slot, part in option_rows.by_slot(rows).items():
        desk.lake.write_slot("option_snapshots", task=COLLECTORS[0], slot=slot, frame=part)
    keep_all_but(desk)
    desk.at("18:30")
    return desk


def keep_all_but(desk: Desk, lost: str = "") -> None:
    """The ledger of a day on which every slot is complete, but one of the options may never have been opened."""
    db = desk.journal()
    db.execute("DELETE FROM slot_ledger")
    db.execute("BEGIN")
    session = [desk.slot("09:30") + timedelta(minutes=5 * number) for number in range(78)]
    for task, slot in [*product(COLLECTORS, session), (CLOSING, desk.slot("16:15"))]:
        if (task, f"{slot:%H:%M}") != (COLLECTORS[0], lost):
            ledger.open_slot(db, task, slot, 60, 1)
    db.execute("UPDATE slot_ledger SET complete = 60, missing = 0, state = 'closed'")
    db.execute("COMMIT")
    db.close()


def versions(desk: Desk) -> dict[str, int]:
    opened = {table: desk.lake.opened(table) for table in TABLES}
    return {table: stored.version() for table, stored in opened.items() if stored is not None}


def supervised(desk: Desk) -> Ran:
    """The evening's run as the gate starts it."""
    command = [sys.executable, "-S", "-m", "v6.runner.supervise", "validate_data_quality"]
    gate = {"V6_SLOT": f"{desk.slot('18:30').timestamp():.0f}", "PYTHONPATH": str(ROOT / "src")}
    environ = os.environ | gate | {"V6_CLOCK_FILE": str(desk.clock_file)}
    (desk.home / "var" / "slots" / "validate_data_quality").mkdir(parents=True)  # the gate's claim of the slot
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=90, check=False)
    return Ran(done.returncode, done.stdout + done.stderr)


def stored(desk: Desk, table: str) -> pl.DataFrame:
    return desk.lake.read(table, trade_date=DAY)


def test_a_sound_day_is_scored_and_closed_and_a_repeat_changes_nothing(desk: Desk) -> None:
    first = desk.run("validate_data_quality", slot="18:30")

    assert first.code == 0, first.words
    assert "2026-11-20 score 99." in first.words or "2026-11-20 score 100.0" in first.words, first.words
    assert "could not look: null_share" in first.words
    scores = {row["rule"]: row for row in stored(desk, "quality_scores").iter_rows(named=True)}
    assert (scores["missing_slots"]["checked"], scores["missing_slots"]["failed"]) == (157, 0)
    assert (scores["crossed"]["checked"] > 500, scores["crossed"]["score"]) == (True, 100.0)
    assert (scores["unit_jump"]["checked"], scores["unit_jump"]["score"]) == (0, None)
    assert desk.lake.exists("slot_ledger"), "the day is closed: the journal's share of it is in the lake"
    before = versions(desk)

    second = desk.run("validate_data_quality", "--date", f"{DAY}")

    assert second.code == 0, second.words
    assert versions(desk) == before


def test_l10_a_lost_slot_is_told_once_and_at_once_and_its_findings_are_stored_and_the_day_closed(desk: Desk) -> None:
    keep_all_but(desk, "10:05")

    ran = supervised(desk)

    assert ran.code == 1, ran.words

    db = desk.journal()
    assert [(run.attempt, run.outcome) for run in runs.recent(db, "validate_data_quality")] == [(1, "recoverable")]
    [alert] = events.alerts_since(db, desk.slot("00:00"))
    db.close()
    assert "critical: missing_slots: collect_option_snapshots 10:05 was not collected: " in alert.body
    assert "What to do: docs/data.md, Quality, `v6 report 2026-11-20`. 2026-11-20 score 99.4 of 100" in alert.body
    worst = stored(desk, "quality_findings").row(0, named=True)
    assert (worst["number"], worst["rule"], worst["severity"], worst["rows"]) == (1, "missing_slots", "critical", 1)
    assert worst["slot"] == desk.slot("10:05")
    assert worst["message"].startswith("collect_option_snapshots 10:05 was not collected: ")
    assert desk.lake.exists("slot_ledger")

    keep_all_but(desk)  # what was found missing has come: the day is judged anew
    assert desk.run("validate_data_quality", slot="18:30").code == 0
    assert stored(desk, "quality_findings").filter(pl.col("rule") == "missing_slots").is_empty()


def test_a_dry_run_writes_nothing_and_a_holiday_is_skipped_and_no_date_is_refused(desk: Desk) -> None:
    dry = desk.run("validate_data_quality", "--dry-run")
    holiday = desk.run("validate_data_quality", "--date", "2026-11-26")
    nonsense = desk.run("validate_data_quality", "--date", "20.11.2026")

    assert (dry.code, "dry run, nothing written" in dry.words) == (0, True)
    assert (versions(desk), desk.lake.exists("slot_ledger")) == ({}, False)
    assert (holiday.code, "no_input" in holiday.words, "Thanksgiving" in holiday.words) == (0, True, True)
    assert (nonsense.code, "--date '20.11.2026' is wrong, allowed: a date such as" in nonsense.words) == (2, True)
