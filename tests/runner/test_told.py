"""A failure of which the job has told the operator itself is not told again by its supervisor, nor is its end."""

from pathlib import Path

import pytest

from toy_checkout import ToyCheckout
from v6.clock import now
from v6.journal import events
from v6.runner.told import ToldError

pytestmark = pytest.mark.integration


@pytest.fixture
def site(toys: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    return toys.with_home(tmp_path / "site")


def told(site: ToyCheckout) -> list[str]:
    db = site.journal()
    try:
        return [alert.title for alert in events.alerts_since(db, now().replace(year=2000))]
    finally:
        db.close()


def test_a_run_that_has_told_its_failure_itself_is_tried_again_and_raises_no_alert(site: ToyCheckout) -> None:
    assert site.run("toy_told").returncode == 1
    assert [(run.outcome, run.reason) for run in site.runs_of("toy_told")] == [("recoverable", "restart_degraded")] * 3
    assert told(site) == []


def test_l35_what_was_found_is_not_tried_again_and_ends_with_1(site: ToyCheckout) -> None:
    assert site.run("toy_told", "--do", "told", "--reason", "positions_broken").returncode == 1
    assert [(run.outcome, run.reason) for run in site.runs_of("toy_told")] == [("recoverable", "positions_broken")]
    assert told(site) == []


def test_the_success_after_it_is_no_news_either(site: ToyCheckout) -> None:
    site.run("toy_told")
    assert site.run("toy_told", "--do", "succeed").returncode == 0
    assert told(site) == []


def test_any_other_failure_of_the_same_task_is_told_and_so_is_its_end(site: ToyCheckout) -> None:
    site.run("toy_told")
    site.run("toy_told", "--do", "fatal")
    site.run("toy_told", "--do", "succeed")
    assert told(site) == ["toy_told failed", "toy_told works again"]


def test_a_failure_that_was_told_is_answered_also_when_the_last_one_was_the_jobs_to_tell(site: ToyCheckout) -> None:
    site.run("toy_told", "--do", "fatal")
    site.run("toy_told")
    site.run("toy_told", "--do", "succeed")
    assert told(site) == ["toy_told failed", "toy_told works again"]


def test_a_slot_that_the_market_session_had_answers_a_failure_once(site: ToyCheckout) -> None:
    site.run("toy_told", "--do", "fatal")
    site.run("toy_told", "--do", "skip")
    assert told(site) == ["toy_told failed"]
    for what in ("covered", "covered", "succeed"):
        assert site.run("toy_told", "--do", what).returncode == 0
    assert told(site) == ["toy_told failed", "toy_told works again"]


def test_a_reason_the_supervisor_does_not_know_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"reason 'weather': the supervisor knows only positions_broken, restart_degraded, .*"
    ):
        ToldError("weather", "it rains", recoverable=True)
