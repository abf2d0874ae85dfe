"""Waiting for the tasks a run depends on. Standard library only."""

import os
import sqlite3
from collections import namedtuple
from collections.abc import Mapping

from v6 import clock
from v6.journal import runs
from v6.runner import retry
from v6.runner.attempt import wait_for_signal
from v6.runner.run import Run
from v6.scheduler import compiled

LOOK_EVERY_SECONDS = 0.5
STANDS_STILL_SECONDS = 30.0
"""In a rehearsal: whatever is to start in this minute has started by then, and the next minute waits for this run."""
HAS_NOT_RUN, RUNNING, DISABLED = "has not run", "running", "disabled"
HOPELESS = ("fatal", DISABLED)
"""No retry mends these: waiting would only hold the lock."""

# detail: what is still missing, "" when the run may start; signal: the number that told the run to stop, else None
Waited = namedtuple("Waited", "detail signal")


def met(run: Run, tasks: Mapping[str, compiled.Task], deadline: float) -> Waited:
    """Until every task that the run depends on has succeeded on the New York day of its slot. Gives up once a run of
    usual length could not end before `deadline` (clock.lasting seconds), and at once where waiting is hopeless.

    Started by hand it is not waited for anything: a run that FORCE_RUN asks for starts all the same.
    """
    names, day = run.task.depends_on, f"{run.slot or clock.now():%Y-%m-%d}"
    began = clock.lasting()
    until = retry.latest_start(deadline, runs.median_wall_seconds(run.db, run.task.name))
    told = ""
    while True:
        missing = {name: _state(run.db, tasks[name], day) for name in names if not runs.succeeded_on(run.db, name, day)}
        words = ", ".join(f"{name} ({state})" for name, state in missing.items())
        if not missing:
            return Waited("", None)
        if run.slot is None and compiled.forced(os.environ):
            run.log.write("WARNING", f"forced, although it depends on {words}")
            return Waited("", None)
        left, states = until - clock.lasting(), set(missing.values())
        idle = clock.stepped() and clock.lasting() - began > STANDS_STILL_SECONDS and RUNNING not in states
        if run.slot is None or left <= 0 or idle or not states.isdisjoint(HOPELESS):
            return Waited(words, None)
        if words != told:
            run.log.write("INFO", f"waits for {words}, {left:.0f} s at most")
            told = words
        if stopped := wait_for_signal(min(LOOK_EVERY_SECONDS, left)):
            return Waited("", stopped)


def _state(db: sqlite3.Connection, task: compiled.Task, day: str) -> str:
    last = runs.last_on(db, task.name, day)
    if last is not None:
        return str(last.outcome or RUNNING)
    return HAS_NOT_RUN if task.enabled else DISABLED
