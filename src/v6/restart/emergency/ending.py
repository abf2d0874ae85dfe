"""TERM, grace, KILL: by number, and only while the number is still that of what was seen."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from v6 import clock
from v6.restart.emergency.at_work import AtWork, Kind, members
from v6.restart.runs_at_work import living

LOOK_EVERY_SECONDS = 0.05
KILL_SECONDS = 5.0  # the kernel needs no longer, unless the process hangs in it


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended; `stays`: that it has not, and `how` says why."""

    what: AtWork
    how: str
    stays: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.how}"


def end(targets: Sequence[AtWork], grace: float) -> list[Ended]:
    """End all of them at once, each with `grace` seconds between TERM and KILL."""
    troubles: dict[AtWork, str] = {}
    _all(targets, signal.SIGTERM, grace, troubles)
    stubborn = [target for target in targets if alive(target)]
    _all(stubborn, signal.SIGKILL, KILL_SECONDS, troubles)
    return [_outcome(target, target not in stubborn, troubles.get(target, "")) for target in targets]


def alive(target: AtWork) -> bool:
    """Whether any of it is left; what has its number now and began at another time is something else."""
    if target.kind is Kind.GROUP:
        return _is_ours(target) and bool(members(target.pid))
    return _same(target)


def _same(target: AtWork) -> bool:
    process = living(target.pid)
    with suppress(psutil.NoSuchProcess):
        return process is not None and process.create_time() == target.born
    return False


def _is_ours(group: AtWork) -> bool:
    """A group's number is not given away while anybody is in it; after that its leader would be another."""
    leader = living(group.pid)
    with suppress(psutil.NoSuchProcess):
        return leader is None or leader.create_time() == group.born
    return True


def _all(targets: Sequence[AtWork], number: signal.Signals, seconds: float, troubles: dict[AtWork, str]) -> None:
    for target in targets:
        try:
            _signal(target, number)
        except (PermissionError, psutil.AccessDenied):
            troubles[target] = f"{number.name} is not permitted: it belongs to another user"
    until = clock.monotonic() + seconds
    while any(alive(target) for target in targets) and clock.monotonic() < until:
        clock.sleep(LOOK_EVERY_SECONDS)


def _signal(target: AtWork, number: signal.Signals) -> None:
    """psutil compares the start once more before it signals; a group cannot be compared later than here."""
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if not alive(target):
            return
        if target.kind is Kind.GROUP:
            os.killpg(target.pid, number)
        else:
            psutil.Process(target.pid).send_signal(number)


def _outcome(target: AtWork, polite: bool, trouble: str) -> Ended:
    if alive(target):
        return Ended(target, trouble or "does not end, not even by SIGKILL", stays=True)
    return Ended(target, "ended after SIGTERM" if polite else "ended by SIGKILL")
