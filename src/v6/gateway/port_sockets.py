"""The kernel's sockets of the API port, both ends as far as they are on this host, and whose they are.

Who owns a socket comes from psutil, queue lengths and unread bytes from /proc/net/tcp (see `gateway.sockets`), so that
TWS is never touched (L27). An owner that this user may not see is said to be hidden, never guessed (L30).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import psutil

from v6.gateway import occupancy
from v6.gateway.sockets import (
    LISTEN,
    PROC,
    Address,
    CannotLook,
    Row,
    addresses_of,
    all_rows,
    is_own,
    plain,
    reached,
    require_own_kernel,
    serves,
)

Side = Literal["tws", "client"]
Ends = tuple[Address, int, Address, int]

STATES = {
    "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
    "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "NEW_SYN_RECV",
}  # fmt: skip
"""https://docs.kernel.org/networking/proc_net_tcp.html, include/net/tcp_states.h"""
USUAL_PORTS = {7496, 7497, 4001, 4002}
"""TWS live and paper, Gateway live and paper."""
NAMED = 3
WAITING = "not accepted yet"
OVER = "nobody (it is over)"
HIDDEN = "hidden from this user"


@dataclass(frozen=True, slots=True)
class PortSocket:
    """`side`: whose end of the connection. `unread`: bytes its owner has not read; of a listener, the connections that
    wait to be accepted. `inode` 0: no process holds it: not accepted yet, or over. `pid` None: nobody's, or hidden.
    `task`: of the run of V6 that the process is, else empty."""

    side: Side
    state: str
    local: str
    remote: str
    unread: int
    inode: int
    uid: int
    pid: int | None = None
    program: str = ""
    task: str = ""

    @property
    def owner(self) -> str:
        """For a person: `collect_option_snapshots (python3, pid 812)`, `java (pid 4711)`, `hidden from this user`."""
        if self.pid is None and not self.inode:
            return WAITING if self.side == "tws" and self.state in ("ESTABLISHED", "CLOSE_WAIT") else OVER
        if self.pid is None:
            return HIDDEN
        program = self.program or HIDDEN
        return f"{self.task} ({program}, pid {self.pid})" if self.task else f"{program} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class PortSockets:
    """`listener` None: nobody listens, or (`blind` says why) TWS's side cannot be seen from here. `rows`: every other
    socket with the port at one end. `owners_hidden`: why owners are not known at all, else empty. `elsewhere`: other
    addresses of this host that the port is open on."""

    place: str
    listener: PortSocket | None
    rows: tuple[PortSocket, ...]
    blind: str = ""
    owners_hidden: str = ""
    elsewhere: tuple[str, ...] = ()

    @property
    def refuses(self) -> bool:
        """Nobody listens, and that is certain. A port that the kernel itself forwards (DNAT) has no listener either:
        connections that live tell it."""
        return self.listener is None and not self.blind and not self.count("ESTABLISHED", "client")

    @property
    def queued(self) -> int:
        """Connections that TWS has not accepted yet."""
        return self.listener.unread if self.listener else 0

    def count(self, state: str, side: Side | None = None) -> int:
        return sum(row.state == state and side in (None, row.side) for row in self._all())

    def counts(self) -> dict[tuple[Side, str, str], int]:
        """(side, state, owner) -> how many."""
        return dict(Counter((row.side, row.state, row.owner) for row in self._all()))

    def words(self) -> str:
        """One line: `LISTEN java (pid 4711), queue 0; tws CLOSE_WAIT: 2 of java (pid 4711)`."""
        if self.blind:
            head = f"TWS's side is not visible: {self.blind}"
        elif self.listener is None:
            only = f" (the port is open on {', '.join(self.elsewhere)} only)" if self.elsewhere else ""
            head = f"nobody listens{only}"
        else:
            head = f"LISTEN {self.listener.owner}, queue {self.queued}"
        found = sorted(Counter((row.side, row.state, row.owner) for row in self.rows).items())
        return "; ".join([head, *(f"{side} {state}: {number} of {owner}" for (side, state, owner), number in found)])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "place": self.place,
            "blind": self.blind,
            "owners_hidden": self.owners_hidden,
            "elsewhere": list(self.elsewhere),
            "listener": asdict(self.listener) if self.listener else None,
            "queued": self.queued,
            "counts": [
                {"side": side, "state": state, "owner": owner, "number": number}
                for (side, state, owner), number in sorted(self.counts().items())
            ],
            "rows": [asdict(row) for row in self.rows],
        }

    def _all(self) -> Iterable[PortSocket]:
        return (*self.rows, self.listener) if self.listener else self.rows


def port_sockets(
    host: str, port: int, leases: Path | None = None, *, owners: bool = True, proc: Path = PROC
) -> PortSockets:
    """What the kernel knows of `host`:`port` now. `leases`: where V6's runs lease their client ids, to name the tasks;
    without `owners` no process is looked at, which is quicker. Raises CannotLook: the name does not resolve, or the
    kernel's tables cannot be read."""
    far = addresses_of(host, port)
    elsewhere = [address for address in far if not is_own(address)]
    blind = f"{host} ({elsewhere[0]}) is not this host" if elsewhere else ""
    found = _found(far, port, proc, local=not blind)
    if reached(found, port, far) is None:
        found = _found(far, port, proc, local=not blind)  # a table that changes while it is read can skip a row
    known, hidden = _owners() if owners else ({}, "not asked")
    tasks = _tasks(leases) if leases is not None and owners else {}
    serving = reached(found, port, far)
    listening = None if serving is None else _socket(serving, port, known, tasks)
    if listening is None and not blind:
        blind = _other_kernel(proc)
    others = tuple(_socket(row, port, known, tasks) for row in found if row.state != LISTEN)
    other = {
        str(row.address) for row in found if row.state == LISTEN and not any(serves(row.address, to) for to in far)
    }
    return PortSockets(f"{host}:{port}", listening, others, blind, hidden, tuple(sorted(other)))


def far_end(port: int, local: tuple[str, int], proc: Path = PROC) -> PortSocket | None:
    """TWS's end of our connection that begins at `local` (address, port); None: it is not on this host, or gone.
    Raises CannotLook."""
    ours = plain(ip_address(local[0]))
    for row in all_rows(proc):
        if (row.port, row.far_address, row.far_port) == (port, ours, local[1]):
            return _socket(row, port, {}, {})
    return None


def listening_ports(but: int, proc: Path = PROC) -> list[int]:
    """TWS's usual ports that somebody listens on, other than `but`. Raises CannotLook."""
    found = {row.port for row in all_rows(proc) if STATES.get(row.state) == "LISTEN"}
    return sorted(found & USUAL_PORTS - {but})


def _found(far: list[Address], port: int, proc: Path, *, local: bool) -> list[Row]:
    return [row for row in all_rows(proc) if _concerns(row, far, port, local=local)]


def _concerns(row: Row, far: list[Address], port: int, *, local: bool) -> bool:
    if local and row.port == port:
        return True
    return row.far_port == port and (row.far_address in far or (local and is_own(row.far_address)))


def _socket(row: Row, port: int, owners: Mapping[Ends, int], tasks: Mapping[int, str]) -> PortSocket:
    pid = owners.get((row.address, row.port, row.far_address, row.far_port)) if row.inode else None
    return PortSocket(
        side="tws" if row.port == port else "client",
        state=STATES.get(row.state, row.state),
        local=f"{row.address}:{row.port}",
        remote=f"{row.far_address}:{row.far_port}" if row.far_port else "",
        unread=row.queued,
        inode=row.inode,
        uid=row.uid,
        pid=pid,
        program=_program(pid),
        task=tasks.get(pid, "") if pid is not None else "",
    )


def _other_kernel(proc: Path) -> str:
    try:
        require_own_kernel(proc)
    except CannotLook as why:
        return str(why)
    return ""


def _owners() -> tuple[dict[Ends, int], str]:
    """Pid by ends of the connection; or why none is known."""
    try:
        found = psutil.net_connections("tcp")
    except (psutil.Error, OSError) as error:
        return {}, f"owners cannot be read: {error}"
    known: dict[Ends, int] = {}
    for each in found:
        if each.pid is not None:
            known.setdefault((*_end(each.laddr), *_end(each.raddr or _no_end(each.laddr))), each.pid)
    return known, ""


def _end(address: Any) -> tuple[Address, int]:
    return plain(ip_address(address[0])), int(address[1])


def _no_end(near: Any) -> tuple[str, int]:
    """The far end of a listener, as the kernel's table writes it."""
    return "::" if ip_address(near[0]).version == 6 else "0.0.0.0", 0  # noqa: S104 - nothing is bound


def _program(pid: int | None) -> str:
    try:
        return psutil.Process(pid).name() if pid is not None else ""
    except psutil.Error:
        return ""


def _tasks(leases: Path) -> dict[int, str]:
    """Pid -> the task of V6 that it is, where that can be told."""
    try:
        leased, _ = occupancy.client_ids(leases)
    except occupancy.CannotTell:
        return {}
    found: dict[int, dict[str, list[int]]] = {}
    for each in leased:
        if each.pid is not None:
            found.setdefault(each.pid, {}).setdefault(each.task or "V6", []).append(each.client_id)
    return {pid: _few([f"{task} as client {_few(ids)}" for task, ids in tasks.items()]) for pid, tasks in found.items()}


def _few(found: Sequence[object]) -> str:
    """The first of them: one process may have any number of clients."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(map(str, found[:NAMED])) + more
