"""What of ours is at work, seen without touching TWS and without a single name of a process.

Three sources: the kernel's table of locks (supervisors hold the lock of their task), the journal (the open attempts
with their process, which leads a group of its own), the leases of client ids and the locks of the market session and
of the restart jobs (a job that a person started, which neither of the others knows).
"""

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psutil

from v6 import clock
from v6.journal.runs import Run
from v6.restart import runs_at_work
from v6.restart.emergency.identity import RESULT, doubt
from v6.restart.runs_at_work import CannotLook, living, own_line

BY_HAND_LOCKS = {"market_session": "run_market_session", "restart": "post_restart"}
"""Locks, and the tasks, of jobs that do not hold a client id all the time."""
SHOWN = 160


class Kind(StrEnum):
    """In the order in which they are ended."""

    SUPERVISOR = "supervisor"
    GROUP = "process group"
    HOLDER = "process"


@dataclass(frozen=True, slots=True)
class AtWork:
    """One process of ours; a GROUP is everything in the group that `pid` leads or led. `born`: the leader's start as
    psutil gives it, None when only others of the group are left. `run_id`: of the journal."""

    kind: Kind
    task: str
    pid: int
    born: float | None
    command: str = ""
    client_ids: tuple[int, ...] = ()
    run_id: int | None = None

    @property
    def since(self) -> datetime | None:
        """On V6's clock, New York."""
        return None if self.born is None else datetime.fromtimestamp(self.born + clock.offset(), clock.NEW_YORK)

    def __str__(self) -> str:
        since = f", since {self.since:%Y-%m-%d %H:%M:%S %Z}" if self.since else ", its leader has ended"
        leased = f", client id {', '.join(map(str, self.client_ids))}" if self.client_ids else ""
        run = f", run {self.run_id}" if self.run_id is not None else ""
        return f"{self.kind} {self.pid} of {self.task or 'an unnamed task'}{since}{run}{leased}"


@dataclass(frozen=True, slots=True)
class Looked:
    """`found` is to be ended, by Kind; `left`: why a process was left alone; `spared`: of essential tasks; `rows`: the
    open attempts, those of spared tasks left out; `unseen`: what could not be looked at."""

    found: tuple[AtWork, ...] = ()
    left: tuple[str, ...] = ()
    spared: tuple[AtWork, ...] = ()
    rows: tuple[Run, ...] = ()
    unseen: tuple[str, ...] = ()

    def of(self, kind: Kind) -> list[AtWork]:
        return [one for one in self.found if one.kind is kind]


@dataclass(frozen=True, slots=True)
class Places:
    """Of one home. `runs`: where jobs leave their results."""

    locks: Path
    leases: Path
    runs: Path

    def result(self, run: Run) -> str:
        return str(self.runs / f"{run.task}-{run.id}.json")


@dataclass(slots=True)
class _Seen:
    by_pid: dict[int, AtWork] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def add(self, one: AtWork) -> None:
        known = self.by_pid.get(one.pid)
        if known is None:
            self.by_pid[one.pid] = one
        elif one.client_ids:
            self.by_pid[one.pid] = replace(known, client_ids=(*known.client_ids, *one.client_ids))


def look(places: Places, tasks: Collection[str], rows: Sequence[Run], spared: Collection[str] = ()) -> Looked:
    """`tasks`: of the schedule; `rows`: the journal's open attempts; `spared`: tasks that are not ended."""
    seen = _Seen()
    try:
        for run in runs_at_work.supervised(places.locks, tasks):
            seen.add(_of(Kind.SUPERVISOR, run.task, psutil.Process(run.pid)))
    except (CannotLook, psutil.NoSuchProcess) as error:
        seen.unseen.append(f"which runs are supervised: {error}")
    stepped = clock.shifted() is not None
    for row in rows:
        _recorded(seen, row, places.result(row), stepped)
    _holders(seen, places)
    everything = sorted(seen.by_pid.values(), key=lambda one: (list(Kind).index(one.kind), one.task, one.pid))
    return Looked(
        tuple(one for one in everything if one.task not in spared),
        tuple(seen.left),
        tuple(one for one in everything if one.task in spared),
        tuple(row for row in rows if row.task not in spared),
        tuple(seen.unseen),
    )


def members(group: int) -> list[psutil.Process]:
    """The living processes of a process group."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(pid) == group and (process := living(pid)) is not None:
                found.append(process)
    return found


def _recorded(seen: _Seen, row: Run, result: str, stepped: bool) -> None:
    """The group of an open attempt: its leader, or what the leader has left behind."""
    if row.pid is None:
        return
    leader = living(row.pid)
    group = members(row.pid)
    if leader is None and not group:
        return
    known = f"process {row.pid}, recorded for run {row.id} of {row.task},"
    if own_line() & {row.pid, *(process.pid for process in group)} or os.getpgrp() == row.pid:
        seen.left.append(f"{known} is left alone: this command runs inside it")
        return
    for process in [leader] if leader is not None else group:
        with suppress(psutil.NoSuchProcess):
            why = _doubt(row, process, result, stepped, led=leader is not None)
            if why:
                seen.left.append(f"{known} is left alone: {why}")
                return
    born = leader.create_time() if leader is not None else None
    seen.add(AtWork(Kind.GROUP, row.task, row.pid, born, _command(leader or group[0]), run_id=row.id))


def _doubt(row: Run, process: psutil.Process, result: str, stepped: bool, *, led: bool) -> str:
    """Whoever is in the group of a leader that has ended must be known by its environment: it began later than it."""
    environ = _environ(process)
    if not led:
        named = environ is not None and environ.get(RESULT) == result
        return "" if named else f"its leader has ended, and nothing tells that process {process.pid} is of this run"
    return doubt(row, process.create_time() + clock.offset(), environ, result, stepped)


def _holders(seen: _Seen, places: Places) -> None:
    groups = {one.pid: one for one in seen.by_pid.values() if one.kind is Kind.GROUP}
    for run in runs_at_work.connected(places.leases):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            process = psutil.Process(run.pid)
            group = groups.get(os.getpgid(run.pid))
            kind = Kind.SUPERVISOR if runs_at_work.supervises(process) else Kind.HOLDER
            one = group or _of(kind, run.task, process)
            seen.add(replace(one, client_ids=run.client_ids))
    with suppress(CannotLook):  # said above
        for name, process in runs_at_work.holders_of(places.locks, BY_HAND_LOCKS):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if not _accounted_for(seen, process):
                    seen.add(_of(Kind.HOLDER, BY_HAND_LOCKS[name], process))


def _accounted_for(seen: _Seen, process: psutil.Process) -> bool:
    """By itself, by its group, or by the supervisor that started it."""
    return bool({process.pid, os.getpgid(process.pid), process.ppid()} & seen.by_pid.keys())


def _of(kind: Kind, task: str, process: psutil.Process) -> AtWork:
    return AtWork(kind, task, process.pid, process.create_time(), _command(process))


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:SHOWN]
    return ""


def _environ(process: psutil.Process) -> dict[str, str] | None:
    with suppress(psutil.AccessDenied, psutil.ZombieProcess, OSError):
        return process.environ()
    return None
