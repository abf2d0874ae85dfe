"""What an ended attempt counts as (trap: Python exits 1 for an ImportError too)."""

import pytest

from v6.runner import exit_codes
from v6.runner.attempt import Ending
from v6.runner.result import Result
from v6.runner.verdict import judge


def ending(code: int, ended_by: str = "itself", number: int | None = None) -> Ending:
    return Ending(code, ended_by, number, 1.0, 0.5, 40.0)


def record(outcome: str) -> Result:
    return Result(outcome, "words", "reason")


@pytest.mark.parametrize(
    ("code", "said", "outcome", "exit_code"),
    [
        (0, "success", "success", 0),
        (0, "skip", "skip", 0),
        (1, "recoverable", "recoverable", 1),
        (2, "fatal", "fatal", 2),
        (0, None, "fatal", 2),
        (1, None, "fatal", 2),
        (2, None, "fatal", 2),
        (3, None, "fatal", 2),
        (255, None, "fatal", 2),
        (1, "fatal", "fatal", 2),
        (0, "recoverable", "fatal", 2),
        (-9, None, "signal", 137),
        (143, "signal", "signal", 143),
        (143, None, "fatal", 2),
    ],
)
def test_a_code_is_believed_only_with_the_record_that_fits(
    code: int, said: str | None, outcome: str, exit_code: int
) -> None:
    verdict = judge(ending(code), record(said) if said else None)
    assert (verdict.outcome, verdict.exit_code) == (outcome, exit_code)


def test_a_time_limit_is_124() -> None:
    assert judge(ending(-15, "limit"), None).exit_code == exit_codes.TIME_LIMIT


def test_a_stopped_run_has_the_signals_code() -> None:
    assert judge(ending(143, "signal", 15), record("signal")).exit_code == 143


@pytest.mark.parametrize("end", [ending(-11), ending(-9, "limit")])
def test_work_that_was_done_stays_done_when_the_process_then_crashes(end: Ending) -> None:
    verdict = judge(end, record("success"))
    assert (verdict.outcome, verdict.exit_code) == ("success", 0)
    assert "its work was done" in verdict.note


@pytest.mark.parametrize(("code", "again"), [(0, False), (1, True), (2, False), (124, True), (137, True), (143, True)])
def test_only_recoverable_codes_are_tried_again(code: int, again: bool) -> None:
    assert exit_codes.recoverable(code) is again
