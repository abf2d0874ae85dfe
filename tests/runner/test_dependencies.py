"""What a run waits for: the success of others on the New York day of its slot, as long as it can still end in time."""

import threading
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from toy_checkout import ToyCheckout, wait_until
from v6.clock import NEW_YORK
from v6.journal import database, runs
from v6.journal.runs import Run
from v6.runner import dependencies
from v6.runner.day_log import DayLog
from v6.runner.run import Run as SupervisedRun
from v6.scheduler.compiled import Task

pytestmark = pytest.mark.integration


def only(toys: ToyCheckout, task: str) -> Run:
    (run,) = toys.runs_of(task)
    return run


def of_slot(at: datetime, now: datetime | None = None) -> dict[str, str]:
    """The environment of a run of that slot, on a clock that shows `now` (default: the slot)."""
    offset = (now or at).timestamp() - time.time()
    return {"V6_SLOT": f"{at.timestamp():.0f}", "V6_CLOCK_OFFSET": f"{offset:.3f}"}


def midnight() -> datetime:
    return datetime.now(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


@pytest.mark.core
def test_a_run_waits_until_what_it_depends_on_has_succeeded(toys: ToyCheckout) -> None:
    slot = of_slot(midnight() + timedelta(hours=10))
    waiting = toys.start("toy_after_first", **slot)
    wait_until(lambda: "waits for toy_first (has not run), " in toys.day_log("toy_after_first"))
    assert toys.marks("toy_after_first") == []

    assert toys.run("toy_first", **slot).returncode == 0

    waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert only(toys, "toy_after_first").outcome == "success"


def test_a_dependency_that_never_comes_is_a_skip_that_names_it(toys: ToyCheckout) -> None:
    last_year = datetime.now(NEW_YORK) - timedelta(days=300)
    toys.run("toy_dependent", **of_slot(last_year))
    run = only(toys, "toy_dependent")
    assert (run.outcome, run.reason, run.summary) == ("skip", "dependency", "toy_print (has not run)")


def test_it_waits_no_longer_than_leaves_it_time_to_end(toys: ToyCheckout) -> None:
    slot = midnight() - timedelta(days=100) + timedelta(hours=10)
    began = time.monotonic()
    toys.run("toy_after_never", **of_slot(slot, slot + timedelta(seconds=293)))  # of 300, and 5 are the least it needs
    assert time.monotonic() - began < 25
    assert toys.runs_of("toy_after_never")[-1].summary == "toy_never (has not run)"


def test_a_dependency_that_failed_for_good_is_not_waited_for(toys: ToyCheckout) -> None:
    noon = of_slot(midnight() + timedelta(hours=12))
    toys.run("toy_fatal", **noon)
    toys.run("toy_after_fatal", **noon)
    assert only(toys, "toy_after_fatal").summary == "toy_fatal (fatal)"
    assert "waits for" not in toys.day_log("toy_after_fatal")


def test_a_disabled_dependency_that_has_not_run_is_not_waited_for(toys: ToyCheckout) -> None:
    toys.run("toy_after_off", **of_slot(midnight() + timedelta(hours=12)))
    assert only(toys, "toy_after_off").summary == "toy_off (disabled)"
    assert "waits for" not in toys.day_log("toy_after_off")


def test_it_is_the_day_of_the_slot_that_counts(toys: ToyCheckout) -> None:
    """L07: two minutes after midnight a slot of 23:58 still belongs to the day before."""
    late = midnight() - timedelta(minutes=2)
    toys.run("toy_yesterday", **of_slot(late))
    toys.run("toy_after_yesterday", **of_slot(late, now=late + timedelta(minutes=4)))
    assert only(toys, "toy_after_yesterday").outcome == "success"

    early = midnight() + timedelta(minutes=1)
    toys.run("toy_after_yesterday", **of_slot(early, now=early + timedelta(seconds=296)))
    assert toys.runs_of("toy_after_yesterday")[-1].summary == "toy_yesterday (has not run)"


def test_by_hand_nothing_is_waited_for_and_force_run_starts_it(toys: ToyCheckout) -> None:
    said = toys.run("toy_after_never")
    assert said.returncode == 0
    assert "toy_never (" in said.stderr
    assert toys.runs_of("toy_after_never")[-1].reason == "dependency"

    toys.run("toy_after_never", FORCE_RUN="true")

    assert toys.runs_of("toy_after_never")[-1].outcome == "success"
    assert "forced, although it depends on toy_never (" in toys.day_log("toy_after_never")


def test_a_run_that_waits_can_be_stopped(toys: ToyCheckout) -> None:
    before = toys.day_log("toy_after_never").count("waits for toy_never")
    waiting = toys.start("toy_after_never", **of_slot(midnight() - timedelta(days=50)))
    wait_until(lambda: toys.day_log("toy_after_never").count("waits for toy_never") > before)
    waiting.terminate()
    waiting.communicate(timeout=20)
    assert waiting.returncode == 143
    assert toys.runs_of("toy_after_never")[-1].reason == "stopped"


def test_in_a_rehearsal_whose_clock_stands_still_nothing_is_waited_for_that_is_not_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_file = tmp_path / "clock"
    clock_file.write_text("0")
    monkeypatch.setenv("V6_CLOCK_FILE", str(clock_file))
    monkeypatch.setattr(dependencies, "STANDS_STILL_SECONDS", 0.2)
    for folder in ("tasks", "scheduler"):
        (tmp_path / folder).mkdir()
    with closing(database.connect(tmp_path / "v6.db")) as db:
        needed, after = (Task(name=name, enabled=True, depends_on=("needed",)) for name in ("needed", "after"))
        slot = midnight() + timedelta(hours=12)
        run = SupervisedRun(
            home=str(tmp_path),
            log_directory=str(tmp_path),
            task=after,
            slot=slot,
            log=DayLog(str(tmp_path), "after"),
            db=db,
            settings={},
        )
        tasks, tonight = {"needed": needed, "after": after}, time.monotonic() + 5 * 3600

        began = time.monotonic()
        assert dependencies.met(run, tasks, tonight).detail == "needed (has not run)"
        assert time.monotonic() - began < 60

        first = runs.start_attempt(db, task="needed", slot=slot, attempt=1, pid=None, log_file="")
        ended = threading.Timer(1.5, lambda: clock_file.with_name("over").touch())
        ended.start()
        monkeypatch.setattr(dependencies, "wait_for_signal", lambda _: finish(db, first, clock_file.with_name("over")))
        assert dependencies.met(run, tasks, tonight).detail == ""


def finish(db: Connection, run_id: int, when_exists: Path) -> None:
    """Instead of half a second's wait: the run ends once the file is there."""
    time.sleep(0.1)
    if when_exists.exists():
        runs.finish_attempt(db, run_id, runs.Ended("success", 0, 1.0, 1.0, 1.0))
