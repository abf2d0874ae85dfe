"""The control port: JSON lines on loopback, one request object a line, one answer a line."""

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from v6.simulator.server import Server

LOOPBACK_HOST = "127.0.0.1"
LONGEST_LINE = 1 << 16
CLOSE_SECONDS = 2.0


class ControlPort:
    """Never public, whatever the host of the API port. Bad input gets an error, a line without end the door."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._listening: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Gives the port; 0: any free one. Raises OSError."""
        self._listening = await asyncio.start_server(self._serve, LOOPBACK_HOST, port, limit=LONGEST_LINE)
        return int(self._listening.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._listening is None:
            return
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
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
