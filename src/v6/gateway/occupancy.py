"""What this host's processes use of TWS now: client ids and market data lines. Read without a lock of our own, so that
no run that wants one is turned away by somebody who looks."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from v6 import byte_locks, clock, file_locks
from v6.gateway import client_ids as leases
from v6.gateway.errors import GatewayError


class CannotTell(GatewayError):  # noqa: N818 - it names what happened
    """The kernel's table of locks cannot be read."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A client id in use; `task` and `since` (New York) are its owner's words, "" and None before it has written them;
    `pid` is the kernel's."""

    client_id: int
    pid: int
    task: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Resting:
    """A client id that TWS called in use: nobody is given it for `seconds` more."""

    client_id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Market data lines of one purpose: `used` of `size`, over all processes."""

    name: str
    used: int
    size: int


def client_ids(folder: Path) -> tuple[list[Leased], list[Resting]]:
    """Those in use and those in quarantine, by number. Raises CannotTell."""
    try:
        table = file_locks.Held()
    except OSError as error:
        raise CannotTell(f"who leases a client id cannot be told: {file_locks.TABLE}: {error.strerror}") from error
    leased = [_leased(one) for one in leases.held(folder, table.holder)]
    taken = {one.client_id for one in leased}
    resting = [(leases.number(path), leases.quarantine_left(path)) for path in leases.files(folder)]
    return leased, [Resting(number, left) for number, left in resting if left > 0 and number not in taken]


def pool(folder: Path, name: str, size: int) -> Pool:
    """A pool that nobody has used yet has no file."""
    try:
        descriptor = os.open(folder / f"lines-{name}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return Pool(name, 0, size)
    try:
        return Pool(name, sum(byte_locks.taken_by_another(descriptor, line) for line in range(size)), size)
    finally:
        os.close(descriptor)


def _leased(one: leases.Holder) -> Leased:
    since = datetime.fromtimestamp(one.since, clock.NEW_YORK) if one.since else None
    return Leased(one.client_id, one.pid, one.task, since)
