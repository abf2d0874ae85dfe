"""What a person hears of a task that fails: the first time, seldom while it lasts, at once if it is something else."""

from pathlib import Path

import pytest

from receiver import listening
from toy_checkout import ToyCheckout, wait_until
from v6.clock import now
from v6.journal import events
from v6.journal.events import Alert
from v6.runner.log_tail import tail

pytestmark = pytest.mark.integration

HOURS = 3600


@pytest.fixture
def site(toys: ToyCheckout, tmp_path: Path) -> ToyCheckout:
    return toys.with_home(tmp_path / "site")


def told(site: ToyCheckout) -> list[Alert]:
    db = site.journal()
    try:
        return events.alerts_since(db, now().replace(year=2000))
    finally:
        db.close()


def titles(site: ToyCheckout) -> list[str]:
    return [alert.title for alert in told(site)]


def at(hours: float) -> dict[str, str]:
    return {"V6_CLOCK_OFFSET": str(hours * HOURS)}


def test_the_first_failure_says_that_the_task_was_well_and_shows_its_log(site: ToyCheckout) -> None:
    site.run("toy_fatal", "--do", "succeed")
    site.run("toy_fatal")
    (alert,) = told(site)
    lines = alert.body.splitlines()
    assert lines[0] == "started by hand: fatal (exit 2): wrong configuration"
    assert lines[1].startswith("it was well until now; last success 20")
    assert lines[2] == f"log: {site.home}/logs/tasks/toy_fatal-{now():%Y-%m-%d}.log"
    assert "| ERROR   | toy_fatal | fatal: wrong configuration" in alert.body
    assert len(lines) <= 3 + 8


def test_a_task_that_goes_on_failing_is_told_again_only_after_hours_with_the_count(site: ToyCheckout) -> None:
    for hours in (0, 0.1, 2, 5.9):
        site.run("toy_fatal", **at(hours))
    assert titles(site) == ["toy_fatal failed"]
    site.run("toy_fatal", **at(6.1))
    assert titles(site) == ["toy_fatal failed", "toy_fatal still fails (5 times)"]
    assert "failed run number 5 in a row, since " in told(site)[1].body
    site.run("toy_fatal", **at(7))
    assert len(told(site)) == 2
    site.run("toy_fatal", "--do", "succeed", **at(7.1))
    assert titles(site)[2:] == ["toy_fatal works again"]
    assert "6 failed runs since " in told(site)[2].body


def test_something_else_that_is_wrong_is_told_at_once_and_only_once(site: ToyCheckout) -> None:
    site.run("toy_fatal")
    for _ in range(2):
        site.run("toy_fatal", "--do", "uncaught")  # its reason: KeyError
    assert titles(site) == ["toy_fatal failed", "toy_fatal still fails (2 times)"]
    assert told(site)[1].key == "failed:toy_fatal:KeyError"


def test_a_failure_after_a_recovery_is_a_first_one_again(site: ToyCheckout) -> None:
    site.run("toy_fatal")
    site.run("toy_fatal", "--do", "succeed", **at(1.1))
    site.run("toy_fatal", **at(1.2))
    assert titles(site) == ["toy_fatal failed", "toy_fatal works again", "toy_fatal failed"]


def test_a_task_that_comes_and_goes_is_told_once_an_hour_but_not_left_when_it_stays(site: ToyCheckout) -> None:
    for minutes, what in ((0, "fatal"), (5, "succeed"), (10, "fatal"), (15, "succeed"), (20, "fatal")):
        site.run("toy_fatal", "--do", what, **at(minutes / 60))
    assert titles(site) == ["toy_fatal failed", "toy_fatal works again"]
    site.run("toy_fatal", **at(25 / 60))  # the second in a row, and everybody believes that it is well
    assert titles(site)[2:] == ["toy_fatal failed"]


def test_whoever_was_told_that_it_fails_hears_that_it_works_however_soon_after_the_last_time(site: ToyCheckout) -> None:
    for minutes, what in (
        (0, "fatal"),
        (50, "succeed"),
        (61, "fatal"),
        (66, "succeed"),
        (70, "uncaught"),
        (75, "succeed"),
    ):
        site.run("toy_fatal", "--do", what, **at(minutes / 60))
    assert titles(site) == ["toy_fatal failed", "toy_fatal works again"] * 3


def test_a_clock_that_went_back_silences_no_failure(site: ToyCheckout) -> None:
    site.run("toy_fatal", **at(9000))
    site.run("toy_fatal", **at(0))
    assert titles(site) == ["toy_fatal failed", "toy_fatal still fails (2 times)"]


def test_a_run_waits_for_no_receiver(site: ToyCheckout) -> None:
    """It has ended while the receivers of its alert and its heartbeats still say nothing."""
    with listening() as receiver:
        receiver.silent.set()
        environ = {"V6_ALERT_URLS": receiver.alert_url, "V6_HEARTBEAT_URL_TOY_FATAL": f"http://{receiver.place}/x"}
        assert site.run("toy_fatal", **environ).returncode == 2
        assert not receiver.speak.is_set()
        wait_until(lambda: "/" in receiver.paths)  # the alert arrives there, after the run
        assert site.run("toy_fatal", **environ).returncode == 2
    assert [run.outcome for run in site.runs_of("toy_fatal")] == ["fatal", "fatal"]
    assert all(run.wall_seconds < 30 for run in site.runs_of("toy_fatal"))


def test_the_end_of_a_log_is_whole_lines_shortened(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100_000 + b"\nfirst \xff\n\n" + b"y" * 1000 + b"\nlast")
    assert tail(str(log), 3) == ["first \N{REPLACEMENT CHARACTER}", "y" * 300, "last"]
    assert tail(str(log), 0) == []
    assert tail(str(tmp_path / "none"), 3) == []
