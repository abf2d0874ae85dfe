"""What must hold whatever a client sends, and how many examples are tried."""

import asyncio
import gc
import os
import socket
import sys
from concurrent.futures.thread import _worker

import psutil
from hypothesis import HealthCheck, settings
from raw_tws_client import RawClient, eventually, framed

from v6.simulator.testing import SimulatedTWS

HEALTHY_ID = 99
OFTEN = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def few(examples):
    """The same examples in every run: what CI tries must not change by itself."""
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=OFTEN)


def many(examples):
    """Other examples in every run, for the soak. FUZZ_SHARE=0.1: only a tenth of them."""
    share = float(os.environ.get("FUZZ_SHARE", "1"))
    return settings(
        max_examples=max(int(examples * share), 1), deadline=None, suppress_health_check=OFTEN, print_blob=True
    )


class Watch:
    """A healthy client beside the fuzzed ones, and a count of what the simulator held before them."""

    def __init__(self, tws: SimulatedTWS) -> None:
        self.tws = tws
        self.healthy = RawClient(tws.port, client_id=HEALTHY_ID)
        self.before = self._held()

    def _held(self) -> dict[str, int]:
        server = self.tws.server

        async def count() -> dict[str, int]:
            gc.collect(0)
            return {
                "tasks": len(asyncio.all_tasks()),
                "sessions": len(server.sessions),
                "lines": server.lines.used,
                "threads": busy_threads(),
                "descriptors": psutil.Process().num_fds(),
            }

        return asyncio.run_coroutine_threadsafe(count(), self.tws._loop).result(20)

    def unharmed(self) -> None:
        """After the fuzzed connection has gone: nothing is left of it, nothing failed, others are answered."""
        self.healthy.send(49, 1)
        self.healthy.until(49, 20)
        assert self.tws.stats.internal_errors == 0, self.tws.server.defects[-1]
        assert eventually(lambda: self._held() == self.before, 10), (self.before, self._held())


def busy_threads() -> int:
    """Threads but those of a pool that wait for work: what is still being computed for a client that has gone."""
    return sum(frame.f_code is not _worker.__code__ for frame in sys._current_frames().values())


def connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def greeting(offer: str) -> bytes:
    return b"API\0" + len(offer).to_bytes(4, "big") + offer.encode()


def start(client_id: int = 7) -> bytes:
    return framed(71, 2, client_id, "")


def drain(opened: socket.socket, seconds: float = 5.0) -> bytes:
    """What comes until the other side ends; a reset is an end too."""
    opened.settimeout(seconds)
    heard = bytearray()
    try:
        while part := opened.recv(1 << 16):
            heard += part
    except ConnectionError:
        pass
    return bytes(heard)
