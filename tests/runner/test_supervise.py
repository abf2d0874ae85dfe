"""One run as the supervisor sees it: attempts, codes, limits, dependencies, all in the journal."""

import datetime as dt
import signal
import subprocess
import time
from datetime import datetime

import pytest

from toy_checkout import ToyCheckout, alive, kill, wait_until
from v6.clock import NEW_YORK
from v6.journal.runs import Run
from v6.runner import lock

pytestmark = pytest.mark.integration


def outcomes(toys: ToyCheckout, task: str) -> list[str]:
    return [run.outcome for run in toys.runs_of(task)]


@pytest.mark.core
def test_a_success_is_one_row_with_what_it_did_and_what_it_cost(toys: ToyCheckout) -> None:
    assert toys.run("toy_memory").returncode == 0
    (run,) = toys.runs_of("toy_memory")
    assert (run.outcome, run.exit_code, run.attempt, run.summary) == ("success", 0, 1, "did memory")
    assert run.started_at < run.ended_at
    assert run.pid
    assert run.log_file.endswith(f"toy_memory-{run.started_at:%Y-%m-%d}.log")
    assert 0.3 <= run.cpu_seconds <= run.wall_seconds + 1
    assert 64 < run.peak_memory_mb < 300


@pytest.mark.core
def test_a_recoverable_failure_is_tried_until_it_mends(toys: ToyCheckout) -> None:
    assert toys.run("toy_mend").returncode == 0
    assert outcomes(toys, "toy_mend") == ["recoverable", "recoverable", "success"]
    assert [run.attempt for run in toys.runs_of("toy_mend")] == [1, 2, 3]


def test_a_run_that_never_mends_ends_with_1_after_its_last_attempt(toys: ToyCheckout) -> None:
    assert toys.run("toy_recoverable").returncode == 1
    assert outcomes(toys, "toy_recoverable") == ["recoverable"] * 3


@pytest.mark.core
@pytest.mark.parametrize(
    ("task", "word"),
    [
        ("toy_uncaught", "KeyError"),
        ("toy_import_error", "ModuleNotFoundError"),
        ("toy_no_import", "ModuleNotFoundError"),
        ("toy_no_syntax", "SyntaxError"),
        ("toy_no_summary", "RuntimeError"),
    ],
)
def test_l02_what_no_job_expects_is_fatal_with_its_traceback_and_never_tried_again(
    toys: ToyCheckout, task: str, word: str
) -> None:
    done = toys.run(task)
    assert done.returncode == 2
    assert word in done.stderr
    (run,) = toys.runs_of(task)
    assert (run.outcome, run.reason) == ("fatal", word)
    assert "Traceback" in toys.day_log(task)


@pytest.mark.parametrize("task", ["toy_exit_0", "toy_exit_1"])
def test_an_exit_without_a_result_record_is_fatal(toys: ToyCheckout, task: str) -> None:
    assert toys.run(task).returncode == 2
    assert outcomes(toys, task) == ["fatal"]


@pytest.mark.core
def test_a_job_with_nothing_to_do_is_a_skip_with_its_reason(toys: ToyCheckout) -> None:
    assert toys.run("toy_skip").returncode == 0
    (run,) = toys.runs_of("toy_skip")
    assert (run.outcome, run.reason, run.summary) == ("skip", "no_input", "nothing collected yet")


def test_what_a_job_prints_is_in_its_log_of_the_day(toys: ToyCheckout) -> None:
    toys.run("toy_print")
    assert "words on stdout" in toys.day_log("toy_print")


def test_the_first_line_tells_of_a_shifted_clock(toys: ToyCheckout) -> None:
    toys.run("toy_skip", V6_CLOCK_OFFSET="864000")
    assert "the clock is shifted by +864000 s" in toys.day_log("toy_skip")


def test_no_attempt_is_started_that_would_end_after_the_deadline(toys: ToyCheckout) -> None:
    assert toys.run("toy_short_deadline").returncode == 1
    assert outcomes(toys, "toy_short_deadline") == ["recoverable"]
    assert "no further attempt: it would end after the deadline" in toys.day_log("toy_short_deadline")


def test_a_run_whose_slot_is_past_its_deadline_is_a_skip(toys: ToyCheckout) -> None:
    slot = int(time.time()) - 301
    assert toys.run("toy_succeed", V6_SLOT=str(slot)).returncode == 0
    (run,) = toys.runs_of("toy_succeed")
    assert (run.outcome, run.reason) == ("skip", "deadline")
    over_by = datetime.fromtimestamp(slot + 300, NEW_YORK)
    assert run.summary == f"a run of that slot had to be over by {over_by:%Y-%m-%d %H:%M:%S %Z}"


def at(clock: str) -> tuple[str, float]:
    """V6_SLOT of 11:00 New York of today, and V6_CLOCK_OFFSET that makes it `clock` there."""
    day = datetime.now(NEW_YORK).date()
    slot, now = (datetime.combine(day, dt.time.fromisoformat(text), NEW_YORK).timestamp() for text in ("11:00", clock))
    return f"{slot:.0f}", now - time.time()


def run_at(toys: ToyCheckout, task: str, clock: str) -> Run:
    """Its only run, of the slot at 11:00, begun at `clock`."""
    slot, offset = at(clock)
    toys.run(task, V6_SLOT=slot, V6_CLOCK_OFFSET=f"{offset:.3f}")
    return toys.runs_of(task)[-1]


def test_what_must_finish_by_noon_may_begin_late_but_not_past_noon(toys: ToyCheckout) -> None:
    assert run_at(toys, "toy_by_noon", "11:59:00").outcome == "success"  # of itself: four hours would be over at 15:00
    late = run_at(toys, "toy_by_noon", "12:00:01")
    assert (late.outcome, late.reason) == ("skip", "deadline")
    assert " 12:00:00 " in late.summary


def test_the_earlier_of_deadline_and_must_finish_by_wins(toys: ToyCheckout) -> None:
    late = run_at(toys, "toy_early_by_noon", "11:10:01")
    assert (late.outcome, late.reason) == ("skip", "deadline")
    assert " 11:10:00 " in late.summary


def test_an_attempt_is_ended_when_it_must_be_finished(toys: ToyCheckout) -> None:
    run = run_at(toys, "toy_sleep_by_noon", "11:59:55")
    assert run.outcome == "time_limit"
    assert run.wall_seconds < 12  # its own limit is 30 s


def test_by_hand_must_finish_by_binds_nobody(toys: ToyCheckout) -> None:
    _, offset = at("13:00")
    before = len(toys.runs_of("toy_by_noon"))
    assert toys.run("toy_by_noon", V6_CLOCK_OFFSET=f"{offset:.3f}").returncode == 0
    assert [run.outcome for run in toys.runs_of("toy_by_noon")[before:]] == ["success"]


def test_what_may_not_be_repeated_is_tried_once(toys: ToyCheckout) -> None:
    assert toys.run("toy_once").returncode == 1
    assert outcomes(toys, "toy_once") == ["recoverable"]


@pytest.mark.core
def test_the_time_limit_ends_the_job_with_124(toys: ToyCheckout) -> None:
    assert toys.run("toy_sleep_limited").returncode == 124
    (run,) = toys.runs_of("toy_sleep_limited")
    assert run.outcome == "time_limit"
    assert 4.0 <= run.wall_seconds < 8


def test_the_time_limit_kills_a_group_that_will_not_go(toys: ToyCheckout) -> None:
    began = time.monotonic()
    assert toys.run("toy_stubborn_limited").returncode == 124
    assert time.monotonic() - began < 25
    child = int((toys.home / "child-toy_stubborn_limited").read_text())
    wait_until(lambda: not alive(child))


@pytest.mark.core
def test_sigterm_to_the_supervisor_lets_the_job_tidy_up_and_is_recorded(toys: ToyCheckout) -> None:
    supervisor = toys.start("toy_tidy")
    job = toys.await_mark("toy_tidy")
    supervisor.terminate()
    supervisor.communicate(timeout=20)
    assert supervisor.returncode == 143
    assert not alive(job)
    assert (toys.home / "tidied-toy_tidy").exists()
    assert outcomes(toys, "toy_tidy") == ["signal"]


def test_a_second_run_of_a_task_is_a_skip(toys: ToyCheckout) -> None:
    first = toys.start("toy_sleep")
    toys.await_mark("toy_sleep")
    second = toys.run("toy_sleep")
    first.terminate()
    first.communicate(timeout=20)
    assert second.returncode == 0
    assert [(run.outcome, run.reason) for run in toys.runs_of("toy_sleep")] == [
        ("signal", "stopped"),
        ("skip", "running"),
    ]


@pytest.mark.parametrize(("task", "limited"), [("toy_grandchild", False), ("toy_setsid_limited", True)])
def test_a_process_the_job_leaves_behind_does_not_hold_the_lock(toys: ToyCheckout, task: str, limited: bool) -> None:
    assert toys.run(task).returncode == (124 if limited else 0)
    child = int((toys.home / f"child-{task}").read_text())
    try:
        assert alive(child)
        descriptor = lock.acquire(str(toys.home / "var" / "locks"), task)
        assert descriptor is not None
    finally:
        kill(child, signal.SIGKILL)


def test_the_supervisor_refuses_a_task_that_is_not_in_the_schedule(toys: ToyCheckout) -> None:
    environ = toys.environ(PYTHONPATH=str(toys.root / "src"))
    done = subprocess.run(
        [str(toys.root / ".venv/bin/python"), "-S", "-m", "v6.runner.supervise", "nobody"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nobody" in done.stderr
