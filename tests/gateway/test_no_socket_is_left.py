"""However a connection ends, no socket of it is left, also under a TWS that never closes its end (L27, L28)."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from gateway_support import child, never_closing, raw_tws, sockets, wait_until

from v6.gateway import client_ids
from v6.gateway.client import Gateway
from v6.gateway.wire import RESET_ON_CLOSE

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


def test_the_end_of_the_block_says_goodbye_and_leaves_nothing(gateway: Callable[..., Gateway]) -> None:
    with raw_tws(never_closing) as tws:
        with gateway(tws.port) as gw:
            gw.current_time()
            assert sockets(tws.port) == ["ESTABLISHED", "ESTABLISHED"]
        assert sockets(tws.port) == []


def test_a_tws_that_closes_after_us_gets_no_reset(gateway: Callable[..., Gateway]) -> None:
    ends: list[str] = []

    def talk(connection: socket.socket) -> None:
        try:
            never_closing(connection)
            ends.append("FIN")
        except ConnectionResetError:
            ends.append("RST")
        connection.close()

    with raw_tws(talk) as tws:
        with gateway(tws.port) as gw:
            gw.current_time()
        assert sockets(tws.port) == []
    assert ends == ["FIN"]


def test_an_exception_in_the_block_leaves_nothing(gateway: Callable[..., Gateway]) -> None:
    with raw_tws(never_closing) as tws:
        with pytest.raises(ZeroDivisionError), gateway(tws.port):
            raise ZeroDivisionError
        assert sockets(tws.port) == []


def test_a_connection_that_cannot_be_used_leaves_nothing(gateway: Callable[..., Gateway], leases: Path) -> None:
    """TWS is ready, but the budget of lines cannot be opened."""
    (leases / "lines-options").mkdir(parents=True)

    async def open_alone() -> None:
        with pytest.raises(IsADirectoryError):
            await gateway(tws.port).open_async()
        assert sockets(tws.port) == []
        assert client_ids.holders(leases) == []

    async def open_in_a_block() -> None:
        with pytest.raises(IsADirectoryError):
            async with gateway(tws.port, client_id=8):
                pass
        assert sockets(tws.port) == []

    with raw_tws(never_closing) as tws:
        asyncio.run(open_alone())
        asyncio.run(open_in_a_block())
        assert client_ids.holders(leases) == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_terminated_or_killed_process_leaves_nothing(sign: signal.Signals, leases: Path) -> None:
    with raw_tws(never_closing) as tws, child(tws.port, leases) as process:
        assert sockets(tws.port) == ["ESTABLISHED", "ESTABLISHED"]
        assert [holder.task for holder in client_ids.holders(leases)] == ["a child"]
        process.send_signal(sign)
        assert process.wait(5) == (143 if sign is signal.SIGTERM else -9)
        assert wait_until(lambda: sockets(tws.port) == [])
        assert client_ids.holders(leases) == []


@pytest.mark.one_python
def test_connections_in_turn_leave_no_descriptor(gateway: Callable[..., Gateway]) -> None:
    with raw_tws(never_closing) as tws:
        with gateway(tws.port, last_client_id=10):
            pass
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(6):
            with gateway(tws.port, last_client_id=10) as gw:
                gw.current_time()
        kept_by_the_server = 6
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + kept_by_the_server
        assert sockets(tws.port) == []


def test_a_goodbye_to_a_tws_that_has_just_reset_us_leaves_nothing(
    gateway: Callable[..., Gateway], leases: Path
) -> None:
    """Our event loop only runs while something is asked, so it learns of the reset by saying goodbye."""

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):
            never_closing(connection)

    with raw_tws(talk) as tws:
        with gateway(tws.port) as gw:
            gw.current_time()
            [accepted] = tws.accepted
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            accepted.shutdown(socket.SHUT_RD)
            accepted.close()
            assert wait_until(lambda: sockets(tws.port) == [])
        assert client_ids.holders(leases) == []
