"""kill -9 of the job, the supervisor or both: nothing stale, nothing twice, and the next run says what happened."""

import os
import signal
import subprocess
import sys
import time

import pytest

from toy_checkout import ToyCheckout, alive, wait_until
from v6.journal import events

pytestmark = pytest.mark.integration

WITHOUT_TABLE = """
import sys
from v6 import file_locks
from v6.runner import supervise
file_locks.TABLE = "/proc/locks of nowhere"
sys.exit(supervise.main(sys.argv[1:]))
"""


def test_a_killed_job_is_tried_again(fresh_toys: ToyCheckout) -> None:
    supervisor = fresh_toys.start("toy_sleep")
    os.kill(fresh_toys.await_mark("toy_sleep"), signal.SIGKILL)
    os.kill(fresh_toys.await_mark("toy_sleep", 2), signal.SIGKILL)
    fresh_toys.await_mark("toy_sleep", 3)
    supervisor.terminate()
    supervisor.communicate(timeout=20)
    runs = fresh_toys.runs_of("toy_sleep")
    assert [(run.outcome, run.exit_code) for run in runs] == [("signal", 137), ("signal", 137), ("signal", 143)]


def test_a_killed_supervisor_leaves_the_lock_with_its_job_until_that_ends(fresh_toys: ToyCheckout) -> None:
    supervisor = fresh_toys.start("toy_sleep")
    job = fresh_toys.await_mark("toy_sleep")
    supervisor.kill()
    supervisor.communicate(timeout=20)
    assert alive(job)
    fresh_toys.run("toy_sleep")
    assert fresh_toys.runs_of("toy_sleep")[-1].reason == "running"
    os.kill(job, signal.SIGKILL)
    wait_until(lambda: not alive(job))
    third = fresh_toys.start("toy_sleep")
    fresh_toys.await_mark("toy_sleep", 2)
    third.terminate()
    third.communicate(timeout=20)
    killed, skipped, latest = fresh_toys.runs_of("toy_sleep")
    assert (killed.outcome, killed.ended_at) == ("killed", None)
    assert "ended without a word" in killed.note
    assert (skipped.reason, latest.outcome) == ("running", "signal")


def test_the_next_run_names_the_killed_one_and_tells_a_person(fresh_toys: ToyCheckout) -> None:
    supervisor = fresh_toys.start("toy_tidy")
    job = fresh_toys.await_mark("toy_tidy")
    supervisor.kill()
    supervisor.communicate(timeout=20)
    os.kill(job, signal.SIGKILL)
    wait_until(lambda: not alive(job))
    again = fresh_toys.start("toy_tidy")
    fresh_toys.await_mark("toy_tidy", 2)
    again.terminate()
    again.communicate(timeout=20)
    killed = fresh_toys.runs_of("toy_tidy")[0]
    db = fresh_toys.journal()
    (event,) = events.recent(db, "run_killed")
    assert f"run {killed.id} of toy_tidy" in event.text
    assert f"pid {job}" in event.text
    assert [alert.title for alert in events.undelivered(db)] == ["toy_tidy was killed", "toy_tidy failed"]
    db.close()


def test_a_run_of_another_task_with_the_same_script_says_so_too(fresh_toys: ToyCheckout) -> None:
    """A market session that was killed is begun anew by the line that resumes it, not by its own of tomorrow."""
    supervisor = fresh_toys.start("toy_sleep")
    job = fresh_toys.await_mark("toy_sleep")
    fresh_toys.run("toy_succeed")
    assert [run.outcome for run in fresh_toys.runs_of("toy_sleep")] == [None]  # it lives

    supervisor.kill()
    supervisor.communicate(timeout=20)
    os.kill(job, signal.SIGKILL)
    wait_until(lambda: not alive(job))
    fresh_toys.run("toy_succeed")

    assert [run.outcome for run in fresh_toys.runs_of("toy_sleep")] == ["killed"]


def test_where_the_kernel_does_not_tell_who_lives_a_run_goes_on_and_leaves_the_others_alone(
    fresh_toys: ToyCheckout,
) -> None:
    supervisor = fresh_toys.start("toy_sleep")
    job = fresh_toys.await_mark("toy_sleep")
    supervisor.kill()
    supervisor.communicate(timeout=20)
    os.kill(job, signal.SIGKILL)
    wait_until(lambda: not alive(job))

    done = subprocess.run(
        [sys.executable, "-S", "-c", WITHOUT_TABLE, "toy_succeed", "--do", "succeed"],
        env=fresh_toys.environ(PYTHONPATH=str(fresh_toys.root / "src")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [run.outcome for run in fresh_toys.runs_of("toy_succeed")] == ["success"]
    assert [run.outcome for run in fresh_toys.runs_of("toy_sleep")] == [None]
    assert "of toy_sleep lives is not known" in fresh_toys.day_log("toy_succeed")


@pytest.mark.parametrize("failpoint", ["attempt_recorded", "attempt_ended"])
def test_a_supervisor_killed_at_a_failpoint_leaves_one_open_row_that_the_next_run_closes(
    fresh_toys: ToyCheckout, failpoint: str
) -> None:
    assert fresh_toys.run("toy_succeed", V6_FAILPOINT=failpoint).returncode == -signal.SIGKILL
    assert [run.outcome for run in fresh_toys.runs_of("toy_succeed")] == [None]
    assert fresh_toys.run("toy_succeed").returncode == 0
    killed, latest = fresh_toys.runs_of("toy_succeed")
    assert (killed.outcome, latest.outcome) == ("killed", "success")
    said = "its job had already written: success, did succeed" if failpoint == "attempt_ended" else "no result"
    assert said in killed.note
    assert not list((fresh_toys.home / "var" / "run").iterdir())


def test_a_job_whose_supervisor_is_dead_ends_itself_after_its_limit(fresh_toys: ToyCheckout) -> None:
    supervisor = fresh_toys.start("toy_sleep_limited")
    job = fresh_toys.await_mark("toy_sleep_limited")
    supervisor.kill()
    supervisor.communicate(timeout=20)
    began = time.monotonic()
    wait_until(lambda: not alive(job), 20)
    assert time.monotonic() - began < 15
