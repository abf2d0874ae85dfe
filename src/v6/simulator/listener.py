"""The listening socket, in our own hands: it can be closed, opened again, and left without anybody who accepts."""

import asyncio
import errno
import socket
from collections.abc import Callable

ACCEPTED_AT_ONCE = 64
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ListenError(OSError):
    """`OPTION VALUE: why`; the option is host, port or control-port, whichever has to be another."""

    def __init__(self, option: str, host: str, port: int, cause: OSError) -> None:
        self.in_use = cause.errno == errno.EADDRINUSE
        why = cause.strerror or str(cause)
        if self.in_use:
            why = f"already in use on {host}; another simulator or TWS listens there"
        unknown = isinstance(cause, socket.gaierror) or cause.errno == errno.EADDRNOTAVAIL
        super().__init__(f"host {host}: {why}" if unknown else f"{option} {port}: {why}")
        self.errno = cause.errno


class Listener:
    """`accepted` gets each connected socket. `backlog`: connections the kernel queues while nobody accepts."""

    def __init__(self, host: str, backlog: int, accepted: Callable[[socket.socket], None]) -> None:
        self._host, self._backlog, self._accepted = host, backlog, accepted
        self._socket: socket.socket | None = None
        self._accepting = False

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self, port: int, option: str = "port") -> int:
        """Listen; gives the port. Raises ListenError, which names the option."""
        try:
            family = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)[0][0]
            opened = socket.create_server((self._host, port), family=family, backlog=self._backlog)
        except OSError as error:
            raise ListenError(option, self._host, port, error) from error
        opened.setblocking(False)
        self._socket = opened
        self.resume()
        return int(opened.getsockname()[1])

    def close(self) -> None:
        """The kernel resets what waits in the queue and refuses what comes."""
        if self._socket is None:
            return
        self.pause()
        self._socket.close()
        self._socket = None

    def pause(self) -> None:
        """Nobody accepts any more: Recv-Q grows, and SYNs stay unanswered when it is full."""
        if self._socket is not None and self._accepting:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._accepting = False

    def resume(self) -> None:
        if self._socket is not None and not self._accepting:
            asyncio.get_running_loop().add_reader(self._socket, self._ready)
            self._accepting = True

    def _ready(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self._socket is None or not self._accepting:
                return
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            connection.setblocking(False)
            self._accepted(connection)
