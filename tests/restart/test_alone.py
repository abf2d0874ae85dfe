"""One restart job at a time, whoever dies."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from v6.restart.alone import Busy, alone

HOLDER = """
import sys, time
from pathlib import Path
from v6.restart.alone import alone
with alone(Path(sys.argv[1]), 0):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_job(locks: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock until its standard input ends or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(locks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with alone(tmp_path, 0):
            pass


def test_a_second_restart_job_in_the_same_process_is_busy_too(tmp_path: Path) -> None:
    with alone(tmp_path, 0), pytest.raises(Busy), alone(tmp_path, 0):
        pass


@pytest.mark.integration
def test_a_held_lock_names_its_holder(tmp_path: Path) -> None:
    with another_job(tmp_path) as other, pytest.raises(Busy, match=f"pid {other.pid}"), alone(tmp_path, 0):
        pass


@pytest.mark.integration
def test_a_job_that_ends_in_time_is_waited_for(tmp_path: Path) -> None:
    with another_job(tmp_path) as other:
        assert other.stdin is not None
        other.stdin.close()
        other.stdin = None
        with alone(tmp_path, 10):
            pass


@pytest.mark.integration
def test_waiting_has_an_end(tmp_path: Path) -> None:
    began = time.monotonic()
    with another_job(tmp_path), pytest.raises(Busy), alone(tmp_path, 0.5):
        pass
    assert 0.5 <= time.monotonic() - began < 5


@pytest.mark.integration
def test_l35_a_killed_job_leaves_the_lock_free(tmp_path: Path) -> None:
    with another_job(tmp_path) as other:
        other.kill()
        other.wait()
        with alone(tmp_path, 0):
            pass
