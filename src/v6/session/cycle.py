"""One slot of one collector in the market session: the unchanged job in a thread of its own, and its books.

Whatever the job raises ends this cycle and nothing else: the slot is `failed`, its claim falls, and the task's own run
by cron, which has waited for it, takes the slot over, says why it failed if it fails too, and tells people.
"""

import argparse
import importlib
import shlex
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import PurePath
from types import ModuleType
from typing import NamedTuple

from v6 import clock, failpoint
from v6.journal import session_cycles
from v6.model import SkipRun
from v6.runner.context import Context
from v6.runner.main import parser_of
from v6.runner.slot_claims import SlotClaims
from v6.scheduler.compiled import Task
from v6.session.context import SessionContext

IMPORTED_LATE = ("polars", "deltalake", "v6.store.delta", "v6.store.frames", "v6.store.lake", "v6.gateway.client")
"""What the collectors import where they use it, so that a run that is turned away is quickly over."""
STUCK_AFTER = 30.0
"""Seconds past its deadline after which a cycle will not end any more."""


class Job(NamedTuple):
    """A job of `v6.jobs` with the arguments that its task gives it."""

    function: Callable[[Context], str]
    args: argparse.Namespace


def job_of(task: Task) -> Job:
    """By its script's name, as the script itself does it. Raises ValueError for arguments that the job refuses."""
    name, module = _module(task)
    try:
        args = parser_of(name, module).parse_args(task.args)
    except SystemExit as error:
        raise ValueError(f"{task.script} does not take {shlex.join(task.args)}") from error
    return Job(getattr(module, name), args)


def prepare(tasks: Iterable[Task]) -> None:
    """Import now what the first cycle would only import at its slot's instant: half a second of it."""
    for task in tasks:
        _module(task)
    for name in IMPORTED_LATE:
        importlib.import_module(name)


class Cycle:
    """The claim of `ctx.slot` must be held by `claims`; it is given up when the cycle has ended, however it did. The
    context's arguments are the cycle's to fill."""

    def __init__(self, ctx: SessionContext, task: Task, claims: SlotClaims) -> None:
        assert ctx.slot is not None
        self.slot = ctx.slot
        self._ctx = ctx
        self._task = task
        self._claims = claims
        self._started = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"{ctx.task} {self.slot:%H:%M}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def stuck(self) -> bool:
        """Whether it goes on long after its time: only the end of the process frees its slot then."""
        return self.running and clock.monotonic() > self._ctx.deadline + STUCK_AFTER

    def _run(self) -> None:
        try:
            with closing(self._ctx):
                self._collect()
        except Exception as error:  # the run's edge: the journal, too, may be what is broken
            self._ctx.log.error("cycle of slot {:%H:%M}: {}: {}", self.slot, type(error).__name__, error)
        finally:
            self._claims.give_up(self.slot)

    def _collect(self) -> None:
        ctx = self._ctx
        session_cycles.begin(ctx.journal, ctx.task, self.slot)
        failpoint.reach("cycle_begun")
        outcome, summary = self._outcome()
        failpoint.reach("cycle_collected")
        session_cycles.end(ctx.journal, ctx.task, self.slot, outcome, summary)
        failpoint.reach("cycle_ended")
        level = "INFO" if outcome == session_cycles.SUCCESS else "WARNING"
        seconds = clock.monotonic() - self._started
        ctx.log.log(level, "cycle of the market session: {} in {:.1f} s: {}", outcome, seconds, summary)

    def _outcome(self) -> tuple[str, str]:
        ctx = self._ctx
        try:
            function, ctx.args = job_of(self._task)
            ctx.dry_run = ctx.args.dry_run
            return session_cycles.SUCCESS, function(ctx)
        except SkipRun as skip:
            return session_cycles.FAILED, f"{self.slot:%H:%M} skip: {skip}"
        except Exception as error:  # the run's edge
            return session_cycles.FAILED, f"{self.slot:%H:%M} {type(error).__name__}: {error}"


def _module(task: Task) -> tuple[str, ModuleType]:
    name = PurePath(task.script).stem
    return name, importlib.import_module(f"v6.jobs.{name}")
