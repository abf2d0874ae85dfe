"""Leases of client ids: `flock` on one file per id, so that a crash frees it and no two runs share one (L32).

The least recently used id comes first: TWS may refuse (326) an id whose last connection has only just ended.
"""

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from v6 import clock
from v6.gateway.errors import NoClientId

QUARANTINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who leases an id, as its file says: `since` in seconds since 1970 UTC."""

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
        descriptor = _lock(_file(folder, client_id))
        if descriptor is None:
            continue
        if _quarantined(descriptor):
            os.close(descriptor)
            continue
        return Lease(client_id, descriptor, task)
    raise NoClientId(f"every client id from {first} to {last} is leased or in quarantine: {_names(folder)}")


def take_one(folder: Path, client_id: int, task: str = "") -> Lease:
    """Lease this id and no other; a quarantine does not count. Raises NoClientId naming who has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(_file(folder, client_id))
    if descriptor is None:
        raise NoClientId(f"client id {client_id} is leased by {_holder(folder, client_id)}")
    return Lease(client_id, descriptor, task)


def _holder(folder: Path, client_id: int) -> str:
    for holder in holders(folder):
        if holder.client_id == client_id:
            since = datetime.fromtimestamp(holder.since, clock.NEW_YORK)
            return f"{holder.task or 'a process'} (pid {holder.pid}, since {since:%H:%M:%S %Z})"
    return "a process that has just ended"


def holders(folder: Path) -> list[Holder]:
    """The leases in force."""
    found = []
    for path in sorted(folder.glob("client-*")):
        descriptor = _lock(path)
        if descriptor is not None:
            os.close(descriptor)
            continue
        facts = dict(line.split(" ", 1) for line in path.read_text().splitlines() if " " in line)
        client_id = int(path.name.removeprefix("client-"))
        found.append(Holder(client_id, int(facts.get("pid", 0)), facts.get("task", ""), float(facts.get("since", 0))))
    return found


def clear_quarantines(folder: Path) -> list[int]:
    """Give every id in quarantine free again, when nothing of ours is connected any more; those ids."""
    cleared = []
    for path in sorted(folder.glob("client-*")):
        descriptor = _lock(path)
        if descriptor is None:
            continue
        if _quarantined(descriptor):
            os.ftruncate(descriptor, 0)
            cleared.append(int(path.name.removeprefix("client-")))
        os.close(descriptor)
    return sorted(cleared)


def _names(folder: Path) -> str:
    return (
        ", ".join(f"{holder.client_id} by {holder.task or holder.pid}" for holder in holders(folder))
        or "all quarantined"
    )


def _file(folder: Path, client_id: int) -> Path:
    return folder / f"client-{client_id}"


def _last_use(folder: Path, client_id: int) -> int:
    try:
        return _file(folder, client_id).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _quarantined(descriptor: int) -> bool:
    """The stamp is the host's monotonic clock; one further ahead than a quarantine lasts is from before a reboot."""
    words = os.pread(descriptor, 200, 0).decode(errors="replace").split()
    if words[:1] != ["quarantine_until"]:
        return False
    left = float(words[1]) - clock.monotonic()
    return 0 < left <= QUARANTINE_SECONDS
