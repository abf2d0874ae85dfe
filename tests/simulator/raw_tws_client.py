"""A client of the wire protocol that knows nothing of the simulator: sockets, frames and fields."""

import socket
import struct
import time
from datetime import datetime

from v6.clock import NEW_YORK

TUESDAY = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
CALENDAR = """\
# v6 calendar 1 pandas_market_calendars test covers 2026-01-01 2027-12-31 overrides none
2026-12-25 closed Christmas
2026-11-27 open 0930 1300 Day after Thanksgiving
2026-11-26 closed Thanksgiving
2026-04-03 closed Good Friday
"""
SPY = (756733, "SPY", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")


PATIENCE = 20.0
"""Seconds; on a busy machine an answer takes longer than one would think."""


def framed(*fields: object) -> bytes:
    payload = ("\0".join(map(str, fields)) + "\0").encode()
    return struct.pack(">I", len(payload)) + payload


class RawClient:
    def __init__(self, port: int, offer: str = "v157..178", client_id: int = 5, *, start: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._bytes = b""
        self.seen: list[list[str]] = []
        try:
            self._begin(offer, client_id, start)
        except BaseException:
            self.socket.close()
            raise

    def _begin(self, offer: str, client_id: int, start: bool) -> None:
        text = offer.encode()
        self.socket.sendall(b"API\0" + struct.pack(">I", len(text)) + text)
        self.version = 0
        if start:
            self.version = int(self.next()[0])
            self.send(71, 2, client_id, "")
            self.until(15)
            self.until(9)

    def send(self, *fields: object) -> None:
        self.socket.sendall(framed(*fields))

    def next(self, seconds: float = PATIENCE) -> list[str]:
        """The fields of the next frame. Raises ConnectionError at the end, TimeoutError."""
        end = time.monotonic() + seconds
        while True:
            if len(self._bytes) >= 4:
                length = struct.unpack(">I", self._bytes[:4])[0]
                if len(self._bytes) >= 4 + length:
                    payload, self._bytes = self._bytes[4 : 4 + length], self._bytes[4 + length :]
                    fields = payload.decode().split("\0")
                    assert fields.pop() == "", "a field without its NUL"
                    self.seen.append(fields)
                    return fields
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("closed")
            self._bytes += more

    def until(self, kind: int, seconds: float = PATIENCE) -> list[str]:
        end = time.monotonic() + seconds
        while True:
            fields = self.next(max(end - time.monotonic(), 0.001))
            if fields[0] == str(kind):
                return fields

    def error(self) -> tuple[int, int, str]:
        """Request id, code and text of the next error that is not a farm message."""
        while True:
            fields = self.until(4)
            if not 2100 <= int(fields[3]) < 2200:
                return int(fields[2]), int(fields[3]), fields[4]

    def silent(self, seconds: float = 0.3) -> bool:
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False

    def falls_silent(self, within: float = 3.0) -> bool:
        """Whether half a second passes without a frame, soon."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if self.silent(0.5):
                return True
        return False

    def end(self, within: float = 3.0) -> str:
        """How the connection ends: `reset`, `closed`, or `open` when it does not."""
        try:
            while True:
                self.next(within)
        except ConnectionResetError:
            return "reset"
        except ConnectionError:
            return "closed"
        except TimeoutError:
            return "open"

    def gone(self, seconds: float = 3.0) -> bool:
        return self.end(seconds) != "open"

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def eventually(condition, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
