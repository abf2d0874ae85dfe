"""Servers that are what each verdict names; none ever closes a connection by itself, but the one that must."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_support import HANDSHAKE, READY, RawTws, frame, free_port, ibkr, raw_tws

from v6.gateway.diagnose import diagnose
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.simulator.testing import SimulatedTWS

PROBE, LONG = 1.0, 20.0

Talk = Callable[[socket.socket], None]

TIME = frame(49, 1, 1795789800)
FARM_DOWN = frame(4, 2, -1, 2103, "Market data farm connection is broken:usfarm", "")
USED_ID = frame(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")
MARKET_DATA, CURRENT_TIME = b"1", b"49"


def wait_for_ever(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def reads_nothing(_connection: socket.socket) -> None:
    """The bytes stay in the kernel."""


def says(*answers: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        wait_for_ever(connection)

    return talk


def hangs_up(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.shutdown(socket.SHUT_RDWR)


def messages(data: bytes) -> Iterator[list[bytes]]:
    """The fields of each message; the pace of ours keeps them from being cut."""
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        yield data[4:end].split(b"\0")
        data = data[end:]


def answers(ready: bytes, quote: Callable[[int], bytes], *, resets_after_time: bool = False) -> Talk:
    """Ready, tells the time, and answers a request for market data with `quote` of its id; b"": by hanging up."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        connection.recv(65536)
        connection.sendall(ready)
        while data := connection.recv(65536):
            for fields in messages(data):
                if fields[0] == CURRENT_TIME:
                    connection.sendall(TIME)
                    if resets_after_time:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        connection.close()
                        return
                elif fields[0] == MARKET_DATA:
                    if not (said := quote(int(fields[2]))):
                        connection.shutdown(socket.SHUT_RDWR)
                        return
                    connection.sendall(said)

    return talk


def live(number: int) -> bytes:
    return frame(58, 1, number, 1) + frame(1, 6, number, 1, 600.0, 5, 0)


def not_subscribed(number: int) -> bytes:
    return frame(4, 2, number, 354, "Requested market data is not subscribed.", "")


@dataclass(frozen=True)
class Case:
    """A server (or none: the port is closed) and the verdict it deserves; `mute`: only silence shows it."""

    verdict: Verdict
    talk: Talk | None
    mute: bool = False
    exit_code: int = 1


CASES = {
    "a TWS as it should be": Case(Verdict.HEALTHY, answers(READY, live), exit_code=0),
    "a closed port": Case(Verdict.REFUSED, None),
    "a proxy that hangs up": Case(Verdict.NOTHING_BEHIND, hangs_up),
    "a web server": Case(Verdict.NOTHING_BEHIND, says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), exit_code=2),
    "one that never reads": Case(Verdict.MUTE_AFTER_TCP, reads_nothing, mute=True),
    "one that reads and never answers": Case(Verdict.WAITING_FOR_DIALOG, wait_for_ever, mute=True, exit_code=2),
    "mute after the handshake": Case(Verdict.MUTE_AFTER_HANDSHAKE, says(HANDSHAKE), mute=True),
    "ready, and deaf to questions": Case(Verdict.MUTE_AFTER_HANDSHAKE, says(HANDSHAKE, READY), mute=True),
    "a TWS of 2013": Case(Verdict.VERSION_TOO_OLD, says(frame(100, "20130101 09:30:00 EST")), exit_code=2),
    "a client id in use": Case(Verdict.CLIENT_ID_IN_USE, says(HANDSHAKE, USED_ID)),
    "no account": Case(Verdict.NO_ACCOUNT, says(HANDSHAKE, frame(15, 1, "") + frame(9, 1, 1))),
    "hangs up on market data": Case(Verdict.MUTE_AFTER_HANDSHAKE, answers(READY, lambda _: b"")),
    "a farm down": Case(Verdict.FARMS_DOWN, answers(READY + FARM_DOWN, live)),
    "no subscription": Case(Verdict.NO_MARKET_DATA, answers(READY, not_subscribed), exit_code=2),
}


@dataclass(frozen=True)
class Place:
    """Where to connect and with which leases, to get the verdict; `mute`: only silence shows it."""

    host: str
    port: int
    leases: Path
    mute: bool = False


@contextmanager
def stuck() -> Iterator[socket.socket]:
    """A listener that nobody accepts from, with one connection waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        yield listener


@contextmanager
def every_place(leases: Path, not_a_folder: Path) -> Iterator[tuple[list[tuple[Verdict, Place]], list[RawTws]]]:
    """Every verdict with a place that deserves it, and the servers behind them, which stay the same and never close."""
    with ExitStack() as stack:
        servers = [stack.enter_context(raw_tws(case.talk)) for case in CASES.values() if case.talk]
        cases = [case for case in CASES.values() if case.talk]
        places = [
            (case.verdict, Place("127.0.0.1", server.port, leases, case.mute))
            for case, server in zip(cases, servers, strict=True)
        ]
        places.append((Verdict.REFUSED, Place("127.0.0.1", free_port(), leases)))
        listener = stack.enter_context(stuck())
        places.append((Verdict.ACCEPT_QUEUE_STUCK, Place("127.0.0.1", listener.getsockname()[1], leases)))
        places.append((Verdict.UNREACHABLE, Place("no-such-host.invalid", 7497, leases)))
        places.append((Verdict.COULD_NOT_CHECK, Place("127.0.0.1", servers[0].port, not_a_folder)))
        yield places, servers


def examine(
    port: int, leases: Path, *, market_open: bool | None = True, client_id: int | None = None, **changes: Any
) -> Diagnosis:
    return asyncio.run(
        diagnose(ibkr(port, **changes), leases, market_open=market_open, symbol="SPY", client_id=client_id)
    )


@contextmanager
def faulty(tws: SimulatedTWS, **faults: Any) -> Iterator[None]:
    before = {name: getattr(tws.faults, name) for name in faults}
    tws.set(**faults)
    try:
        yield
    finally:
        tws.set(**before)
