"""Which other runs of V6 are at work, and their graceful end before TWS restarts.

Two sources, neither of which touches TWS: the leases of client ids (who is connected), and the kernel's table of locks
(which supervisor holds the lock of a task, also between two attempts). A supervisor is asked rather than its job, so
that it does not try again; KILL is its business, ours is to report what stays (`v6.restart.emergency` goes further).
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from v6 import clock, file_locks
from v6.gateway import client_ids

SUPERVISOR = "v6.runner.supervise"
LOOK_EVERY_SECONDS = 0.05
GRACE_SECONDS = 15.0  # a supervisor gives its job 10 s, then KILL
LEAVING_SECONDS = 35.0  # a program that watches the restart's state looks every 30 s


class CannotLook(Exception):  # noqa: N818 - it names what happened
    """The table of locks cannot be read: which supervised runs there are is not known."""


@dataclass(frozen=True, slots=True)
class OtherRun:
    """One run. `pid` is the process that is asked to end, at `born` (its pid may be given away again); `client_ids`:
    what it holds; `watches`: it ends by itself when it sees PRE_RESTART."""

    task: str
    pid: int
    born: float
    client_ids: tuple[int, ...] = ()
    watches: bool = False

    def __str__(self) -> str:
        connected = f", client {', '.join(map(str, self.client_ids))}" if self.client_ids else ""
        return f"{self.task or 'a process'} (pid {self.pid}{connected})"


def connected(leases: Path, watching: Collection[str] = ()) -> list[OtherRun]:
    """Runs that hold a client id, other than this process. `watching`: tasks that end by themselves."""
    found: dict[int, OtherRun] = {}
    for holder in client_ids.holders(leases):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            process = living(holder.pid)
            if process is None or process.pid in own_line():
                continue
            asked = _supervisor_of(process) or process
            held = found[asked.pid].client_ids if asked.pid in found else ()
            found[asked.pid] = OtherRun(
                holder.task, asked.pid, asked.create_time(), (*held, holder.client_id), holder.task in watching
            )
    return list(found.values())


def supervised(locks: Path, tasks: Collection[str]) -> list[OtherRun]:
    """Supervisors at work on `tasks`, other than our own. Raises CannotLook."""
    return [
        OtherRun(task, process.pid, process.create_time())
        for task, process in holders_of(locks, tasks)
        if supervises(process, task)
    ]


def holders_of(locks: Path, names: Collection[str]) -> list[tuple[str, psutil.Process]]:
    """Who took the lock of each of these names, other than this process and its parents; one that has died since is
    left out, though what it handed the lock to may have it still. Raises CannotLook."""
    try:
        held = file_locks.Held()
    except OSError as error:
        raise CannotLook(f"{file_locks.TABLE}: {error.strerror}") from error
    found = []
    for name in names:
        process = living(held.holder(locks / f"{name}.lock"))
        if process is not None and process.pid not in own_line():
            found.append((name, process))
    return found


def all_but(runs: Sequence[OtherRun], spared: Collection[str]) -> list[OtherRun]:
    """One entry a process, without those whose task is spared."""
    by_pid = {run.pid: run for run in sorted(runs, key=lambda run: len(run.client_ids)) if run.task not in spared}
    return sorted(by_pid.values(), key=lambda run: run.task)


async def end(
    runs: Sequence[OtherRun], grace: float = GRACE_SECONDS, leaving: float = LEAVING_SECONDS
) -> list[OtherRun]:
    """Ask each to end and wait `grace` seconds; one that watches the state is asked only after `leaving` seconds.
    Those that are still there."""
    stayed = await asyncio.gather(*(_end(run, grace, leaving) for run in runs))
    return [run for run, stays in zip(runs, stayed, strict=True) if stays]


async def _end(run: OtherRun, grace: float, leaving: float) -> bool:
    """Whether it stays."""
    if run.watches and not await _stays(run, leaving):
        return False
    if _alive(run):
        try:
            psutil.Process(run.pid).terminate()
        except psutil.AccessDenied:
            return True
        except psutil.NoSuchProcess:
            return False
    return await _stays(run, grace)


async def _stays(run: OtherRun, seconds: float) -> bool:
    until = clock.monotonic() + seconds
    while _alive(run) and clock.monotonic() < until:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return _alive(run)


def _alive(run: OtherRun) -> bool:
    process = living(run.pid)
    return process is not None and process.create_time() == run.born


def living(pid: int) -> psutil.Process | None:
    """The process of that number now; a zombie holds nothing any more."""
    try:
        process = psutil.Process(pid) if pid > 0 else None
        return None if process is None or process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def supervises(process: psutil.Process, task: str | None = None) -> bool:
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return SUPERVISOR in words and (task is None or task in words)


def own_line() -> frozenset[int]:
    """This process and those it descends from: our own supervisor, a shell, cron."""
    me = psutil.Process()
    return frozenset((me.pid, *(parent.pid for parent in me.parents())))


def _supervisor_of(process: psutil.Process) -> psutil.Process | None:
    parent = process.parent()
    return parent if parent is not None and supervises(parent) else None
