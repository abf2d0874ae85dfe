"""Walk a stage through the minutes of its windows and start at each what cron would start, all of it at once."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol

from v6.rehearsal import processes
from v6.rehearsal.crontab_lines import CronLine, due
from v6.rehearsal.deeds import Deed, Scene, do
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window

SHORTLY_BEFORE = timedelta(seconds=20)


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


def walk(
    scene: Scene, plan: Sequence[Step], watcher: Watcher, environ: Mapping[str, str], deeds: Sequence[Deed] = ()
) -> None:
    """Run the plan to its end. Whatever of a minute still runs is waited for before the next minute comes, but for what
    may outlive it: that has time to settle."""
    for step in plan:
        _come_to(scene, step, deeds)
        running = [_start(scene, line, environ) for line in step.lines]
        watcher.at(step.minute, [line.command for line in step.lines])
        do(deeds, step.minute, "during", scene)
        for process in filter(None, running):
            process.wait()
        do(deeds, step.minute, "after", scene)
        scene.long_lived.settle(scene.tws)
        _count_connections(scene, step.minute)


def _come_to(scene: Scene, step: Step, deeds: Sequence[Deed]) -> None:
    """Let the minute come: for what goes on already, after some seconds in which it can prepare itself."""
    if scene.long_lived.alive:
        scene.stage.step_to(step.minute - SHORTLY_BEFORE)
        scene.long_lived.claimed(step.minute, step.lines)
    do(deeds, step.minute, "before", scene)
    scene.stage.step_to(step.minute)


def _count_connections(scene: Scene, minute: datetime) -> None:
    if new := scene.tws.connections() - sum(scene.connections.values()):
        scene.connections[minute] = new


def _start(scene: Scene, line: CronLine, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """As cron does: /bin/sh, the user's home, nothing on standard input. Its words go where cron would mail them. None
    for what is not to be waited for."""
    stage = scene.stage
    process = processes.start(["/bin/sh", "-c", line.command], environ, stage.home, stage.cron_logs / "cron.log")
    if scene.long_lived.includes(line):
        scene.long_lived.add(process)
        return None
    return process


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
