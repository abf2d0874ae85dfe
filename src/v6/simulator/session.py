"""One connected client: its handshake, its requests, its market data lines."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

from v6.simulator import errors, requests
from v6.simulator.arrivals import Arrivals
from v6.simulator.instruments.listings import Listing
from v6.simulator.limits import Verdict
from v6.simulator.lines import Line
from v6.simulator.market.quotes import LIVE
from v6.simulator.messages import connection
from v6.simulator.outbox import Outbox
from v6.simulator.rate import Rate
from v6.simulator.wire import Fields, WireError, read_frame

if TYPE_CHECKING:
    from v6.simulator.server import Server

START_API = 71
LINGER_SECONDS = 5.0
EARLY = "it is not answered; real TWS may close the connection"
ZOMBIE_LOOK_SECONDS = 0.05
RANGE = re.compile(rb"v(\d+)\.\.(\d+)")


class Session:
    """`vanished`: the client went without a proper end, so that its id stays occupied for a while."""

    def __init__(self, server: "Server", reader: Arrivals, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.number = server.stats.connections
        self._reader, self._writer = reader, writer
        self.version = connection.OLDEST
        self.client_id: int | None = None
        self.data_type = LIVE
        self.lines: dict[int, Line] = {}
        self.account_updates = ""
        self.summary_ids: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._streams: dict[tuple[str, int], Callable[[], None]] = {}
        self.shaken = self.closed = self.vanished = False
        self._rate = Rate(self)
        self._outbox = Outbox(server, writer, self.reset)
        self._log = server.events if server.events.on else None

    @property
    def muted(self) -> bool:
        """Whether nothing that changes by itself is sent: TWS is mute, or hears nothing itself."""
        faults = self.server.faults
        return faults.mute_after_handshake or faults.mute_after_start or self.server.connectivity.offline

    # sending

    def send(self, frame: bytes) -> None:
        """Queue one frame; everything queued in one turn of the loop leaves in one write."""
        if self.closed or self._outbox.shut:
            return
        self.server.stats.messages_sent += 1
        if self._log is not None:
            self._log.sent(self, frame)
        self.send_raw(frame)

    def send_raw(self, some: bytes) -> None:
        """Queue bytes that need not be a frame."""
        self._outbox.put(some)

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
        how = "closed"
        try:
            if self.server.faults.mute_before_handshake:
                await self._swallow()
            elif await self._shake_hands():
                await self._answer_requests()
        except asyncio.IncompleteReadError:
            how = "closed by the client"
        except ConnectionError as error:
            how, self.vanished = f"broken by the client: {error}", True
        except WireError as error:
            how, self.vanished = f"not the TWS protocol: {error}", True
        finally:
            if not self.closed:
                self.server.events.note("disconnected", self, how=how)
            if not (self.server.faults.never_closes and how == "closed by the client"):
                self.close()

    async def gone(self) -> None:
        """Return when the socket is closed; one that cannot send what is queued is broken after a while."""
        while not self.closed:
            # the client has left, TWS does not notice: CLOSE_WAIT until somebody closes or resets the connection
            await asyncio.sleep(ZOMBIE_LOOK_SECONDS)
            if self._writer.transport.is_closing():
                self.close()
        with suppress(ConnectionError):
            try:
                await asyncio.wait_for(self._writer.wait_closed(), LINGER_SECONDS)
            except (TimeoutError, asyncio.CancelledError):
                self._writer.transport.abort()

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
        now = self.server.host_now()
        zone = "Daylight" if now.dst() else "Standard"
        self.send(connection.handshake(self.version, f"{now:%Y%m%d %H:%M:%S} Eastern {zone} Time"))
        self.shaken = True
        return True

    async def _answer_requests(self) -> None:
        while not self.closed:
            payload = await read_frame(self._reader)
            self.server.stats.messages_received += 1
            fields = Fields(payload)
            if self._log is not None:
                self._log.received(self, fields.parts)
            while seconds := self._rate.wait():
                await asyncio.sleep(seconds)
            if not self._rate.admits(self._reader.arrived) or self.server.faults.mute_after_handshake:
                continue
            self._answer(fields)
            if self._outbox.waits:
                await asyncio.sleep(0)

    def _answer(self, fields: Fields) -> None:
        kind = -1
        try:
            kind = fields.integer()
            self.server.stats.requests[kind] += 1
            if kind == START_API:
                self._start(fields)
            elif self.client_id is None:
                self.server.events.note("a request before startApi", self, request=kind, differs=EARLY)
            elif self._is_served(kind, fields):
                requests.answer(self, kind, fields)
        except WireError as error:
            self.error(requests.request_id(kind, fields), errors.BAD_REQUEST,
                       f"Error reading request. Unable to parse data. {error}")  # fmt: skip
        except Exception as error:  # the edge: a defect of ours must not end a client's connection
            self._failed(error, requests.request_id(kind, fields))

    def _is_served(self, kind: int, fields: Fields) -> bool:
        if self.server.faults.mute_after_start:
            return False
        return not self.server.connectivity.refuses(self, kind, requests.request_id(kind, fields))

    def _failed(self, error: BaseException, request: int) -> None:
        self.server.unexpected(error, self)
        self.error(request, errors.BAD_REQUEST, "Server error when processing an API client request.")

    def start_task(self, work: Coroutine[None, None, None], request: int) -> None:
        """Do something beside the loop's turn; it ends with the connection, and its defects become error 320."""

        def done(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._failed(error, request)

        task = self.server.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(done)

    def _start(self, fields: Fields) -> None:
        fields.skip(1)
        client_id = fields.integer()
        if not self.server.claim(self, client_id):
            self.error(-1, *errors.ID_IN_USE)
            self.finish(f"client id {client_id} is in use")
            return
        self.client_id = client_id
        accounts = () if self.server.faults.no_account else self.server.options.accounts
        self.send(connection.managed_accounts(accounts))
        self.send(connection.next_valid_id(self.server.trading.next_id()))
        self.server.connectivity.greet(self)

    # market data lines

    def open_line(self, request: int, listing: Listing, generic: frozenset[int], *, snapshot: bool) -> None:
        if snapshot and self.server.snapshots.count(self._reader.arrived) in (Verdict.STRIKE, Verdict.REJECTED):
            code, text = errors.TOO_MANY_SNAPSHOTS
            self.error(request, code, text.format(most=self.server.snapshots.most))
            return
        if not self.server.lines.take():
            self.error(request, *errors.MAX_TICKERS)
            return
        line = self.lines[request] = Line(self, request, listing, generic)
        self.server.count_lines()
        line.start(snapshot=snapshot)
        self.server.connectivity.opened(self, request, listing, snapshot=snapshot)

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

    def has_stream(self, kind: str, request: int) -> bool:
        return (kind, request) in self._streams

    def streams(self, kind: str) -> list[int]:
        """The ids of the subscriptions of that kind."""
        return [request for each, request in self._streams if each == kind]

    # the end

    def finish(self, why: str = "") -> None:
        """Close after everything queued has left (FIN)."""
        if not self.closed:
            self.server.events.note("closed by TWS", self, why=why)
        self.close()

    def half_close(self) -> None:
        """End what TWS says (FIN), and go on reading."""
        if self.closed or self._outbox.shut or self._writer.transport.is_closing():
            return
        self._outbox.end()
        self.server.events.note("half closed by TWS", self)

    def reset(self) -> None:
        """Break the connection as a dying gateway does (RST)."""
        if not self.closed:
            self.server.events.note("reset by TWS", self)
        raw = self._writer.transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:  # its client may have broken it this very moment
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.close()

    def close(self) -> None:
        if self.closed:
            return
        self._outbox.close()
        self.closed = True
        for task in self.tasks:
            task.cancel()
        for request in list(self.lines):
            self.end_line(request)
        for kind, request in list(self._streams):
            self.end_stream(kind, request)
        self.server.forget(self)
        self._writer.close()
        self._reader.feed_eof()  # whoever waits for the next request need not wait until all is sent
