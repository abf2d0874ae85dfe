"""One connected client: its handshake, its requests, its market data lines."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from v6 import clock
from v6.simulator import errors, requests
from v6.simulator.limits import MessageMeter
from v6.simulator.lines import Line
from v6.simulator.listings import Listing
from v6.simulator.messages import connection
from v6.simulator.quotes import LIVE
from v6.simulator.wire import Fields, WireError, read_frame

if TYPE_CHECKING:
    from v6.simulator.server import Server

START_API = 71
UNSENT_LIMIT = 64 << 20
RANGE = re.compile(rb"v(\d+)\.\.(\d+)")


class Session:
    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self._reader, self._writer = reader, writer
        self.version = connection.OLDEST
        self.client_id: int | None = None
        self.data_type = LIVE
        self.lines: dict[int, Line] = {}
        self.account_updates: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._streams: dict[tuple[str, int], Callable[[], None]] = {}
        self.closed = False
        self._meter = MessageMeter(server.options.messages_a_second, server.options.strikes)
        self._second, self._in_second = 0, 0
        self._unsent: list[bytes] = []

    @property
    def muted(self) -> bool:
        return self.server.faults.mute_after_handshake or self.server.faults.mute_after_start

    # sending

    def send(self, frame: bytes) -> None:
        """Queue one frame; everything queued in one turn of the loop leaves in one write."""
        if self.closed:
            return
        self.server.stats.messages_sent += 1
        if not self._unsent:
            self.server.loop.call_soon(self._flush)
        self._unsent.append(frame)

    def _flush(self) -> None:
        if self.closed or not self._unsent:
            self._unsent.clear()
            return
        self._writer.write(b"".join(self._unsent))
        self._unsent.clear()
        if self._writer.transport.get_write_buffer_size() > UNSENT_LIMIT:
            self.reset()

    def error(self, request: int, code: int, text: str) -> None:
        self.server.stats.errors[code] += 1
        self.send(connection.error(self.version, request, code, text))

    def later(self, seconds: float, *frames: bytes) -> None:
        """Queue frames that long from now, together."""

        def send() -> None:
            for frame in frames:
                self.send(frame)

        if seconds <= 0:
            send()
        else:
            self.server.wheel.after(seconds, send)

    # the connection

    async def serve(self) -> None:
        try:
            if self.server.faults.mute_before_handshake:
                await self._swallow()
            elif await self._shake_hands():
                await self._answer_requests()
        except (asyncio.IncompleteReadError, ConnectionError, WireError):
            pass
        finally:
            self.close()

    async def _swallow(self) -> None:
        while await self._reader.read(65536):
            pass

    async def _shake_hands(self) -> bool:
        if await self._reader.readexactly(4) != b"API\0":
            return False
        offer = RANGE.match(await read_frame(self._reader))
        if not offer:
            return False
        lowest, highest = int(offer[1]), int(offer[2])
        self.version = min(highest, connection.NEWEST)
        if self.version < connection.OLDEST or lowest > connection.NEWEST:
            return False
        now = self.server.now()
        zone = "Daylight" if now.dst() else "Standard"
        self.send(connection.handshake(self.version, f"{now:%Y%m%d %H:%M:%S} Eastern {zone} Time"))
        return True

    async def _answer_requests(self) -> None:
        while not self.closed:
            payload = await read_frame(self._reader)
            self.server.stats.messages_received += 1
            if not self._admit() or self.server.faults.mute_after_handshake:
                continue
            self._answer(Fields(payload))
            if self._writer.transport.get_write_buffer_size():
                await asyncio.sleep(0)

    def _admit(self) -> bool:
        """Whether this message is within the rate; a breach is answered with error 100, and the third ends it all."""
        second = int(clock.monotonic())
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        stats = self.server.stats
        stats.most_in_a_second = max(stats.most_in_a_second, self._in_second)
        accepted, strike = self._meter.count(second)
        if strike:
            stats.breaches += 1
            most = self._meter.most
            self.error(-1, errors.MAX_RATE, f"Max rate of messages per second has been exceeded:max={most} "
                       f"rec={most + 1} ({self._meter.strikes})")  # fmt: skip
            if self._meter.struck_out:
                stats.struck_out += 1
                self.finish()
        return accepted

    def _answer(self, fields: Fields) -> None:
        kind = -1
        try:
            kind = fields.integer()
            self.server.stats.requests[kind] += 1
            if kind == START_API:
                self._start(fields)
            elif self.client_id is None:
                self.error(-1, *errors.NOT_CONNECTED)
            elif not self.server.faults.mute_after_start:
                requests.answer(self, kind, fields)
        except WireError as error:
            self.error(requests.request_id(kind, fields), errors.BAD_REQUEST,
                       f"Error reading request. Unable to parse data. {error}")  # fmt: skip

    def _start(self, fields: Fields) -> None:
        fields.skip(1)
        client_id = fields.integer()
        if not self.server.claim(self, client_id):
            self.error(-1, *errors.ID_IN_USE)
            self.finish()
            return
        self.client_id = client_id
        accounts = () if self.server.faults.no_account else self.server.options.accounts
        self.send(connection.managed_accounts(accounts))
        self.send(connection.next_valid_id(self.server.next_order_id))
        for code, text in errors.FARMS:
            self.error(-1, code, text)

    # market data lines

    def open_line(self, request: int, listing: Listing, generic: frozenset[int], *, snapshot: bool) -> None:
        if not self.server.lines.take():
            self.error(request, *errors.MAX_TICKERS)
            return
        line = self.lines[request] = Line(self, request, listing, generic)
        self.server.count_lines()
        line.start(snapshot=snapshot)

    def end_line(self, request: int) -> bool:
        line = self.lines.pop(request, None)
        if line is None:
            return False
        line.closed = True
        self.server.lines.give_back()
        self.server.count_lines()
        return True

    # everything else that goes on until it is cancelled

    def open_stream(self, kind: str, request: int, stop: Callable[[], None]) -> bool:
        """Remember how to stop a subscription; False when that kind already has that id."""
        if (kind, request) in self._streams:
            return False
        self._streams[kind, request] = stop
        return True

    def end_stream(self, kind: str, request: int) -> bool:
        stop = self._streams.pop((kind, request), None)
        if stop is None:
            return False
        stop()
        return True

    # the end

    def finish(self) -> None:
        """Close after everything queued has left (FIN)."""
        self._flush()
        self.close()

    def reset(self) -> None:
        """Break the connection as a dying gateway does (RST)."""
        raw = self._writer.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.close()

    def close(self) -> None:
        if self.closed:
            return
        self._flush()
        self.closed = True
        for task in self.tasks:
            task.cancel()
        for request in list(self.lines):
            self.end_line(request)
        for kind, request in list(self._streams):
            self.end_stream(kind, request)
        self.server.forget(self)
        self._writer.close()
