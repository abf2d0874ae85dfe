"""The way back to TWS: it is not touched before it listens, attempts have causes, and their number is bounded."""

import asyncio
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # restart_support, whatever the import mode

from restart_support import SOON, door, way_back

from v6.gateway.client import Gateway
from v6.gateway.connection import Silent
from v6.gateway.sockets import CannotLook, Listener
from v6.restart.recovery.reconnect import MOST_ATTEMPTS, NotReached, Reconnect, pauses
from v6.simulator.testing import simulated_tws


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


async def reached(way: Reconnect) -> Gateway:
    """Connect and leave again."""
    gateway = await way.connect()
    await gateway.close_async()
    return gateway


def refused(way: Reconnect) -> NotReached:
    with pytest.raises(NotReached) as told:
        asyncio.run(reached(way))
    return told.value


def later(seconds: float, act: Callable[[], object]) -> threading.Thread:
    """Something that happens to TWS while V6 waits."""

    def wait_and_act() -> None:
        time.sleep(seconds)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_pauses_double_up_to_their_cap() -> None:
    assert list(islice(pauses(2.0, 30.0, lambda _low, high: high), 6)) == [2, 4, 8, 16, 30, 30]


def test_a_pause_is_drawn_from_its_upper_half_so_that_two_hosts_do_not_knock_together() -> None:
    drawn = [next(pauses(8.0, 30.0)) for _ in range(50)]

    assert all(4.0 <= pause <= 8.0 for pause in drawn)
    assert len(set(drawn)) > 10


@pytest.mark.integration
@pytest.mark.both_libraries
class TestAgainstTws:
    def test_a_tws_that_is_there_is_reached_at_the_first_attempt_with_the_restart_client_id(self, leases: Path) -> None:
        with simulated_tws() as tws:
            way = way_back(tws.port, leases)

            async def client() -> int:
                gateway = await way.connect()
                try:
                    return gateway.client_id
                finally:
                    await gateway.close_async()

            assert asyncio.run(client()) == 9
        assert way.seen.attempts == 1

    def test_nothing_is_connected_while_nobody_listens_l27(self, leases: Path) -> None:
        """L27: probes of the port made zombies; the kernel's table is read instead."""
        with simulated_tws() as tws:
            tws.control({"do": "restart", "refused_seconds": 1.5, "mute_seconds": 0, "farm_seconds": 0})
            before = tws.stats.connections
            asyncio.run(reached(way := way_back(tws.port, leases)))
            assert tws.stats.connections == before + 1
        assert way.seen.saw_closed
        assert "nobody listens" in way.seen.causes[0]

    def test_a_port_that_stays_closed_ends_the_wait_without_a_single_connect_l29(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(refuse=True)
            before = tws.stats.connections
            told = refused(way_back(tws.port, leases, replace(SOON, port=0.6)))
            tws.set(refuse=False)
            assert tws.stats.connections == before
        assert told.port_closed
        assert not told.fatal
        assert told.seen.attempts == 0

    def test_an_open_port_with_a_mute_api_is_waited_for(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(mute_before_handshake=True)
            waking = later(3.0, lambda: tws.set(mute_before_handshake=False))
            asyncio.run(reached(way := way_back(tws.port, leases)))
            waking.join()
        assert way.seen.attempts >= 2
        assert "mute_before_handshake" in way.seen.causes[0]

    def test_a_tws_that_connects_and_answers_nothing_is_not_reached_l24(self, leases: Path) -> None:
        """L24: "connected" while half dead."""
        with simulated_tws() as tws:
            tws.set(mute_after_start=True)
            told = refused(way_back(tws.port, leases, replace(SOON, total=3.0)))
            assert "current time" in told.cause
            tws.set(mute_after_start=False)

    def test_our_client_id_still_occupied_is_waited_for(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(client_ids_in_use=frozenset({9}))
            freeing = later(3.0, lambda: tws.set(client_ids_in_use=frozenset()))
            patience = replace(SOON, first=0.5, cap=1.0)
            gateway = asyncio.run(reached(way := way_back(tws.port, leases, patience)))
            freeing.join()
        assert gateway.fixed_client_id == 9
        assert "client_id_in_use" in way.seen.causes[0]

    def test_the_attempts_at_a_tws_that_stays_mute_are_bounded_l29(self, leases: Path) -> None:
        """L29: 7,200 connects a day were throttled by TWS."""
        with simulated_tws() as tws:
            tws.set(close_at_once=True)
            patience = replace(SOON, first=0.01, cap=0.02, total=30.0)
            before = tws.stats.connections
            told = refused(way_back(tws.port, leases, patience))
            assert tws.stats.connections - before == MOST_ATTEMPTS
            tws.set(close_at_once=False)
        assert "closed_at_once" in told.cause

    def test_the_deadline_ends_the_attempts(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(mute_before_handshake=True)
            started = time.monotonic()
            refused(way_back(tws.port, leases, replace(SOON, total=3.0)))
            assert time.monotonic() - started < 6.0
            tws.set(mute_before_handshake=False)

    def test_who_cannot_look_asks_tws_itself_l30(self, leases: Path) -> None:
        """L30: a check that could not run was read as "port closed"."""

        def blind() -> Listener | None:
            raise CannotLook("tws.example is not this host")

        with simulated_tws() as tws:
            way = Reconnect(blind, lambda: door(tws.port, leases), SOON, Silent())
            asyncio.run(reached(way))
        assert not way.seen.could_look
        assert way.seen.causes == ["could not look who listens: tws.example is not this host"]

    def test_a_tws_elsewhere_that_refuses_is_tried_until_the_deadline(self, leases: Path, free_port: int) -> None:
        def blind() -> Listener | None:
            raise CannotLook("not this host")

        way = Reconnect(blind, lambda: door(free_port, leases), replace(SOON, total=1.0), Silent())
        told = refused(way)
        assert told.port_closed
        assert 2 <= told.seen.attempts <= MOST_ATTEMPTS

    def test_a_tws_elsewhere_that_waits_for_a_person_is_tried_once_a_run_l29(
        self, leases: Path, free_port: int
    ) -> None:
        def blind() -> Listener | None:
            raise CannotLook("not this host")

        way = Reconnect(blind, lambda: door(free_port, leases), SOON, Silent())
        way.only_once()
        assert refused(way).seen.attempts == 1

    def test_a_hung_tws_is_handed_over_once_and_then_reached(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(mute_before_handshake=True)
            handed: list[str] = []

            async def end_it(why: str) -> str | None:
                handed.append(why)
                tws.set(mute_before_handshake=False)
                return "ended and started again"

            asyncio.run(reached(way := way_back(tws.port, leases, replace(SOON, hung=1.0), mend_hung=end_it)))
        assert len(handed) == 1
        assert "mute" in handed[0]
        assert any("ended and started again" in cause for cause in way.seen.causes)

    def test_whoever_asks_meanwhile_hears_how_long_tws_is_mute_and_when_it_is_given_up(self, leases: Path) -> None:
        """Minutes of RECONNECTING without a word looked as if all were well."""
        with simulated_tws() as tws:
            tws.set(mute_before_handshake=True)
            told: list[str] = []
            refused(way_back(tws.port, leases, replace(SOON, total=5.0), tell=told.append))
            tws.set(mute_before_handshake=False)
        assert len(told) >= 2
        assert "mute_before_handshake" in told[0]
        assert "(1 attempt, mute for 2 s)" in told[0]
        assert re.search(r"; gives up at \d\d:\d\d:\d\d E[SD]T at the latest$", told[0])

    def test_whoever_asks_meanwhile_hears_which_port_is_closed_but_not_all_the_time(
        self, leases: Path, free_port: int
    ) -> None:
        told: list[str] = []
        place = f"127.0.0.1:{free_port}"
        patience = replace(SOON, port=1.5)
        end = refused(way_back(free_port, leases, patience, place=place, tell=told.append))
        assert len(told) == 1
        assert told[0].startswith(f"nobody listens on the API port {place}; gives up at ")
        assert end.cause == f"nobody listens on the API port {place}, waited 2 s"

    def test_a_tws_that_is_not_there_can_be_started(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(refuse=True)

            async def start_it(_why: str) -> str | None:
                tws.set(refuse=False)
                return "started"

            patience = replace(SOON, port=0.5)
            asyncio.run(reached(way := way_back(tws.port, leases, patience, mend_absent=start_it)))
        assert "started" in way.seen.causes[-1]

    def test_a_failed_attempt_leaves_no_client_id_leased(self, leases: Path) -> None:
        with simulated_tws() as tws:
            tws.set(mute_after_start=True)
            refused(way_back(tws.port, leases, replace(SOON, total=2.5)))
            tws.set(mute_after_start=False)
            asyncio.run(reached(way_back(tws.port, leases)))


@pytest.fixture
def free_port() -> int:
    from gateway_support import free_port as one

    return one()
