"""A raw TWS that hangs up in the middle of a job's questions."""

import socket
import struct
import time
from collections.abc import Callable
from typing import BinaryIO

from gateway_support import HANDSHAKE, READY, frame

QUESTIONS = {"current time": b"49", "account summary": b"62", "market data": b"1", "contract details": b"9"}

BID_ASK_LAST, FROZEN = (1, 2, 4), 2


def hangs_up_at(question: str) -> Callable[[socket.socket], None]:
    """A TWS that gets ready, answers everything that comes before `question`, one of QUESTIONS, and ends the connection
    when it is asked that."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        asked = connection.makefile("rb")
        for fields in iter(lambda: _fields(asked), [b""]):
            if fields[0] == b"71":
                connection.sendall(READY)
            elif fields[0] == QUESTIONS[question]:
                connection.shutdown(socket.SHUT_RDWR)
            elif fields[0] == QUESTIONS["current time"]:
                connection.sendall(frame(49, 1, int(time.time())))
            elif fields[0] == QUESTIONS["account summary"]:
                number = int(fields[2])
                connection.sendall(frame(63, 1, number, "DU9000001", "NetLiquidation", "1000", "USD"))
                connection.sendall(frame(64, 1, number))
            elif fields[0] == QUESTIONS["market data"]:
                number = int(fields[2])
                prices = b"".join(frame(1, 6, number, tick, 600.0, 1, 0) for tick in BID_ASK_LAST)
                connection.sendall(frame(58, 1, number, FROZEN) + prices)

    return talk


def _fields(asked: BinaryIO) -> list[bytes]:
    """The next message; [b""] at the end."""
    size = asked.read(4)
    return asked.read(struct.unpack(">I", size)[0]).split(b"\0") if len(size) == 4 else [b""]
