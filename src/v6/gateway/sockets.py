"""Who listens on the API port, from the kernel's own tables: TWS is never touched (L27), no program is started (L30).

Columns: https://docs.kernel.org/networking/proc_net_tcp.html. The tables show this process's network namespace only.
What listens here for a TWS elsewhere (docker-proxy, an SSH tunnel) is seen in its place and does not restart with it;
a port that the kernel itself forwards (DNAT) has no listener here at all.
"""

import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from v6 import clock
from v6.gateway.errors import GatewayError
from v6.journal.timestamps import instant, slot_text

Address = IPv4Address | IPv6Address

PROC = Path("/proc")
LISTEN = "0A"
WORDS = re.compile(r"inode (?P<inode>\d+)(?:, pid (?P<pid>\d+))?(?:, since (?P<since>\S+))?")


class CannotLook(GatewayError):  # noqa: N818 - it names what happened
    """Whether somebody listens cannot be told from here: neither "yes" nor "no" (L30). The message is the reason."""


@dataclass(frozen=True)
class Listener:
    """A listening socket. `inode` is new whenever the port was opened anew; `queued`: connections nobody has accepted
    yet; `uid` of its owner. `pid` and `started_at` (of the process, New York) only where this user may see them."""

    inode: int
    queued: int = 0
    pid: int | None = None
    started_at: datetime | None = None
    uid: int | None = None

    def same_as(self, other: "Listener") -> bool:
        """The same socket of the same process. Its start is no part of that: it moves when the clock is set."""
        return self.inode == other.inode and (self.pid is None or other.pid is None or self.pid == other.pid)

    def words(self) -> str:
        """Text for the journal: `inode 41234, pid 812, since 2026-11-24T04:46:10Z`; `parse` reads it."""
        pid = "" if self.pid is None else f", pid {self.pid}"
        since = "" if self.started_at is None else f", since {slot_text(self.started_at)}"
        return f"inode {self.inode}{pid}{since}"

    __str__ = words

    @classmethod
    def parse(cls, words: str) -> Self:
        """Raises ValueError for anything `words` has not written."""
        found = WORDS.fullmatch(words)
        if found is None:
            raise ValueError(f"{words!r} is not a listener as the journal keeps it")
        pid, since = found["pid"], found["since"]
        return cls(int(found["inode"]), 0, int(pid) if pid else None, instant(since) if since else None)


class Row(NamedTuple):
    """One socket of a kernel table."""

    address: Address
    port: int
    state: str  # two hex digits, 0A is LISTEN
    queued: int  # rx_queue: of a listener, the connections that wait to be accepted
    uid: int
    inode: int  # 0: no process holds it, as while it waits to be accepted
    far_address: Address
    far_port: int  # 0 of a listener


def listener(host: str, port: int, *, proc: Path = PROC) -> Listener | None:
    """What a connection to `host`:`port` would reach; None: nobody listens. Raises CannotLook.

    A socket bound to `::` is taken to serve IPv4 too, as Java's do: the table does not show IPV6_V6ONLY.
    """
    wanted = own_addresses(host, port)
    # a table that changes while it is read can skip a row
    row = reached(all_rows(proc), port, wanted) or reached(all_rows(proc), port, wanted)
    if row is None:
        require_own_kernel(proc)
        return None
    pid = _owner(row.inode, proc)
    return Listener(row.inode, row.queued, pid, _started(pid), row.uid)


def rows(table: Path) -> list[Row]:
    """Every socket of `table`. Raises CannotLook when it cannot be read or is not such a table."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()
        if not lines or "local_address" not in lines[0]:
            raise CannotLook(f"{table} is not a table of sockets")
        return [_row(line.split()) for line in lines[1:]]
    except OSError as error:
        raise CannotLook(f"{table}: {error.strerror}") from error
    except (ValueError, IndexError) as error:
        raise CannotLook(f"{table} has a line that cannot be read: {error}") from error


def _row(fields: list[str]) -> Row:
    (near, near_port), (far, far_port) = _end(fields[1]), _end(fields[2])
    _, _, waiting = fields[4].partition(":")
    return Row(near, near_port, fields[3], int(waiting, 16), int(fields[7]), int(fields[9]), far, far_port)


def _end(digits: str) -> tuple[Address, int]:
    address, _, port = digits.partition(":")
    return _address(address), int(port, 16)


def _address(digits: str) -> Address:
    """Words of 32 bits, each in the host's byte order; `::ffff:127.0.0.1` as the IPv4 address it means."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    return plain(ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words)))


def plain(address: Address) -> Address:
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def reached(found: Iterable[Row], port: int, wanted: Sequence[Address]) -> Row | None:
    """The listener that a connection to `port` would reach, which tries the addresses in this order. Of several the one
    bound to the very address, then one of its family, then the oldest."""
    listening = [row for row in found if row.state == LISTEN and row.port == port]
    for address in wanted:
        serving = [row for row in listening if serves(row.address, address)]
        if serving:
            return min(
                serving, key=lambda row: (row.address != address, row.address.version != address.version, row.inode)
            )
    return None


def all_rows(proc: Path) -> list[Row]:
    """Every socket of both families; a host without IPv6 has no second table. Raises CannotLook."""
    found = rows(proc / "net" / "tcp")
    second = proc / "net" / "tcp6"
    return found + rows(second) if os.path.lexists(second) else found


def serves(bound: Address, destination: Address) -> bool:
    """Whether a socket bound so takes a connection to `destination`; IPV6_V6ONLY is in no table."""
    return bound == destination or (bound.is_unspecified and bound.version in (6, destination.version))


def own_addresses(host: str, port: int) -> list[Address]:
    """Of `host`, in the order a connection would try them; all must be this host's. Raises CannotLook."""
    found = addresses_of(host, port)
    for address in found:
        if not is_own(address):
            raise CannotLook(f"{host} ({address}) is not an address of this host: its sockets are not visible here")
    return found


def addresses_of(host: str, port: int) -> list[Address]:
    """In the order a connection would try them, whoever's they are. Raises CannotLook."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotLook(f"{host} does not resolve: {error}") from error
    return list(dict.fromkeys(plain(ip_address(str(answer[4][0]).partition("%")[0])) for answer in found))


def is_own(address: Address) -> bool:
    """Whether it is this host's. Raises CannotLook."""
    return address.is_loopback or address in set(_interfaces())


def _interfaces() -> Iterator[Address]:
    try:
        interfaces = psutil.net_if_addrs()
    except OSError as error:
        raise CannotLook(f"the addresses of this host cannot be read: {error}") from error
    for addresses in interfaces.values():
        for each in addresses:
            if each.family in (socket.AF_INET, socket.AF_INET6):
                yield plain(ip_address(each.address.partition("%")[0]))


def require_own_kernel(proc: Path) -> None:
    """In WSL with mirrored networking 127.0.0.1 also reaches Windows, whose listeners are in no table here.
    https://learn.microsoft.com/windows/wsl/networking"""
    with suppress(OSError):
        release = (proc / "sys" / "kernel" / "osrelease").read_text(encoding="ascii").strip()
        if "microsoft" in release.lower():
            raise CannotLook(f"nobody listens in WSL ({release}), but Windows may: its sockets are not visible here")


def _owner(inode: int, proc: Path) -> int | None:
    """The process that holds the socket; when its children inherited it too, their parent. None: not visible."""
    held = set(_holders(f"socket:[{inode}]", proc))
    eldest = [pid for pid in held if _parent(pid) not in held]
    return eldest[0] if len(eldest) == 1 else None


def _holders(link: str, proc: Path) -> Iterator[int]:
    """Processes with such a descriptor; those of other users are closed to us and are skipped."""
    for process in proc.glob("[0-9]*"):
        with suppress(OSError):
            if any(_points_to(descriptor, link) for descriptor in (process / "fd").iterdir()):
                yield int(process.name)


def _points_to(descriptor: Path, link: str) -> bool:
    try:
        return os.readlink(descriptor) == link  # noqa: PTH115 - pathlib would make it a path
    except FileNotFoundError:  # closed since it was listed
        return False


def _parent(pid: int) -> int | None:
    with suppress(psutil.Error):
        return psutil.Process(pid).ppid()
    return None


def _started(pid: int | None) -> datetime | None:
    """On our clock, which a rehearsal shifts."""
    with suppress(psutil.Error):
        if pid is not None:
            return datetime.fromtimestamp(psutil.Process(pid).create_time() + clock.offset(), clock.NEW_YORK)
    return None
