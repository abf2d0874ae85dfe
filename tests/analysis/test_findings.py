"""What a set of checks amounts to."""

from v6.analysis.findings import State, could_not_check, failed, of_state, ok, words


def test_l30_a_check_that_could_not_run_is_neither_ok_nor_failed() -> None:
    findings = [ok("disk", "41 % free"), could_not_check("cron alive", "the clock is shifted")]

    assert of_state(findings, State.FAILED) == []
    assert words(findings) == "1 ok, 1 could_not_check; cron alive: could_not_check: the clock is shifted"


def test_every_failure_is_named_with_its_evidence() -> None:
    findings = [failed("disk", "2 % free"), failed("gateway", "refused"), ok("journal", "writable")]

    assert words(findings) == "1 ok, 2 failed; disk: failed: 2 % free; gateway: failed: refused"


def test_nothing_checked_is_not_fine() -> None:
    assert words([]) == "nothing checked"
