"""The user's own commands around a restart: they get the report, and nothing they do can hurt the run."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from v6.restart.hooks import HookRun, run_hooks

pytestmark = pytest.mark.integration

REPORT = json.dumps({"window": "daily_restart", "cancelled": 2})


class Kept:
    """A log that can be looked at."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str, /) -> None:
        self.lines.append(message)

    info = warning = debug


def run(*commands: Sequence[str], seconds: float = 10.0, log: Kept | None = None) -> list[HookRun]:
    return asyncio.run(run_hooks(commands, REPORT, seconds, log or Kept()))


def python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", program, *arguments]


def test_a_hook_reads_the_report_on_its_standard_input(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (ran,) = run(["cp", "/dev/stdin", str(copy)])
    assert ran.trouble == ""
    assert json.loads(copy.read_text()) == {"window": "daily_restart", "cancelled": 2}


def test_a_hook_that_does_not_read_the_report_is_done_all_the_same() -> None:
    (ran,) = run(["true"])
    assert ran.trouble == ""


def test_no_shell_looks_at_the_arguments(tmp_path: Path) -> None:
    log = Kept()
    run(["echo", "$HOME; rm -rf", "*"], log=log)
    assert log.lines[0] == "hook echo says: $HOME; rm -rf *"


def test_a_hook_that_fails_is_named_with_its_exit_code_and_its_words() -> None:
    log = Kept()
    (ran,) = run(python("import sys; print('no strategy to pause'); sys.exit(3)"), log=log)
    assert ran.trouble == "exit code 3"
    assert any("no strategy to pause" in line for line in log.lines)


def test_a_hook_that_does_not_exist_is_named() -> None:
    (ran,) = run(["/nowhere/pause_strategy"])
    assert "could not be started" in ran.trouble
    assert "/nowhere/pause_strategy" in str(ran)


def test_a_hook_killed_by_a_signal_says_which() -> None:
    (ran,) = run(python("import os; os.kill(os.getpid(), 9)"))
    assert ran.trouble == "ended by SIGKILL"


def test_a_hanging_hook_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = (
        "import subprocess, sys, pathlib, time\n"
        "started = subprocess.Popen(['sleep', '600'])\n"
        "pathlib.Path(sys.argv[1]).write_text(str(started.pid))\n"
        "time.sleep(600)"
    )
    began = time.monotonic()
    (ran,) = run(python(program, str(child)), seconds=1.0)
    assert time.monotonic() - began < 5
    assert "still running after 1 s" in ran.trouble
    pid = int(child.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_a_finished_hook_leaves_running_is_its_own_business_and_not_waited_for() -> None:
    log = Kept()
    began = time.monotonic()
    (ran,) = run(["bash", "-c", "sleep 600 & echo $!"], seconds=30.0, log=log)
    assert ran.trouble == ""
    assert time.monotonic() - began < 5
    left = psutil.Process(int(log.lines[0].rpartition(" ")[2]))
    assert left.is_running()
    left.kill()


def test_a_talkative_hook_neither_blocks_nor_fills_the_log() -> None:
    log = Kept()
    (ran,) = run(python("print('x' * 10_000_000)"), log=log)
    assert ran.trouble == ""
    assert len(log.lines[0]) < 5000


def test_hooks_run_at_once_and_one_that_fails_keeps_none_of_the_others_back() -> None:
    began = time.monotonic()
    ran = run(["false"], ["sleep", "1"], ["sleep", "1"], ["/nowhere"])
    assert [bool(each.trouble) for each in ran] == [True, False, False, True]
    assert time.monotonic() - began < 1.9
