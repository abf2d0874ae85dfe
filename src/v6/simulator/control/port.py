"""The control port: JSON lines on loopback, one request object a line, one answer a line."""

import asyncio
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from v6.simulator.listener import Listener

if TYPE_CHECKING:
    from v6.simulator.server import Server

LOOPBACK_HOST = "127.0.0.1"
BACKLOG = 16
LONGEST_LINE = 1 << 16
CLOSE_SECONDS = 2.0


class ControlPort:
    """Never public, whatever the host of the API port. Bad input gets an error, a line without end the door."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._listener = Listener(LOOPBACK_HOST, BACKLOG, self._accepted)
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, port: int) -> int:
        """Gives the port; 0: any free one. Raises ListenError."""
        return self._listener.open(port, "control-port")

    async def close(self) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    def _accepted(self, connection: socket.socket) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            connection.close()  # also of a task that was cancelled before its first step

        task = self._server.loop.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=LONGEST_LINE)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                _say(writer, {"ok": False, "error": f"a line of more than {LONGEST_LINE} bytes; allowed: less"})
                await writer.drain()
                return
            if not line:
                return
            if line.strip():
                _say(writer, self._perform(line))
                await writer.drain()

    def _perform(self, line: bytes) -> dict[str, Any]:
        from v6.simulator.control.commands import perform

        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            return {"ok": False, "error": f'not JSON ({error}); allowed: one object a line: {{"do": COMMAND, ...}}'}
        try:
            return perform(self._server, request)
        except Exception as error:  # the edge: whatever is asked, the simulator goes on
            self._server.unexpected(error)
            return {"ok": False, "error": f"internal error: {error!r}"}


def _say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer, default=str).encode() + b"\n")
