"""What health_check finds, and what it admits not to know. TWS is away in all of these, which it says too."""

from datetime import timedelta

import pytest
from desk import Desk

from v6.journal import ledger, runs

pytestmark = pytest.mark.integration

COLLECTORS = ("collect_option_snapshots", "collect_futures_snapshots")


@pytest.fixture
def desk(desk_without_tws: Desk) -> Desk:
    """A desk whose V6 has been at work since 07:55."""
    desk_without_tws.at("07:55")
    run(desk_without_tws, "health_check", "07:55")
    desk_without_tws.at("10:15")
    return desk_without_tws


def run(desk: Desk, task: str, slot: str, pid: int | None = None, *, ended: bool = True) -> None:
    """An attempt in the journal. `started_at` is the desk's clock, which the test's own process does not read."""
    db = desk.journal()
    started = desk.slot(slot)
    number = runs.start_attempt(db, task=task, slot=started, attempt=1, pid=pid, log_file="")
    if ended:
        runs.finish_attempt(db, number, runs.Ended("success", 0, 1.0, 1.0, 1.0))
    db.execute("UPDATE runs SET started_at = ? WHERE id = ?", (started.astimezone().isoformat(), number))
    db.close()


def keep(desk: Desk, slots: list[str], complete: int = 258, tasks: tuple[str, ...] = COLLECTORS) -> None:
    db = desk.journal()
    for task in tasks:
        for slot in slots:
            ledger.open_slot(db, task, desk.slot(slot), 258, 1)
            misses = [ledger.Miss(str(n), "SPY", "missing", "no_tick") for n in range(258 - complete)]
            ledger.close_slot(db, task, desk.slot(slot), complete, misses)
    db.close()


RECENT = ["09:55", "10:00", "10:05", "10:10"]


def test_l10_a_slot_that_nobody_opened_is_reported_at_the_next_check(desk: Desk) -> None:
    keep(desk, ["09:55", "10:00", "10:10"])

    ran = desk.run("health_check", slot="10:15")

    assert ran.code == 1
    assert "collect_option_snapshots 10:05 was never opened" in ran.words


def test_l25_collectors_are_watched_by_their_last_completed_slot(desk: Desk) -> None:
    keep(desk, RECENT, complete=0)
    keep(desk, ["09:30"])

    ran = desk.run("health_check", slot="10:15")

    assert "collect_option_snapshots 10:10 has 0 of 258 complete (no_tick 258)" in ran.words
    assert "collect_option_snapshots last completed 11-20 09:30" in ran.words


def test_kept_slots_are_well_even_when_a_few_contracts_never_tick(desk: Desk) -> None:
    keep(desk, RECENT, complete=250)

    assert "slots: ok: 8 of 8 kept" in desk.run("health_check", slot="10:15").words


def test_a_slot_whose_time_is_not_over_is_not_missed_yet(desk: Desk) -> None:
    keep(desk, ["09:50", "09:55", "10:00", "10:05"])
    desk.at("10:14")

    assert "slots: ok: 8 of 8 kept" in desk.run("health_check").words


def test_a_run_that_died_in_the_middle_of_a_slot_is_reported(desk: Desk) -> None:
    keep(desk, ["09:55", "10:00", "10:05"])
    db = desk.journal()
    ledger.open_slot(db, "collect_option_snapshots", desk.slot("10:10"), 258, 1)
    run(desk, "collect_option_snapshots", "10:10", pid=2**22 + 1, ended=False)

    ran = desk.run("health_check", slot="10:15")

    assert "collect_option_snapshots 10:10 was opened and never finished" in ran.words
    assert "runs: failed: killed without an end: collect_option_snapshots 11-20 10:10" in ran.words


def test_rows_that_are_in_the_ledger_but_not_in_the_lake_are_missed(desk: Desk) -> None:
    keep(desk, RECENT)

    ran = desk.run("health_check", slot="10:15")

    assert "lake: failed: option_snapshots 11-20 10:10: 0 rows, last stored nothing that day" in ran.words


def test_at_the_weekend_no_slot_is_due_and_friday_must_be_in_the_lake(desk: Desk) -> None:
    saturday = desk.slot("10:00").date() + timedelta(days=1)
    desk.at("10:00", saturday)

    ran = desk.run("health_check", slot="10:00", day=saturday)

    assert "slots: ok: none was due" in ran.words
    assert "lake: failed: option_snapshots 11-20 15:55: 0 rows" in ran.words


def test_at_its_very_first_run_only_the_gateway_can_have_failed(desk_without_tws: Desk) -> None:
    ran = desk_without_tws.run("health_check", slot="10:00")

    assert ran.code == 1
    assert "gateway: failed: refused" in ran.words
    assert "cron: could_not_check: not applicable under a shifted clock" in ran.words
    assert "slots: ok: none was due" in ran.words
    assert "lake: could_not_check: no collector's slot has been over since V6's first run" in ran.words


def test_tws_is_not_disturbed_inside_a_restart_window(desk: Desk) -> None:
    desk.at("05:50")

    ran = desk.run("health_check")

    assert "gateway: could_not_check: inside the restart window weekday_morning" in ran.words


def test_a_calendar_that_runs_out_is_reported_before_it_does(desk: Desk) -> None:
    path = desk.home / "var" / "compiled" / "calendar.txt"
    path.write_text("# v6 calendar 1 pandas_market_calendars 5 covers 2026-01-01 2026-12-01 overrides none\n")

    ran = desk.run("health_check", slot="10:15")

    assert "calendar horizon: failed: covers 11 more days (to 2026-12-01), at least 60" in ran.words


def test_l30_a_check_that_cannot_run_says_so(desk: Desk) -> None:
    (desk.home / "var" / "compiled" / "calendar.txt").unlink()

    ran = desk.run("health_check", slot="10:15")

    assert "calendar horizon: could_not_check: CalendarError" in ran.words
    assert "slots: could_not_check" in ran.words
