"""Walk a stage through the minutes of its windows and start at each what cron would start, all of it at once."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Protocol

from v6.rehearsal import processes
from v6.rehearsal.crontab_lines import CronLine, due
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window


class Watcher(Protocol):
    """Who shows how far the rehearsal is."""

    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A minute at which cron starts something."""

    minute: datetime
    lines: tuple[CronLine, ...]


class Interrupted(KeyboardInterrupt):
    """SIGTERM: ends the rehearsal the way Ctrl-C does."""


def steps(windows: Sequence[Window], lines: Sequence[CronLine]) -> list[Step]:
    """The minutes of the windows at which at least one line fires; at no other anything could run."""
    return [
        Step(minute, tuple(found)) for window in windows for minute in window.minutes() if (found := due(lines, minute))
    ]


def walk(stage: Stage, plan: Sequence[Step], watcher: Watcher, environ: Mapping[str, str]) -> None:
    """Run the plan to its end. Whatever of a minute still runs is waited for before the next minute comes."""
    for step in plan:
        stage.step_to(step.minute)
        running = [_start(stage, line, environ) for line in step.lines]
        watcher.at(step.minute, [line.command for line in step.lines])
        for process in running:
            process.wait()


def _start(stage: Stage, line: CronLine, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """As cron does: /bin/sh, the user's home, nothing on standard input. Its words go where cron would mail them."""
    return processes.start(["/bin/sh", "-c", line.command], environ, stage.home, stage.cron_logs / "cron.log")


@contextmanager
def ended_processes(stage: Stage) -> Iterator[None]:
    """Whatever happens inside, no process of the stage is left afterwards."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        processes.end(processes.of_home(stage.home))
        for number, handler in {**before, signal.SIGINT: ctrl_c}.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's shape
    raise Interrupted
