"""A day's clients in a hurry: streams that stay, and rounds of everything that begins and ends."""

import json
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psutil
from raw_tws_client import SPY, RawClient, eventually, framed

EXPIRY = "20261218"
ORDERS_EVERY = 20  # rounds: orders are kept until the day is over, an hour has hundreds and not tens of thousands
ES = (0, "ES", "FUT", EXPIRY, "0", "", "", "CME", "", "USD", "", "")
# version 164, from the time in force on
ORDER_TEXT = (
    "||||0||1|0|0|0|0|0|0|0||0||||||||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||0||0|0|0|0|||||||0|||||||||"
    "0|0|0|0|||0"
)
ORDER_TAIL = ORDER_TEXT.split("|")


@contextmanager
def simulator(folder):
    """A fast simulator in a process of its own: its port, its process and its statistics."""
    port_file, stats_file = folder / "port", folder / "stats.json"
    command = [sys.executable, "-m", "v6.simulator", "--fast", "--port", "0", "--port-file", str(port_file),
               "--stats-file", str(stats_file), "--at", "2026-11-24 10:35"]  # fmt: skip
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert eventually(port_file.exists, 30), running.communicate(timeout=5)
        yield int(port_file.read_text()), psutil.Process(running.pid), lambda: json.loads(stats_file.read_text())
    finally:
        running.terminate()
        _, said = running.communicate(timeout=20)
    assert "internal error" not in said, said


class Streams:
    """Connections with many lines each; a thread reads and forgets what they send."""

    def __init__(self, port: int, con_ids: list[str], connections: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.ended = 0
        self._stopped = False
        for number in range(connections):
            with_lines = self._connect(port, 1000 + number)
            for request, con_id in enumerate(con_ids, 1):
                with_lines.sendall(framed(1, 11, request, con_id, *[""] * 6, "SMART", *[""] * 4, 0, "101", 0, 0, ""))
        self._thread = threading.Thread(target=self._drain)
        self._thread.start()

    def _connect(self, port: int, client_id: int) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", port), timeout=10)
        opened.sendall(b"API\0\0\0\0\x09v157..178" + framed(71, 2, client_id, ""))
        self._selector.register(opened, selectors.EVENT_READ)
        return opened

    def _drain(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select(0.1):
                if not key.fileobj.recv(1 << 18):
                    self._selector.unregister(key.fileobj)
                    self.ended += 1

    def close(self) -> None:
        self._stopped = True
        self._thread.join(10)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()


def listed(port: int) -> list[str]:
    """Contract ids of one expiry of SPY."""
    with RawClient(port, client_id=500) as client:
        client.send(9, 8, 1, 0, "SPY", "OPT", EXPIRY, "0", "", "", "SMART", "", "USD", "", "SPY", 0, "", "", "")
        client.until(52, 20)
        return [frame[12] for frame in client.seen if frame[0] == "10"]


def one_round(port: int, number: int, con_ids: list[str], orders_every: int = 1) -> None:
    """Everything that begins and ends: a client that leaves with a FIN or a RST, and what it has asked for."""
    client = RawClient(port, "v157..164", client_id=number % 20)
    try:
        chosen = [con_ids[(number * 7 + place) % len(con_ids)] for place in range(30)]
        for request, con_id in enumerate(chosen, 1):
            snapshot = int(request % 2)
            client.send(1, 11, request, con_id, *[""] * 6, "SMART", *[""] * 4, 0, "", snapshot, 0, "")
        client.send(9, 8, 100, *SPY, 0, "", "")
        client.send(20, 101, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, number % 2, "")
        client.send(50, 3, 102, *SPY, 5, "TRADES", 1, "")
        client.send(61, 1)
        client.send(62, 1, 103, "All", "NetLiquidation,BuyingPower")
        client.send(6, 2, 1, "DU9000001")
        if number % orders_every == 0:
            trade(client, "SELL" if number // orders_every % 2 else "BUY")
        client.send(1, 11, 999, "1", "NONE", "STK", *[""] * 9, 0, "", 0, 0, "")
        client.send(49, 1)
        client.until(49, 20)
        if number % 3 == 0:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        client.close()


def trade(client: RawClient, side: str) -> None:
    """A fill, and an order that is cancelled."""
    client.send(8, 1, 1)
    order_id = int(client.until(9, 20)[2])
    client.send(3, order_id, *ES, "", "", side, "1", "MKT", "", "", *ORDER_TAIL)
    client.send(3, order_id + 1, *ES, "", "", "BUY", "1", "LMT", "5000", "", *ORDER_TAIL)
    client.send(4, 1, order_id + 1)


def rss_under_load(folder, seconds: float, connections: int, lines: int) -> tuple[list[float], dict]:
    """Resident memory in MB, sampled once a second, and the simulator's statistics at the end."""
    with simulator(folder) as (port, process, stats):
        con_ids = listed(port)
        streams = Streams(port, con_ids[:lines], connections)
        samples, number, end, sampled = [], 0, time.monotonic() + seconds, 0.0
        try:
            while time.monotonic() < end:
                one_round(port, number, con_ids, ORDERS_EVERY)
                number += 1
                if time.monotonic() - sampled >= 1.0:
                    sampled = time.monotonic()
                    samples.append(process.memory_info().rss / (1 << 20))
            assert streams.ended == 0, "a stream was cut off"
        finally:
            streams.close()
        before = stats()["connections"]
        with RawClient(port, client_id=501) as last:
            last.send(49, 1)
            last.until(49)
        assert eventually(lambda: stats()["connections"] > before and stats()["clients"] == 0, 10), stats()
        assert stats()["lines"] == 0
        return samples, stats() | {"rounds": number}
