"""However a rehearsal ends, it leaves no process behind; what it refuses, it refuses before anything is started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from v6 import clock
from v6.rehearsal import processes

from .conftest import Rehearsed, recording

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]


def wait_for_job(home: Path, seconds: float = 60.0) -> None:
    """Until a job of the rehearsal in `home` is at work."""
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline:
        for one in processes.of_home(home):
            with suppress(psutil.NoSuchProcess):  # ended since it was listed
                if "queue_option_contracts.py" in " ".join(one.cmdline()):
                    return
        clock.sleep(0.05)
    raise AssertionError("no job was started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_rehearsal_ends_everything_it_has_started(tmp_path: Path, site: Site, number: signal.Signals) -> None:
    home = tmp_path / "stage"
    command = [sys.executable, "-m", "v6.cli", "rehearse", "2026-11-20", "--from", "08:00", "--to", "09:40"]
    options = ["--home", str(home), "--config", str(site("queue_option_contracts"))]
    process = subprocess.Popen([*command, *options], env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_job(home)

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert b"everything it had started is ended" in errors
    assert processes.of_home(home) == []


def test_a_finished_rehearsal_leaves_no_process(rehearse: Rehearse, site: Site) -> None:
    day = rehearse("2026-11-27", "--from", "09:00", "--to", "09:00", "--config", site("health_check"))

    assert day.code == 0, day.trouble
    assert processes.of_home(day.home) == []


def test_a_folder_with_something_in_it_is_refused(rehearse: Rehearse, tmp_path: Path) -> None:
    precious = tmp_path / "stage" / "var" / "v6.db"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"a real journal")

    day = rehearse("2026-11-20")

    assert (day.code, precious.read_bytes()) == (2, b"a real journal")
    assert "is not empty" in day.errors


def test_a_wrong_configuration_is_refused_with_its_key(rehearse: Rehearse, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("scheduler: {tasks: {health_check: {frequency: fortnightly}}}\n", encoding="utf-8")

    day = rehearse("2026-11-20", "--config", wrong)

    assert day.code == 2
    assert "scheduler.tasks.health_check.frequency" in day.errors


def test_an_unknown_scenario_is_refused(rehearse: Rehearse) -> None:
    day = rehearse("2026-11-20", "--scenario", "meteor")

    assert day.code == 2
    assert "meteor" in day.errors
    assert not day.home.exists()


def test_a_scenario_of_which_nothing_happens_in_these_hours_is_refused(rehearse: Rehearse) -> None:
    """It would pass, and say nothing of what was asked."""
    night = rehearse("2026-11-23", "--from", "23:30", "--to", "00:40", "--scenario", "weekly_login")

    assert night.code == 2
    assert "nothing of it happens from 2026-11-23 23:30 to 2026-11-24 00:40" in night.errors
    assert "next: restart at 2026-11-29 01:00" in night.errors
    assert not night.home.exists()


def test_a_day_without_a_recording_is_refused_with_the_days_there_are(rehearse: Rehearse, tmp_path: Path) -> None:
    folder = recording(tmp_path / "recordings")

    day = rehearse("2026-02-03", "--replay", folder)

    assert day.code == 2
    assert "2026-02-03 is not recorded; recorded days: 2026-01-30" in day.errors
