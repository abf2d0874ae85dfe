"""Messages leave evenly, whatever asks for them, and never more than 50 in any second."""

import asyncio
import socket
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from gateway_support import HANDSHAKE, READY, frame, raw_tws

from v6.gateway.client import Gateway
from v6.gateway.pacing import Pacer


def most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= other < start + 1.0 for other in times) for start in times)


def test_a_burst_is_spread_evenly() -> None:
    times: list[float] = []

    async def send() -> None:
        pacer = Pacer(48, lambda _: times.append(time.monotonic()))
        for number in range(60):
            pacer.push(b"%d" % number)
        while len(times) < 60:
            await asyncio.sleep(0.01)

    asyncio.run(send())
    assert most_in_a_second(times) <= 49
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.45 / 48
    assert times[-1] - times[0] < 59 / 48 + 0.5, "no gaps either"


def test_a_turn_decides_at_its_time_and_costs_nothing_when_it_sends_nothing() -> None:
    sent: list[bytes] = []

    async def ask() -> tuple[list[object], float]:
        pacer = Pacer(5, sent.append)
        started = time.monotonic()
        answers = [await pacer.turn(lambda: "nothing") for _ in range(20)]
        answers.append(await pacer.turn(lambda: pacer.push(b"first")))
        return answers, time.monotonic() - started

    answers, seconds = asyncio.run(ask())
    assert answers == ["nothing"] * 20 + [None]
    assert sent == [b"first"]
    assert seconds < 0.19


def test_what_has_not_left_when_the_connection_ends_never_leaves() -> None:
    sent: list[bytes] = []

    async def end_early() -> None:
        pacer = Pacer(5, sent.append)
        pacer.push(b"first")
        waiting = asyncio.ensure_future(pacer.turn(lambda: pacer.push(b"second")))
        await asyncio.sleep(0.02)
        pacer.end(ConnectionError("gone"))
        with pytest.raises(ConnectionError, match="gone"):
            await waiting
        pacer.push(b"third")
        await asyncio.sleep(0.3)

    asyncio.run(end_early())
    assert sent == [b"first"]


@pytest.mark.integration
@pytest.mark.both_libraries
def test_everything_of_a_connection_is_paced_from_its_first_message(gateway: Callable[..., Gateway]) -> None:
    """Measured where TWS would: at the receiving end of the socket."""
    times: list[float] = []

    def count(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
            while len(data) >= 4 and len(data) >= (size := 4 + int.from_bytes(data[:4], "big")):
                fields = data[4:size].split(b"\0")
                data = data[size:]
                times.append(time.monotonic())
                if fields[0] == b"71":
                    connection.sendall(READY)
                elif fields[0] == b"49":
                    connection.sendall(frame(49, 1, 1795789800))

    with raw_tws(count) as tws, gateway(tws.port) as gw:
        for _ in range(75):
            gw.current_time()
            gw.set_market_data_type(1)
    assert len(times) == 151
    assert most_in_a_second(times) <= 50
    assert times[-1] - times[0] < 1.6 * 150 / 48
