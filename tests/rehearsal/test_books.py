"""What counts as a rehearsal, and what as not done."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from v6.clock import NEW_YORK
from v6.journal.runs import Run
from v6.rehearsal.books import Books, NotDone, _not_done

SLOT = datetime(2026, 11, 22, 14, 15, tzinfo=NEW_YORK)
SUNDAY = Books([], 6, 6, {}, Counter(), [], [], {}, [], trading_day=False)


def run_of(task: str, outcome: str, reason: str) -> Run:
    fields = dict.fromkeys(Run._fields) | {"task": task, "slot": SLOT, "outcome": outcome, "reason": reason}
    return Run(**fields | {"summary": ""})


def test_a_closed_day_with_a_restart_is_a_rehearsal_one_without_is_none() -> None:
    assert replace(SUNDAY, restarts_due=2).whole
    assert not replace(SUNDAY, restarts_due=2).collected_nothing
    assert SUNDAY.collected_nothing


def test_a_restart_that_failed_is_not_whole() -> None:
    assert not replace(SUNDAY, restarts_due=2, not_done=[NotDone("post_restart", SLOT, "degraded")]).whole


@pytest.mark.parametrize("reason", ["nothing_due", "nothing_owed", "not_yet", "done", "covered_by_session"])
def test_a_run_that_rightly_had_nothing_to_do_is_done(reason: str) -> None:
    assert _not_done([("recover_restart", SLOT)], [run_of("recover_restart", "skip", reason)], {}) == []


@pytest.mark.parametrize("reason", ["tws_away", "could_not_check", "running", "restart_not_over", "no_input"])
def test_a_run_that_could_not_do_its_work_is_not(reason: str) -> None:
    [missing] = _not_done([("recover_restart", SLOT)], [run_of("recover_restart", "skip", reason)], {})

    assert missing.reason == f"skip: {reason}"


def test_a_session_that_goes_on_needs_no_other_one() -> None:
    expected = [("resume_market_session", SLOT), ("collect_option_snapshots", SLOT)]
    attempts = [run_of(task, "skip", "running") for task, _ in expected]

    [missing] = _not_done(expected, attempts, {}, ["run_market_session", "resume_market_session"])

    assert missing.task == "collect_option_snapshots"
