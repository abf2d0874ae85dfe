"""Leases of client ids: `flock` on one file per id, so that a crash frees it and no two runs share one (L32).

The least recently used id comes first: TWS may refuse (326) an id whose last connection has only just ended.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from v6 import clock, file_locks
from v6.gateway.errors import NoClientId

QUARANTINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who leases an id; `task` and `since` (seconds since 1970 UTC) as its file says, "" and 0.0 where it says nothing:
    the lock is the lease, and on a full disk no word is written."""

    client_id: int
    pid: int
    task: str
    since: float


class Lease:
    """One client id, ours until `release`, the end of the `with` block, or the death of the process."""

    def __init__(self, client_id: int, descriptor: int, task: str) -> None:
        self.client_id = client_id
        self._descriptor = descriptor
        self._write(f"pid {os.getpid()}\nsince {clock.epoch():.0f}\ntask {task}\n")

    def release(self) -> None:
        self._end("")

    def quarantine(self, seconds: float = QUARANTINE_SECONDS) -> None:
        """Give the id back, but let nobody have it for a while: TWS says that it is in use."""
        self._end(f"quarantine_until {clock.monotonic() + seconds!r}\n")

    def _end(self, text: str) -> None:
        if self._descriptor >= 0:
            self._write(text)
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, text: str) -> None:
        """What the disk does not take is missing: the lock is the lease."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(folder: Path, first: int, last: int, task: str = "") -> Lease:
    """Lease a free id of first..last. Raises NoClientId when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for client_id in sorted(range(first, last + 1), key=lambda number: _last_use(folder, number)):
        path = _file(folder, client_id)
        descriptor = file_locks.acquire(path)
        if descriptor is None:
            continue
        if quarantine_left(path) > 0:
            os.close(descriptor)
            continue
        return Lease(client_id, descriptor, task)
    raise NoClientId(f"every client id from {first} to {last} is leased or in quarantine: {_names(folder)}")


def take_one(folder: Path, client_id: int, task: str = "") -> Lease:
    """Lease this id and no other; a quarantine does not count. Raises NoClientId naming who has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = file_locks.acquire(_file(folder, client_id))
    if descriptor is None:
        raise NoClientId(f"client id {client_id} is leased by {_named(folder, client_id)}")
    return Lease(client_id, descriptor, task)


def holders(folder: Path) -> list[Holder]:
    """The leases in force, by the kernel's table of locks: whoever wants an id meanwhile is not turned away. Only where
    that table cannot be read the locks are tried."""
    try:
        taker: Callable[[Path], int] = file_locks.Held().holder
    except OSError:
        taker = _tried
    return held(folder, taker)


def held(folder: Path, taker: Callable[[Path], int]) -> list[Holder]:
    """By number. `taker`: the process that holds a file's lock, 0 for nobody."""
    return [_holder(path, pid) for path in files(folder) if (pid := taker(path))]


def clear_quarantines(folder: Path) -> list[int]:
    """Give every id in quarantine free again, when nothing of ours is connected any more; those ids."""
    cleared = []
    for path in files(folder):
        descriptor = file_locks.acquire(path) if quarantine_left(path) > 0 else None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)
            cleared.append(number(path))
    return cleared


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("client-*"), key=number)


def number(path: Path) -> int:
    return int(path.name.removeprefix("client-"))


def quarantine_left(path: Path) -> float:
    """Seconds. The stamp is the host's monotonic clock; one further ahead than a quarantine lasts is from before a
    reboot."""
    left = _seconds(_said(path).get("quarantine_until", "")) - clock.monotonic()
    return left if 0 < left <= QUARANTINE_SECONDS else 0.0


def _holder(path: Path, pid: int) -> Holder:
    said = _said(path)
    return Holder(number(path), pid, said.get("task", ""), _seconds(said.get("since", "")))


def _names(folder: Path) -> str:
    return (
        ", ".join(f"{holder.client_id} by {holder.task or holder.pid}" for holder in holders(folder))
        or "all quarantined"
    )


def _named(folder: Path, client_id: int) -> str:
    for holder in holders(folder):
        if holder.client_id == client_id:
            since = datetime.fromtimestamp(holder.since, clock.NEW_YORK)
            return f"{holder.task or 'a process'} (pid {holder.pid}, since {since:%H:%M:%S %Z})"
    return "a process that has just ended"


def _said(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return {}
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def _seconds(text: str) -> float:
    """0.0 for what a full disk has cut off."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _file(folder: Path, client_id: int) -> Path:
    return folder / f"client-{client_id}"


def _last_use(folder: Path, client_id: int) -> int:
    try:
        return _file(folder, client_id).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _tried(path: Path) -> int:
    """The pid that the holder has written; 0: nobody holds it."""
    descriptor = file_locks.acquire(path)
    if descriptor is None:
        return int(_seconds(_said(path).get("pid", "")))
    os.close(descriptor)
    return 0
