"""What the books say when there is nothing to collect, or nobody to ask."""

import importlib

import pytest
from desk import Desk, options

from v6.model import QuoteStatus
from v6.store.frames import rows_to_frame

pytestmark = pytest.mark.integration

JOBS = [
    "queue_option_contracts",
    "schedule_935_et",
    "collect_option_snapshots",
    "collect_futures_snapshots",
    "validate_ib_connection",
    "health_check",
]
PROMISES = ("Usage: scripts/", "Needs:", "A repeat is safe", "Exit codes:")


def stored_row(desk: Desk, con_id: int, slot: str) -> dict[str, object]:
    contract = options(1, con_id)[0]
    return {
        "trade_date": desk.slot(slot).date(),
        "slot": desk.slot(slot),
        "task": "collect_option_snapshots",
        "con_id": con_id,
        "symbol": contract.symbol,
        "expiry": contract.expiry,
        "strike": contract.strike,
        "right": contract.right,
        "bid": 1.0,
        "ask": 1.1,
        "status": str(QuoteStatus.COMPLETE),
        "received_at": desk.slot(slot),
    }


def test_a_day_without_a_universe_is_a_skip_that_the_ledger_names(desk_without_tws: Desk) -> None:
    ran = desk_without_tws.collect("10:00")

    assert ran.code == 0
    assert "skip: no_input" in ran.words
    line = desk_without_tws.line("10:00")
    assert line is not None
    assert (line.expected, line.complete, line.missing, line.state) == (3, 0, 3, "closed")
    assert {miss.reason for miss in desk_without_tws.misses("10:00")} == {"no_universe"}


def test_l10_when_tws_is_away_every_contract_is_missing_for_that_reason(desk_without_tws: Desk) -> None:
    desk_without_tws.freeze(options(12))

    ran = desk_without_tws.collect("10:00")

    assert ran.code == 1
    assert "refused" in ran.words
    line = desk_without_tws.line("10:00")
    assert line is not None
    assert (line.expected, line.complete, line.missing, line.universe_version) == (12, 0, 12, 1)
    assert {miss.reason for miss in desk_without_tws.misses("10:00")} == {"tws_down"}


def test_futures_without_tws_are_missing_by_symbol(desk_without_tws: Desk) -> None:
    ran = desk_without_tws.run("collect_futures_snapshots", slot="10:00")

    assert ran.code == 1
    misses = desk_without_tws.misses("10:00", "collect_futures_snapshots")
    assert [(miss.contract, miss.reason) for miss in misses] == [
        ("ES", "tws_down"),
        ("NQ", "tws_down"),
        ("RTY", "tws_down"),
    ]


def test_a_killed_runs_slot_is_closed_by_the_next_run_from_what_it_had_committed(desk_without_tws: Desk) -> None:
    desk = desk_without_tws
    desk.freeze(options(3))
    assert desk.collect("10:00", V6_FAILPOINT="slot_opened").code == -9
    assert (desk.line("10:00") or pytest.fail("no line")).state == "open"
    frame = rows_to_frame("option_snapshots", [stored_row(desk, 2, "10:00")])
    desk.lake.write_slot("option_snapshots", task="collect_option_snapshots", slot=desk.slot("10:00"), frame=frame)

    ran = desk.collect("10:05")

    assert "slot 2026-11-20 10:00 had been left open: 1 of 3 complete, 2 missing (killed 2)" in ran.words
    line = desk.line("10:00")
    assert line is not None
    assert (line.state, line.complete, line.missing) == ("closed", 1, 2)
    assert {miss.contract: miss.reason for miss in desk.misses("10:00")} == {"1": "killed", "3": "killed"}


def test_a_slot_that_is_complete_already_needs_no_tws(desk_without_tws: Desk) -> None:
    desk = desk_without_tws
    desk.freeze(options(2))
    frame = rows_to_frame("option_snapshots", [stored_row(desk, n, "10:00") for n in (1, 2)])
    desk.lake.write_slot("option_snapshots", task="collect_option_snapshots", slot=desk.slot("10:00"), frame=frame)

    ran = desk.collect("10:00")

    assert (ran.code, "2 of 2 complete" in ran.words) == (0, True)


def test_l15_a_run_that_comes_too_late_for_its_slot_collects_nothing(desk_without_tws: Desk) -> None:
    desk = desk_without_tws
    desk.freeze(options(2))
    desk.at("10:05")

    ran = desk.run("collect_option_snapshots", slot="10:00")

    assert ran.code == 1
    assert {miss.reason for miss in desk.misses("10:00")} == {"deadline"}
    assert desk.rows("10:00").is_empty()


def test_a_scheduled_symbol_outside_the_universe_is_refused_by_name(desk_without_tws: Desk) -> None:
    desk_without_tws.freeze(options(3))

    ran = desk_without_tws.collect("10:00", "--symbols", "AAPL")

    assert ran.code == 2
    assert "AAPL: not in today's universe (IWM, QQQ, SPY)" in ran.words


def test_the_0935_slot_does_not_wait_for_a_version_that_nobody_will_make(desk_without_tws: Desk) -> None:
    desk = desk_without_tws
    desk.configure({"scheduler": {"tasks": {"schedule_935_et": {"enabled": False}}}})
    desk.freeze(options(2))

    ran = desk.collect("09:35")

    assert "version 2 of 2026-11-20 is not there: going on with what is" in ran.words
    line = desk.line("09:35")
    assert line is not None
    assert (line.universe_version, line.note) == (1, "universe version 1: version 2 was not there")


@pytest.mark.parametrize("job", ["queue_option_contracts", "schedule_935_et"])
def test_without_tws_the_other_jobs_can_be_tried_again(desk_without_tws: Desk, job: str) -> None:
    ran = desk_without_tws.run(job, slot="10:00")

    assert (ran.code, "recoverable: refused" in ran.words) == (1, True)


def test_a_script_explains_itself(desk_without_tws: Desk) -> None:
    ran = desk_without_tws.run("collect_option_snapshots", "--help")

    assert ran.code == 0
    for words in (*PROMISES, "--symbols", "--dry-run"):
        assert words in ran.words


@pytest.mark.parametrize("job", JOBS)
def test_every_job_says_how_it_is_used_what_it_needs_and_how_it_ends(job: str) -> None:
    words = importlib.import_module(f"v6.jobs.{job}").__doc__ or ""

    assert f"Usage: scripts/{job}.py" in words
    for promise in PROMISES:
        assert promise in words
