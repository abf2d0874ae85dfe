"""What is on its way to one client: everything queued in one turn of the event loop leaves in one write."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from v6.simulator.server import Server

UNSENT_LIMIT = 64 << 20


class Outbox:
    """`overflow` is called when the client takes nothing and too much waits. `shut`: our side has ended (FIN)."""

    def __init__(self, server: "Server", writer: asyncio.StreamWriter, overflow: Callable[[], None]) -> None:
        self._server, self._writer, self._overflow = server, writer, overflow
        self._unsent: list[bytes] = []
        self._drip = bytearray()
        self.closed = self.shut = False

    @property
    def waits(self) -> bool:
        """Whether the kernel takes no more for now."""
        return self._writer.transport.get_write_buffer_size() > 0

    def put(self, some: bytes) -> None:
        if not self._unsent:
            self._server.loop.call_soon(self.flush)
        self._unsent.append(some)

    def flush(self) -> None:
        some = b"".join(self._unsent)
        self._unsent.clear()
        if self.closed or self.shut or not some:
            return
        if self._drip or self._server.faults.drip_seconds:
            begins = not self._drip
            self._drip += some
            if begins:
                self._drip_on()
            return
        self._writer.write(some)
        if self._writer.transport.get_write_buffer_size() > UNSENT_LIMIT:
            self._overflow()

    def _drip_on(self) -> None:
        """One byte now, the next one later; all the rest when the fault is over."""
        seconds = self._server.faults.drip_seconds
        if self.closed or self.shut or not self._drip:
            return
        count = 1 if seconds else len(self._drip)
        self._writer.write(bytes(self._drip[:count]))
        del self._drip[:count]
        if self._drip:
            self._server.wheel.after(seconds, self._drip_on)

    def end(self) -> None:
        """Shut our side; the client may go on talking."""
        self.flush()
        self.shut = True
        with suppress(OSError):  # the client may be gone already
            self._writer.write_eof()

    def close(self) -> None:
        """Nothing more is taken; what is queued still leaves."""
        self.flush()
        if self._drip and not self.shut:
            self._writer.write(bytes(self._drip))
        self.closed = True
