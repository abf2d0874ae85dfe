"""Small raw servers for what a simulator cannot be (mute, never closing), and the kernel's own count of sockets."""

import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from v6.clock import NEW_YORK
from v6.config.settings import Ibkr
from v6.gateway.client import connect
from v6.model import Contract

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "connect_timeout_seconds": 5.0,
    "request_timeout_seconds": 5.0,
    "quote_timeout_seconds": 5.0,
    "greeks_wait_seconds": 2.0,
    "connections_per_hour": 10_000,
    "connections_per_day": 10_000,
}
TUESDAY = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
EVENING = datetime(2026, 11, 24, 22, 0, tzinfo=NEW_YORK)
SPY = Contract("STK", "SPY", "SMART", primary_exchange="ARCA")
ES = Contract("FUT", "ES", "CME")
NOT_LISTED = Contract("STK", "NOSUCH", "SMART")
CHAIN = Contract("OPT", "SPY", "SMART", trading_class="SPY", multiplier=100.0, expiry=date(2026, 12, 18))
STATES = {"01": "ESTABLISHED", "02": "SYN_SENT", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
          "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING"}  # fmt: skip


def ibkr(port: int, **changes: Any) -> Ibkr:
    """The default settings with shorter time limits, hardly a budget of connections, and `changes`."""
    return Ibkr.model_validate({**_defaults(), **QUICK, "port": port, **changes})


@cache
def _defaults() -> dict[str, Any]:
    defaults: dict[str, Any] = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["ibkr"]
    return defaults


def frame(*fields: object) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


HANDSHAKE = frame(176, "20261127 09:30:00 EST")
READY = (
    frame(15, 1, "DU9000001") + frame(9, 1, 1) + frame(4, 2, -1, 2104, "Market data farm connection is OK:usfarm", "")
)


class RawTws:
    """Accepts, lets `talk` do what it likes with each connection, and never closes one by itself."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.accepted: list[socket.socket] = []
        self._talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self._talk(connection)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.accepted:
            connection.close()


@contextmanager
def raw_tws(talk: Callable[[socket.socket], None]) -> Iterator[RawTws]:
    server = RawTws(talk)
    try:
        yield server
    finally:
        server.close()


def sockets(port: int) -> list[str]:
    """States of all TCP sockets of this host with `port` at one end, but LISTEN and TIME_WAIT (the kernel's own)."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if int(local.partition(":")[2], 16) == port or int(remote.partition(":")[2], 16) == port:
            found.append(STATES.get(state, state))
    return sorted(state for state in found if state not in ("LISTEN", "TIME_WAIT"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def never_closing(connection: socket.socket) -> None:
    """A TWS that gets ready, answers the current time, and keeps its end of every socket for ever."""
    connection.recv(65536)
    connection.sendall(HANDSHAKE)
    connection.recv(65536)
    connection.sendall(READY)
    while data := connection.recv(65536):
        if b"49\x001\x00" in data:
            connection.sendall(frame(49, 1, 1795789800))


CHILD = """
import signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from gateway_support import ibkr
from v6.gateway.client import connect

def stop(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stop)
with connect(ibkr(int(sys.argv[1])), purpose="options", leases=Path(sys.argv[2]), task="a child") as gw:
    print(gw.client_id, flush=True)
    while True:
        gw.current_time()
"""


@contextmanager
def child(port: int, leases: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that is connected, and busy asking, when the block begins; killed at its end at the latest."""
    command = [sys.executable, "-c", CHILD, str(port), str(leases), str(Path(__file__).parent)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until(true: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def options_of(port: int, leases: Path, count: int = 30) -> list[Contract]:
    """The listed SPY options of one expiry nearest the money, with their con_ids."""
    with connect(ibkr(port), purpose="checks", leases=leases) as gw:
        listed = [details.contract for details in gw.contract_details(CHAIN)]
    return sorted(listed, key=lambda contract: (abs((contract.strike or 0) - 600), contract.right or ""))[:count]
