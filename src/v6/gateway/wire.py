"""The socket under the library's client, ours so that no end of it can leave a zombie in TWS.

A TWS that never closes keeps one CLOSE_WAIT for every connection that ended with FIN. So the socket is created with
SO_LINGER 0: however it ends, by a failure, an exception or kill -9, the kernel sends RST. Only `close` says goodbye
with FIN first, and falls back on RST when TWS does not answer it.
"""

import asyncio
import socket
import struct
import threading
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import IPv4Address, ip_address
from typing import Any

from v6 import clock
from v6.gateway.pacing import Pacer

LARGEST_HANDSHAKE = 4096  # bytes; the first frame is `<version>\0<connection time>\0`
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class NotTwsError(Exception):
    """The first bytes are not a handshake."""


def handshake_version(head: bytes) -> int | None:
    """The server version in the first frame, None while it is incomplete."""
    if len(head) < 4:
        return None
    size = int.from_bytes(head[:4], "big")
    if size > LARGEST_HANDSHAKE:
        raise NotTwsError(f"the first bytes are {head[:32]!r}")
    if len(head) < 4 + size:
        return None
    fields = head[4 : 4 + size].split(b"\0")
    if len(fields) != 3 or not fields[0].isdigit():
        raise NotTwsError(f"the first frame is {head[4 : 4 + size][:32]!r}")
    return int(fields[0])


class Wire(asyncio.Protocol):
    """Stands where the library has its `Connection`: same methods, and what a diagnosis needs to know.

    `lost` becomes done, with words, when the connection has ended; `strange` when the peer is no TWS we can talk to, or
    (`not_tws`) none at all.
    """

    def __init__(self, client: Any, messages_per_second: float) -> None:
        loop = asyncio.get_running_loop()
        self.client = client
        self.pacer = Pacer(messages_per_second, self._write)
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[str] = loop.create_future()
        self.strange: asyncio.Future[str] = loop.create_future()
        self.not_tws = False
        self.version: int | None = None
        self.received = 0
        self.connected = False
        self.local: tuple[str, int] | None = None  # our end: address and port
        self.steps: dict[str, float] = {}  # when (monotonic) TCP was connected, and the handshake read
        self._head = b""
        self._ended_by_peer = False
        self.numBytesSent = 0
        self.numMsgSent = 0

    async def connectAsync(self, host: str, port: int) -> None:  # noqa: N802 - the library calls it so
        loop = asyncio.get_running_loop()
        family, address = await _resolve(host, port)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            await loop.sock_connect(sock, address)
            self.connected = True
            self.local = sock.getsockname()[:2]
            self.steps["connected"] = clock.monotonic()
            await loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise

    @property
    def lost_words(self) -> str:
        """How the connection ended; empty while it lasts."""
        return self.lost.result() if self.lost.done() else ""

    def isConnected(self) -> bool:  # noqa: N802
        return self.transport is not None

    def sendMsg(self, message: bytes) -> None:  # noqa: N802
        if message.startswith(b"API\0"):
            self._write(message)
        else:
            self.pacer.push(message)

    def disconnect(self) -> None:
        """End with RST, now."""
        self.pacer.end(ConnectionError("the connection was ended"))
        if self.transport is not None:
            self.transport.abort()

    async def close(self, grace: float) -> None:
        """FIN, then up to `grace` seconds for TWS to close as well, then RST."""
        self.pacer.end(ConnectionError("the connection was closed"))
        if self.transport is not None and not self.transport.is_closing():
            with suppress(OSError):  # TWS has reset it, and our loop has not looked since
                self.transport.write_eof()
                await asyncio.wait({self.lost}, timeout=grace)
        self.disconnect()
        await self.gone()

    async def gone(self) -> None:
        """Returns when the socket is closed, which asyncio does a moment after it was asked to."""
        if self.transport is not None:
            await self.lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.version is None and not self._read_head(data):
            return
        self.client._onSocketHasData(data)

    def eof_received(self) -> None:
        self._ended_by_peer = True

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        words = str(error) if error else "TWS closed the connection" if self._ended_by_peer else "we closed it"
        self.pacer.end(ConnectionError(words))
        if not self.lost.done():
            self.lost.set_result(words)
        self.client._onSocketDisconnected("")

    def _read_head(self, data: bytes) -> bool:
        """True when `data` may go to the library's decoder. It takes any first frame of two fields for a handshake."""
        self._head += data
        if self.strange.done():
            return False
        try:
            version = handshake_version(self._head)
        except NotTwsError as error:
            self.not_tws = True
            self.strange.set_result(str(error))
            return False
        if version is None:
            return True
        if version < self.client.MinClientVersion:
            least = self.client.MinClientVersion
            self.strange.set_result(f"TWS offers version {version}, the library needs {least} or later")
            return False
        self.version = version
        self.steps["handshake"] = clock.monotonic()
        return True

    def _write(self, message: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(message)
            self.numBytesSent += len(message)
            self.numMsgSent += 1


async def _resolve(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    """The first IPv4 address of `host`: TWS's trusted addresses and most of its installations are IPv4."""
    with suppress(ValueError):
        address = ip_address(host)
        if isinstance(address, IPv4Address):
            return socket.AF_INET, (str(address), port)
    infos = await asyncio.wrap_future(_looked_up(host, port))
    infos.sort(key=lambda info: info[0] != socket.AF_INET)
    return infos[0][0], infos[0][4]


def _looked_up(host: str, port: int) -> "Future[list[Any]]":
    """In a thread that nobody waits for: the event loop's own would keep the process from ending while a name server
    is silent."""
    answer: Future[list[Any]] = Future()
    answer.set_running_or_notify_cancel()  # who asks may go away, the answer then comes for nobody

    def look_up() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:  # raised where it is awaited
            answer.set_exception(error)

    threading.Thread(target=look_up, name=f"address of {host}", daemon=True).start()
    return answer
