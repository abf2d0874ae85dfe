"""Walk a stage through the minutes of its windows and start at each what cron would start, all of it at once."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol

import psutil

from v6.journal.database import connect
from v6.missed import looking
from v6.rehearsal import processes
from v6.rehearsal.crontab_lines import CronLine, due
from v6.rehearsal.deeds import Deed, Scene, do
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window

SHORTLY_BEFORE = timedelta(seconds=20)
MADE_UP_SECONDS = 900.0  # for runs made up after a start of the host, all of them


class Watcher(Protocol):
    """Who shows how far the rehearsal is."""

    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A minute at which cron starts something. `after_gap`: the first of a window that another one came before."""

    minute: datetime
    lines: tuple[CronLine, ...]
    after_gap: bool = False


class Interrupted(KeyboardInterrupt):
    """SIGTERM: ends the rehearsal the way Ctrl-C does."""


def steps(windows: Sequence[Window], lines: Sequence[CronLine]) -> list[Step]:
    """The minutes of the windows at which at least one line fires; at no other anything could run."""
    found = []
    for number, window in enumerate(windows):
        firing = [(minute, tuple(mine)) for minute in window.minutes() if (mine := due(lines, minute))]
        found += [Step(minute, mine, after_gap=number > 0 and minute == firing[0][0]) for minute, mine in firing]
    return found


def walk(
    scene: Scene,
    plan: Sequence[Step],
    watcher: Watcher,
    environ: Mapping[str, str],
    deeds: Sequence[Deed] = (),
    at_start: Sequence[str] | None = None,
) -> None:
    """Run the plan to its end. Whatever of a minute still runs is waited for before the next minute comes, but for what
    may outlive it: that has time to settle.

    `at_start`: between the windows the host is down, and these commands are what cron starts once it is up again. None:
    that time is not played, and nothing of it is missed.
    """
    for step in plan:
        left: list[psutil.Process] = []
        if step.after_gap and at_start is not None:
            _go_down(scene)
        _come_to(scene, step, deeds)
        if step.after_gap and at_start is None:
            _leave_out(scene.stage, step.minute)
        elif step.after_gap:
            left = _come_up(scene, at_start or (), environ)
        running = [_start(scene, line, environ) for line in step.lines]
        watcher.at(step.minute, [line.command for line in step.lines])
        do(deeds, step.minute, "during", scene)
        for process in filter(None, running):
            process.wait()
        psutil.wait_procs(left, timeout=MADE_UP_SECONDS)
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


def _go_down(scene: Scene) -> None:
    """Nothing at work on the host survives; TWS answers again once it is up."""
    for process in _besides_tws(scene):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _come_up(scene: Scene, at_start: Sequence[str], environ: Mapping[str, str]) -> list[psutil.Process]:
    """What the start of the host has left at work: runs that are made up, one after another."""
    for process in [_shell(scene.stage, command, environ) for command in at_start]:
        process.wait()
    return _besides_tws(scene)


def _besides_tws(scene: Scene) -> list[psutil.Process]:
    return [process for process in processes.of_home(scene.stage.home) if process.pid != scene.tws.process.pid]


def _leave_out(stage: Stage, moment: datetime) -> None:
    """Of the time before, no slot counts as missed."""
    if stage.paths.journal.exists():
        with closing(connect(stage.paths.journal)) as db:
            looking.skip_to(db, moment)


def _count_connections(scene: Scene, minute: datetime) -> None:
    if new := scene.tws.connections() - sum(scene.connections.values()):
        scene.connections[minute] = new


def _start(scene: Scene, line: CronLine, environ: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """As cron does: /bin/sh, the user's home, nothing on standard input. Its words go where cron would mail them. None
    for what is not to be waited for."""
    process = _shell(scene.stage, line.command, environ)
    if scene.long_lived.includes(line):
        scene.long_lived.add(process)
        return None
    return process


def _shell(stage: Stage, command: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return processes.start(["/bin/sh", "-c", command], environ, stage.home, stage.cron_logs / "cron.log")


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
