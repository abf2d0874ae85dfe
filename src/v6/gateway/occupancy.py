"""What this host's processes use of TWS now: client ids and market data lines. Read without a lock of our own, so that
no run that wants one is turned away by somebody who looks."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from v6 import byte_locks, clock, file_locks
from v6.gateway.client_ids import QUARANTINE_SECONDS
from v6.gateway.errors import GatewayError


class CannotTell(GatewayError):  # noqa: N818 - it names what happened
    """The kernel's table of locks cannot be read."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A client id in use; `pid`, `task`, `since` (New York) are its owner's words, None before it has written them."""

    client_id: int
    pid: int | None
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
        held = file_locks.held()
    except OSError as error:
        raise CannotTell(f"who leases a client id cannot be told: {file_locks.TABLE}: {error.strerror}") from error
    leased, resting = [], []
    for path in sorted(folder.glob("client-*"), key=lambda file: int(file.name.removeprefix("client-"))):
        number, facts = int(path.name.removeprefix("client-")), _facts(path)
        if path.stat().st_ino in held:
            leased.append(_leased(number, facts))
        elif (left := _quarantine_left(facts)) > 0:
            resting.append(Resting(number, left))
    return leased, resting


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


def _facts(path: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in path.read_text(errors="replace").splitlines() if " " in line)


def _leased(number: int, facts: dict[str, str]) -> Leased:
    since = datetime.fromtimestamp(float(facts["since"]), clock.NEW_YORK) if "since" in facts else None
    return Leased(number, int(facts["pid"]) if "pid" in facts else None, facts.get("task", ""), since)


def _quarantine_left(facts: dict[str, str]) -> float:
    """The stamp is the host's monotonic clock; one further ahead than a quarantine lasts is from before a reboot."""
    left = float(facts.get("quarantine_until", "-inf")) - clock.monotonic()
    return left if left <= QUARANTINE_SECONDS else 0.0
