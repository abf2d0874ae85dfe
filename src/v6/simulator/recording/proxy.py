"""The recording proxy: bytes pass unchanged in both directions, what they say is written down without secrets."""

import asyncio
import os
import re
import socket
import struct
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from v6 import clock
from v6.simulator.recording.file import FROM_TWS, TO_TWS, Writer
from v6.simulator.recording.redact import Redactor

CHUNK = 1 << 16
LARGEST_FRAME = 16 << 20
PROTOBUF = 201
OFFER = re.compile(rb"v(\d+)(?:\.\.(\d+))?")
Say = Callable[[str], None]


class Notebook:
    """Writes for all connections. A disk that fills up ends the recording, never the traffic."""

    def __init__(self, writer: Writer, redactor: Redactor, say: Say) -> None:
        self._writer, self._redactor, self._say = writer, redactor, say
        self._began = clock.monotonic()
        self.failed = False

    def write(self, connection: int, **facts: object) -> None:
        if self.failed:
            return
        try:
            self._writer.write(t=round(clock.monotonic() - self._began, 4), c=connection, **facts)
        except OSError as error:
            self.failed = True
            self._say(f"the recording ends here, the traffic goes on: {error.strerror}")

    def message(self, connection: int, direction: str, fields: list[str], version: int) -> None:
        clean, masked = self._redactor.message(fields, sent=direction == TO_TWS, version=version)
        self.write(connection, d=direction, f=clean, **({"masked": True} if masked else {}))

    def plain(self, texts: list[str]) -> list[str]:
        return [self._redactor.text(text) for text in texts]


class Tap:
    """Reads one direction of a connection beside the way. What it cannot read it notes once, and reads no further."""

    def __init__(self, notebook: Notebook, connection: int, direction: str, other: "Tap | None" = None) -> None:
        self._notebook, self._connection, self._direction, self._client = notebook, connection, direction, other
        self._bytes = bytearray()
        self._begun = False
        self._lost = False
        self.version = 0

    def feed(self, chunk: bytes) -> None:
        if self._lost:
            return
        self._bytes += chunk
        if not self._begun and self._direction == TO_TWS and not self._prefix():
            return
        while not self._lost and (payload := self._frame()) is not None:
            self._read(payload)

    def _prefix(self) -> bool:
        if len(self._bytes) < len(b"API\0"):
            return False
        if not self._bytes.startswith(b"API\0"):
            self._lose("the client does not begin with API")
            return False
        del self._bytes[:4]
        self._begun = True
        return True

    def _frame(self) -> bytes | None:
        if len(self._bytes) < 4:
            return None
        length = int.from_bytes(self._bytes[:4], "big")
        if not 0 < length <= LARGEST_FRAME:
            self._lose(f"a frame of {length} bytes")
            return None
        if len(self._bytes) < 4 + length:
            return None
        payload = bytes(self._bytes[4 : 4 + length])
        del self._bytes[: 4 + length]
        return payload

    def _read(self, payload: bytes) -> None:
        if self._direction == TO_TWS and not self.version:
            self.version = -1  # the offer; the answer decides
            found = OFFER.match(payload)
            self._note(f"client offers {found[0].decode()}" if found else "the client offers no version")
            return
        version = self.version if self._client is None else self._client.version
        if self._direction == FROM_TWS and not self._begun:
            self._handshake(payload)
        elif version >= PROTOBUF:
            self._note(f"a message of {len(payload)} bytes left out: version {version} is protobuf, offer at most 178")
            self._lose("protobuf")
        else:
            self._message(payload, version)

    def _handshake(self, payload: bytes) -> None:
        self._begun = True
        fields = payload.decode(errors="backslashreplace").split("\0")[:-1]
        if not fields or not fields[0].isdecimal():
            self._lose("the first frame is no handshake")
            return
        self.version = int(fields[0][:9])
        if self._client is not None:
            self._client.version = self.version
        clean = [fields[0], *self._notebook.plain(fields[1:])]
        self._notebook.write(self._connection, negotiated=self.version, handshake=clean)

    def _message(self, payload: bytes, version: int) -> None:
        fields = payload.decode(errors="backslashreplace").split("\0")
        if fields[-1]:
            self._note("a message whose last field has no NUL")
        else:
            fields.pop()
        if fields:
            self._notebook.message(self._connection, self._direction, fields, version)

    def _lose(self, why: str) -> None:
        self._lost = True
        self._bytes.clear()
        self._note(f"not decoded from here on: {why}")

    def _note(self, text: str) -> None:
        self._notebook.write(self._connection, d=self._direction, note=text)


class Proxy:
    """Listens for clients and gives each a connection of its own to TWS."""

    def __init__(self, upstream: tuple[str, int], notebook: Notebook, say: Say) -> None:
        self._upstream, self._notebook, self._say = upstream, notebook, say
        self._numbers = count(1)
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port. Raises OSError."""
        self._listener = await asyncio.start_server(self._accept, host, port, limit=CHUNK)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._listener.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, number = asyncio.current_task(), next(self._numbers)
        assert task is not None
        self._open.add(task)
        try:
            await self._connect(number, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._open.discard(task)

    async def _connect(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._upstream
        self._notebook.write(number, opened=True)
        try:
            up_reader, up_writer = await asyncio.open_connection(host, port, limit=CHUNK)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            self._say(f"connection {number}: {host}:{port} cannot be reached: {why}")
            self._notebook.write(number, note=f"upstream cannot be reached: {why}")
            _reset(writer)
            return
        for each in (writer, up_writer):
            _set(each, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = Tap(self._notebook, number, TO_TWS)
        answered = Tap(self._notebook, number, FROM_TWS, asked)
        try:
            await _both(_pump(reader, up_writer, asked), _pump(up_reader, writer, answered))
            ended = "closed"
        except ConnectionError:
            _reset(writer)
            _reset(up_writer)
            ended = "reset"
        finally:
            for each in (writer, up_writer):
                each.close()
        self._notebook.write(number, ended=ended)


async def _both(*pumps: Coroutine[Any, Any, None]) -> None:
    """Until both directions have ended, or one is reset, which ends the other."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: Tap) -> None:
    """Pass everything on, waiting where the receiver is slow; then pass the end on and leave the other way open."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        tap.feed(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    _set(writer, socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _set(writer: asyncio.StreamWriter, level: int, name: int, value: int | bytes) -> None:
    """A socket option, unless the peer has already torn the socket down."""
    raw = writer.transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(level, name, value)
