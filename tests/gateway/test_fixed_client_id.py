"""Orders belong to a client id, so what owns orders connects with that one, and waits while TWS still has it in use."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gateway_support import HANDSHAKE, TUESDAY, frame, free_port, ibkr, never_closing, raw_tws, sockets, wait_until

from v6.gateway import client_ids
from v6.gateway.client import Gateway, connect
from v6.gateway.errors import ConnectCause, ConnectFailed, Disconnected, NoClientId
from v6.gateway.lines import LineBudget
from v6.model import Contract
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture
def stranger(tmp_path: Path) -> Callable[[int], Gateway]:
    """Another program, which knows nothing of our leases, with client id 7."""

    def make(port: int) -> Gateway:
        return connect(ibkr(port), purpose="checks", leases=tmp_path / "elsewhere", task="a stranger", client_id=7)

    return make


def test_it_connects_with_that_id_and_leaves_the_pool_alone(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    with gateway(tws.port, client_id=7) as gw:
        assert gw.client_id == 7
        assert [holder.client_id for holder in client_ids.holders(leases)] == [7]
        with gateway(tws.port, first_client_id=10, last_client_id=10) as pooled:
            assert pooled.client_id == 10
    assert client_ids.holders(leases) == []
    with gateway(tws.port, client_id=7) as again:
        assert again.client_id == 7


def test_an_id_still_in_use_is_waited_for_and_not_quarantined(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], stranger: Callable[[int], Gateway], leases: Path
) -> None:
    with stranger(tws.port):
        leaving = threading.Timer(0.7, tws.drop_all)
        leaving.start()
        with gateway(tws.port, client_id=7) as gw:
            assert gw.client_id == 7
            assert "quarantine" not in (leases / "client-7").read_text()
        leaving.join()
    assert tws.stats.errors[326] in (1, 2)


def test_after_our_own_crash_the_same_id_comes_back(gateway: Callable[..., Gateway]) -> None:
    """TWS takes a while to notice that its last owner has gone."""
    with simulated_tws(fast=False, start_at=TUESDAY, occupied_seconds=1.5) as tws:
        with gateway(tws.port, client_id=7) as gw:
            gw.abort()
        started = time.monotonic()
        with gateway(tws.port, client_id=7) as gw:
            assert gw.client_id == 7
        assert 1.4 < time.monotonic() - started < 4
        assert tws.stats.errors[326] in (1, 2), "a second apart, not as fast as possible (L29)"


def test_an_id_that_stays_in_use_is_named_and_nothing_is_left(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], stranger: Callable[[int], Gateway], leases: Path
) -> None:
    with stranger(tws.port):
        before = sockets(tws.port)
        started = time.monotonic()
        with pytest.raises(ConnectFailed) as failed, gateway(tws.port, client_id=7, connect_timeout_seconds=3.5):
            pass
        assert time.monotonic() - started < 5
        assert failed.value.cause is ConnectCause.CLIENT_ID_IN_USE
        assert "client id 7" in str(failed.value)
        assert re.search(r"tried [23] times; no process of V6 has it", str(failed.value))
        assert wait_until(lambda: sockets(tws.port) == before), "every failed attempt ended with a reset (L27)"
    assert client_ids.holders(leases) == []


def test_an_id_that_another_process_of_ours_has_is_refused_with_its_name(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    """Two jobs with the same id (L32); TWS is not even asked."""
    with client_ids.take_one(leases, 7, "post_restart"):
        with pytest.raises(NoClientId, match=r"client id 7 is leased by post_restart \(pid \d+, since"):
            gateway(tws.port, client_id=7).__enter__()
        assert tws.stats.connections == 0
    with gateway(tws.port, client_id=7) as gw:
        assert gw.connected


def test_a_quarantine_of_the_pool_does_not_bind_it(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    client_ids.take(leases, 7, 7).quarantine(60)
    with gateway(tws.port, client_id=7) as gw:
        assert gw.client_id == 7


def test_another_cause_is_not_waited_out(gateway: Callable[..., Gateway], leases: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ConnectFailed) as failed, gateway(free_port(), client_id=7):
        pass
    assert failed.value.cause is ConnectCause.REFUSED
    assert time.monotonic() - started < 1
    assert client_ids.holders(leases) == []


def test_a_tws_that_ends_while_the_id_is_waited_for_is_said_to_be_refused(
    gateway: Callable[..., Gateway], stranger: Callable[[int], Gateway]
) -> None:
    with simulated_tws(start_at=TUESDAY) as tws, stranger(tws.port):
        ending = threading.Timer(0.5, lambda: tws.set(refuse=True))
        ending.start()
        with pytest.raises(ConnectFailed) as failed, gateway(tws.port, client_id=7):
            pass
        ending.join()
    assert failed.value.cause is ConnectCause.REFUSED


# the forced end


def test_a_forced_end_leaves_no_socket_lease_or_line(gateway: Callable[..., Gateway], leases: Path) -> None:
    """Also under a TWS that never closes its end (L27, L28)."""
    with raw_tws(never_closing) as tws:
        with gateway(tws.port, client_id=7) as gw:
            gw.current_time()
            gw.abort()
            assert sockets(tws.port) == []
            assert client_ids.holders(leases) == []
            gw.abort()
            with pytest.raises(Disconnected, match="not open"):
                gw.current_time()
        assert sockets(tws.port) == []


def test_a_forced_end_wakes_whoever_waits_for_an_answer(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], options: list[Contract], leases: Path
) -> None:
    async def abort_in_the_middle() -> list[object]:
        async with gateway(tws.port, client_id=7) as gw:
            tws.set(mute_after_start=True)
            waiting = [
                asyncio.ensure_future(gw.open_orders_async()),
                asyncio.ensure_future(gw.quotes_async(options, need_greeks=True, deadline_seconds=20)),
            ]
            await asyncio.wait(waiting, timeout=0.2)
            await gw.abort_async()
            await gw.abort_async()
            return await asyncio.gather(*waiting, return_exceptions=True)

    started = time.monotonic()
    orders, quotes = asyncio.run(abort_in_the_middle())
    assert time.monotonic() - started < 3
    assert isinstance(orders, Disconnected)
    assert isinstance(quotes, list)
    assert {quote.reason for quote in quotes} == {"disconnected"}
    assert wait_until(lambda: sockets(tws.port) == [])
    assert client_ids.holders(leases) == []
    budget = LineBudget(leases, "options", 80)
    assert len(list(iter(budget.acquire, None))) == 80
    budget.close()


def test_an_opening_that_is_broken_off_leaves_nothing(gateway: Callable[..., Gateway], leases: Path) -> None:
    """At whatever moment: here TWS is ready, and we wait to hear of its farms (L27)."""

    def silent_about_farms(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        connection.recv(65536)
        connection.sendall(frame(15, 1, "DU9000001") + frame(9, 1, 1))
        connection.recv(65536)

    async def break_off(port: int) -> None:
        opening = asyncio.ensure_future(gateway(port, client_id=7).open_async())
        await asyncio.wait({opening}, timeout=0.15)
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
        assert sockets(port) == []

    with raw_tws(silent_about_farms) as tws:
        asyncio.run(break_off(tws.port))
        assert wait_until(lambda: sockets(tws.port) == [])
    assert client_ids.holders(leases) == []
