#!/usr/bin/env python3
"""Measure the simulated TWS: `python tests/bench/simulator.py [--seconds 20]`.

The simulator is a process of its own; its clients are raw sockets here that only read bytes. CPU: processor seconds of
the simulator's process over wall seconds while 2,500 option lines stream; every line must really have been looked at
four times a second (counted by the simulator), else the figure is scaled up to that. Where the machine is busy with
other work the looks fall behind and the figure is too high rather than too low. Prints `name | figure | bar | ok`,
exit 1 if any bar is missed.
"""

import argparse
import json
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import psutil
from ib_insync import IB

from v6.simulator.instruments.listings import Spec
from v6.simulator.options import Options
from v6.simulator.server import Server

LINES, A_SECOND, CLIENTS = 2500, 4, 100
CORE_BAR = 1.0
AT = ("--at", "2026-11-24 10:35")
SYMBOLS = ("SPY", "QQQ", "AAPL", "NVDA")
SETTLE_SECONDS = 4.0
PORTION = 500  # requests sent together


class Simulator:
    """A running simulator process."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.process = psutil.Process(process.pid)
        self.port = int((folder / "port").read_text())
        self._stats = folder / "stats"

    def stats(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._stats.read_text())
        return found

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def simulator(*options: str) -> Iterator[Simulator]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--port-file", str(folder / "port"),
                   "--stats-file", str(folder / "stats"), *AT, *options]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            while not ((folder / "port").exists() and (folder / "stats").exists()):
                if process.poll() is not None:
                    raise SystemExit("simulator bench: it did not start")
                time.sleep(0.02)
            yield Simulator(process, folder)
            process.terminate()


def framed(*fields: object) -> bytes:
    payload = ("\0".join(map(str, fields)) + "\0").encode()
    return struct.pack(">I", len(payload)) + payload


def connected(port: int, client_id: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    offer = b"v157..178"
    client.sendall(b"API\0" + struct.pack(">I", len(offer)) + offer + framed(71, 2, client_id, ""))
    return client


def drain(clients: Sequence[socket.socket], seconds: float) -> int:
    """Bytes read in that time."""
    count, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for client in select.select(clients, [], [], left)[0]:
            count += len(client.recv(1 << 20))
    return count


def options() -> list[int]:
    """Contract ids, near and far, of expiries within half a year."""
    contracts = Server(Options()).contracts
    found = []
    for symbol in SYMBOLS:
        listed = contracts.find(Spec(symbol=symbol, sec_type="OPT"), date(2026, 11, 24))
        found += [each.con_id for each in listed if each.expiry and each.expiry < date(2027, 5, 1)]
    random.Random(1).shuffle(found)
    return found[:LINES]


def streaming(seconds: float) -> tuple[float, float, float]:
    """(CPU share at four looks a second, looks a second and line as measured, messages a second)."""
    with simulator("--fast") as tws:
        clients = [connected(tws.port, number) for number in range(5)]
        for request, con_id in enumerate(options()):
            contract = (con_id, *[""] * 6, "SMART", *[""] * 4)
            clients[request % 5].sendall(framed(1, 11, request, *contract, 0, "101", 0, 0, ""))
        drain(clients, SETTLE_SECONDS)
        before, cpu, began = tws.stats(), tws.cpu(), time.monotonic()
        drain(clients, seconds)
        after, spent, took = tws.stats(), tws.cpu() - cpu, time.monotonic() - began
        for client in clients:
            client.close()
    looks = (after["looks"] - before["looks"]) / took
    messages = (after["messages_sent"] - before["messages_sent"]) / took
    if after["peak_lines"] != LINES:
        raise SystemExit(f"simulator bench: {after['peak_lines']} lines instead of {LINES}")
    return spent / took * max(LINES * A_SECOND / looks, 1.0), looks / LINES, messages


def requests_a_core(count: int = 20_000) -> float:
    """Small requests (the time) answered for each second of the simulator's processor time."""
    with simulator("--fast") as tws:
        client = connected(tws.port, 1)
        drain([client], 0.5)
        cpu, request, length = tws.cpu(), framed(49, 1), len(framed(49, 1, int(time.time())))
        for _ in range(count // PORTION):
            client.sendall(request * PORTION)
            left = PORTION * length
            while left > 0:
                left -= len(client.recv(1 << 20))
        spent = tws.cpu() - cpu
        client.close()
    return count / spent


def full_sync(repeat: int = 15) -> float:
    """Median seconds of ib_insync's connect, which asks for accounts, positions, orders and executions."""
    took = []
    with simulator("--fast") as tws:
        for number in range(repeat):
            ib = IB()
            began = time.perf_counter()
            ib.connect("127.0.0.1", tws.port, clientId=10 + number, timeout=30)
            took.append(time.perf_counter() - began)
            ib.disconnect()
    return median(took)


def hundred_clients() -> tuple[int, float, float]:
    """(how many were ready, seconds until the last was, seconds until each had its answer to one question)."""
    with simulator("--fast") as tws:
        began = time.monotonic()
        clients = [connected(tws.port, number) for number in range(CLIENTS)]
        ready = sum(_read_until(client, b"\x002158\x00") for client in clients)
        opened = time.monotonic() - began
        for client in clients:
            client.sendall(framed(49, 1))
        answered = sum(_read_until(client, b"49\x001\x00") for client in clients)
        took = time.monotonic() - began - opened
        for client in clients:
            client.close()
    return min(ready, answered), opened, took


def _read_until(client: socket.socket, wanted: bytes) -> bool:
    seen = b""
    while wanted not in seen:
        more = client.recv(1 << 16)
        if not more:
            return False
        seen += more
    return True


def row(name: str, figure: str, bar: str, ok: bool | None) -> bool:
    print(f"{name} | {figure} | {bar} | {'-' if ok is None else 'yes' if ok else 'NO'}", flush=True)
    return ok is not False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    share, rate, messages = streaming(given.seconds)
    results = [
        row(
            f"simulator: {LINES} streaming options, {A_SECOND} looks a second each",
            f"{share:.0%} of a core ({rate:.2f} looks a second, {messages:.0f} messages a second)",
            f"< {CORE_BAR:.0%}",
            share < CORE_BAR,
        ),
        row("simulator: small requests a second of a core", f"{requests_a_core():.0f}", "reported", None),
        row("simulator: ib_insync connect with full sync", f"{full_sync() * 1000:.0f} ms", "reported", None),
    ]
    ready, opened, answered = hundred_clients()
    results.append(
        row(
            f"simulator: {CLIENTS} clients at once",
            f"{ready} ready in {opened:.2f} s, each answered in {answered:.2f} s",
            f"{CLIENTS} answered",
            ready == CLIENTS,
        )
    )
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
