"""A host that sleeps in the middle of a run: its timers stand still, the deadline does not."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from v6 import clock
from v6.runner import attempt

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, attempt.WATCHED)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is suspended for an hour as soon as somebody has looked at the clock three times."""
    looks = iter(range(1_000_000))
    monkeypatch.setattr(clock, "lasting", lambda: time.monotonic() + (3600.0 if next(looks) >= 3 else 0.0))
    monkeypatch.setattr(attempt, "LOOK_EVERY_SECONDS", 0.05)


@pytest.mark.usefixtures("asleep")
def test_a_run_whose_time_is_over_when_the_host_wakes_up_is_ended(tmp_path: Path) -> None:
    """A quote that it would still bring is a late one."""
    descriptor = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    began = time.monotonic()

    ending = attempt.Attempt(("/bin/sleep", "60"), os.environ, descriptor, descriptor).wait(600)

    os.close(descriptor)
    assert (ending.ended_by, ending.code) == ("limit", -signal.SIGTERM)
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("asleep")
def test_the_wait_for_another_attempt_is_over_when_the_host_wakes_up() -> None:
    began = time.monotonic()
    assert attempt.wait_for_signal(600) is None
    assert time.monotonic() - began < 30
