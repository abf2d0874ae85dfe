"""When a client's bytes arrived: its limits must not depend on when the simulator finds time to read them."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import SupportsIndex

from v6 import clock

LAST_RECEIVED = 52  # of struct tcp_info: tcpi_last_data_recv, milliseconds ago [linux/tcp.h]
TCP_INFO = getattr(socket, "TCP_INFO", None)  # Linux only; elsewhere the time of reading counts


class Arrivals(asyncio.StreamReader):
    """A stream that knows when the bytes it was last fed had come; `arrived` is in monotonic seconds."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
        super().__init__(limit=limit, loop=loop)
        self._connection = connection
        self.arrived = clock.monotonic()

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        # never earlier than what was read before
        self.arrived = max(clock.monotonic() - self._waited(), self.arrived)
        super().feed_data(data)

    def _waited(self) -> float:
        """Seconds the newest bytes have lain in the kernel."""
        if TCP_INFO is None:
            return 0.0
        try:
            info = self._connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, LAST_RECEIVED + 4)
        except OSError:  # the socket is closed already
            return 0.0
        return float(struct.unpack_from("I", info, LAST_RECEIVED)[0]) / 1000 if len(info) == LAST_RECEIVED + 4 else 0.0
