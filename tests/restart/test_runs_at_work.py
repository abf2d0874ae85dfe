"""Runs that must be over before TWS restarts are found without touching TWS, asked nicely, and named when they stay."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from v6 import file_locks
from v6.gateway import client_ids
from v6.restart import runs_at_work
from v6.restart.runs_at_work import CannotLook, OtherRun

pytestmark = pytest.mark.integration

RUN = """
import os, signal, sys, time
from pathlib import Path
from v6.gateway import client_ids
if sys.argv[3] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lease = client_ids.take(Path(sys.argv[1]), 10, 99, sys.argv[2])
print(lease.client_id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def run(
    leases: Path, task: str = "collect_option_snapshots", manner: str = "polite"
) -> Iterator["subprocess.Popen[str]"]:
    """Another run that holds a client id."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(leases), task, manner], stdout=subprocess.PIPE, text=True
    )
    try:
        assert _line(process).strip().isdigit()
        yield process
    finally:
        process.kill()
        process.communicate()


def end(runs: list[OtherRun], grace: float = 10.0, leaving: float = 10.0) -> list[OtherRun]:
    return asyncio.run(runs_at_work.end(runs, grace, leaving))


def test_a_run_that_holds_a_client_id_is_found_with_its_task_and_id(leases: Path) -> None:
    with run(leases) as other:
        (found,) = runs_at_work.connected(leases)
    assert (found.task, found.pid, found.client_ids) == ("collect_option_snapshots", other.pid, (10,))


def test_our_own_connection_is_none_of_the_others(leases: Path) -> None:
    with client_ids.take(leases, 9, 9, "pre_restart"):
        assert runs_at_work.connected(leases) == []


def test_a_run_asked_to_end_is_over_before_we_go_on(leases: Path) -> None:
    with run(leases) as other:
        assert end(runs_at_work.connected(leases)) == []
        assert other.wait(5) == -signal.SIGTERM
    assert client_ids.holders(leases) == []


def test_a_run_that_does_not_listen_is_named_and_left_alive(leases: Path) -> None:
    with run(leases, manner="stubborn") as other:
        (stays,) = end(runs_at_work.connected(leases), grace=0.3)
        assert str(stays) == f"collect_option_snapshots (pid {other.pid}, client 10)"
        assert other.poll() is None


def test_essential_tasks_and_another_preparation_are_spared(leases: Path) -> None:
    with run(leases, "market_session"), run(leases, "health_check") as other:
        found = runs_at_work.all_but(runs_at_work.connected(leases), {"market_session"})
    assert [each.pid for each in found] == [other.pid]


def test_all_runs_are_asked_at_once(leases: Path) -> None:
    with run(leases, "one", "stubborn"), run(leases, "two", "stubborn"), run(leases, "three"):
        began = time.monotonic()
        stay = end(runs_at_work.connected(leases), grace=0.5)
        assert time.monotonic() - began < 0.9
    assert sorted(each.task for each in stay) == ["one", "two"]


def test_a_program_that_watches_the_state_may_leave_by_itself(leases: Path) -> None:
    with run(leases, "market_session") as other:
        (found,) = runs_at_work.connected(leases, watching={"market_session"})

        async def leaves() -> list[OtherRun]:
            ending = asyncio.ensure_future(runs_at_work.end([found], 0.2, 10.0))
            await asyncio.sleep(0.3)
            assert other.poll() is None, "it was asked although it watches"
            other.kill()
            return await ending

        assert asyncio.run(leaves()) == []


def test_a_watching_program_that_does_not_leave_is_asked_in_the_end(leases: Path) -> None:
    with run(leases, "market_session") as other:
        assert end(runs_at_work.connected(leases, watching={"market_session"}), leaving=0.2) == []
        assert other.wait(5) == -signal.SIGTERM


def test_a_pid_that_was_given_to_another_process_is_left_alone(leases: Path) -> None:
    with run(leases) as other:
        (found,) = runs_at_work.connected(leases)
        earlier = OtherRun(found.task, found.pid, found.born - 100.0, found.client_ids)
        assert end([earlier]) == []
        assert other.poll() is None


SUPERVISED = """
import os, signal, subprocess, sys, time
from v6.runner import lock
# as `python -S -m v6.runner.supervise TASK` looks in the kernel's tables
held = lock.acquire(sys.argv[1], sys.argv[4])
if sys.argv[5]:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[5], sys.argv[2], sys.argv[4], "polite"])
signal.signal(signal.SIGTERM, lambda *_: (child.terminate() if sys.argv[5] else None, sys.exit(143)))
print("at work", flush=True)
time.sleep(600)
"""


@contextmanager
def supervisor(home: Path, task: str, job: str = "") -> Iterator["subprocess.Popen[str]"]:
    locks, leases = home / "var" / "locks", home / "var" / "leases"
    words = [sys.executable, "-c", SUPERVISED, str(locks), str(leases), "v6.runner.supervise", task, job]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        while _line(process).strip() != "at work":
            assert process.poll() is None
        yield process
    finally:
        for child in psutil.Process(process.pid).children() if process.poll() is None else []:
            child.kill()
        process.kill()
        process.communicate()


def test_a_supervisor_that_waits_for_its_next_attempt_is_found_by_its_lock(home: Path) -> None:
    with supervisor(home, "collect_option_snapshots") as other:
        (found,) = runs_at_work.supervised(home / "var" / "locks", ["collect_option_snapshots", "never_ran"])
        assert (found.task, found.pid) == ("collect_option_snapshots", other.pid)
        assert end([found]) == []
        assert other.wait(5) == 143


def test_the_lock_of_a_task_that_needs_no_tws_is_not_looked_at(home: Path) -> None:
    with supervisor(home, "nightly_compaction"):
        assert runs_at_work.supervised(home / "var" / "locks", ["collect_option_snapshots"]) == []


def test_the_supervisor_of_a_connected_job_is_asked_so_that_it_does_not_try_again(home: Path, leases: Path) -> None:
    task = "collect_option_snapshots"
    with supervisor(home, task, RUN) as other:
        while not (connected := runs_at_work.connected(leases)):
            time.sleep(0.01)
        assert [each.pid for each in connected] == [other.pid]
        both = [*runs_at_work.supervised(home / "var" / "locks", [task]), *connected]
        (one,) = runs_at_work.all_but(both, ())
        assert one.client_ids == (10,)
        assert end([one]) == []
        assert other.wait(5) == 143


def test_l30_an_unreadable_table_of_locks_is_not_taken_for_nobody(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_locks, "TABLE", tmp_path / "nowhere")
    with pytest.raises(CannotLook, match="nowhere"):
        runs_at_work.supervised(home / "var" / "locks", ["any"])


def test_who_started_us_is_not_ended(home: Path) -> None:
    """The shell, cron and our own supervisor are among our parents."""
    assert os.getppid() in runs_at_work.own_line()
