"""Waiting for the tasks a run depends on. Standard library only."""

import sqlite3
from collections import namedtuple
from collections.abc import Sequence

from v6 import clock
from v6.journal import runs
from v6.runner.attempt import wait_for_signal

LOOK_EVERY_SECONDS = 0.5

# detail: what is still missing, "" when nothing is; signal: the number that told the run to stop, else None
Waited = namedtuple("Waited", "detail signal")


def wait_for(db: sqlite3.Connection, names: Sequence[str], day: str, deadline: float) -> Waited:
    """Until every task has succeeded for that New York day; gives up at `deadline` (clock.monotonic seconds), or at
    once when one of them has failed in a way that no retry mends."""
    while True:
        missing = [(name, _state(db, name, day)) for name in names if not runs.succeeded_on(db, name, day)]
        left = deadline - clock.monotonic()
        if not missing or left <= 0 or any(state == "fatal" for _, state in missing):
            return Waited(", ".join(f"{name} ({state})" for name, state in missing), None)
        if stopped := wait_for_signal(min(LOOK_EVERY_SECONDS, left)):
            return Waited("", stopped)


def _state(db: sqlite3.Connection, name: str, day: str) -> str:
    last = runs.last_on(db, name, day)
    if last is None:
        return "has not run"
    return str(last.outcome or "running")
