"""The TWS of a rehearsal takes commands, and its scenario begins with the first window."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.model import FatalError
from v6.rehearsal.rehearse import compile_schedule
from v6.rehearsal.simulated_tws import SimulatedTws, simulated_tws
from v6.rehearsal.stage import Stage

pytestmark = pytest.mark.integration

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=NEW_YORK)
EVENING = datetime(2026, 11, 22, 9, 50, tzinfo=NEW_YORK)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    built = Stage(tmp_path / "stage")
    built.build({}, {})
    built.set_clock(MORNING.timestamp())
    compile_schedule(built, built.environ())
    return built


@pytest.fixture
def tws(stage: Stage) -> Iterator[SimulatedTws]:
    with simulated_tws(stage, stage.environ(), ["--fast"]) as running:
        yield running


def orders(tws: SimulatedTws) -> list[int]:
    return [order["order"] for order in tws.control({"do": "orders"})["orders"]]


def test_its_control_port_is_in_a_file_of_the_stage(stage: Stage, tws: SimulatedTws) -> None:
    assert (stage.home / "simulator.control").read_text(encoding="ascii").strip() == str(tws.control_port)
    assert tws.control({"do": "stats"})["stats"]["restarts"] == 0


def test_a_command_it_refuses_is_an_error_with_what_is_allowed(tws: SimulatedTws) -> None:
    with pytest.raises(FatalError, match="do: 'dance'; allowed: about"):
        tws.control({"do": "dance"})


def test_of_a_scenario_only_what_begins_in_the_window_is_played(stage: Stage, tws: SimulatedTws) -> None:
    """Two evenings lie between the prologue and this Sunday: their orders are not placed."""
    stage.step_to(EVENING)
    tws.play("restart_mid_order", EVENING)

    assert orders(tws) == []
    stage.step_to(EVENING + timedelta(minutes=5))
    while not tws.control({"do": "orders"})["orders"]:
        pass
    assert orders(tws) == [41, 42, 43, 0]


def test_what_lasts_since_before_the_window_is_in_force(stage: Stage, tws: SimulatedTws) -> None:
    stage.step_to(EVENING)
    tws.play("login_answered", EVENING)

    assert tws.control({"do": "faults"})["faults"] == {"awaiting_login": True}


def listens(tws: SimulatedTws) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", tws.port)) == 0


def test_a_login_that_was_needed_before_the_window_still_is(stage: Stage, tws: SimulatedTws) -> None:
    assert listens(tws)
    stage.step_to(EVENING)

    tws.play("weekly_login", EVENING)

    assert tws.control({"do": "faults"})["faults"] == {"awaiting_login": True}
    assert not listens(tws)
    tws.control({"do": "login"})
    while not listens(tws):
        pass


def test_a_reset_that_began_before_the_window_goes_on_until_its_end(stage: Stage, tws: SimulatedTws) -> None:
    night = datetime(2026, 11, 20, 23, 35, tzinfo=NEW_YORK)
    stage.step_to(night)

    tws.play("weekend_reset", night)

    assert tws.control({"do": "faults"})["connected_to_ibkr"] is False
    stage.step_to(night + timedelta(hours=3, minutes=25))
    while not tws.control({"do": "faults"})["connected_to_ibkr"]:
        pass


def answered(tws: SimulatedTws) -> None:
    """A client is accepted and heard."""
    with socket.create_connection(("127.0.0.1", tws.port), timeout=10) as client:
        client.sendall(b"API\0\0\0\0\tv157..178")
        assert client.recv(1)


def test_killed_and_started_again_it_has_its_ports_and_counts_on(tws: SimulatedTws) -> None:
    ports = tws.port, tws.control_port
    answered(tws)
    assert tws.connections() == 1

    tws.kill()
    assert not tws.alive
    assert not listens(tws)
    tws.start_again()
    answered(tws)

    assert (tws.port, tws.control_port) == ports
    assert tws.connections() == 2


def test_frozen_it_is_mute_until_it_is_thawed(tws: SimulatedTws) -> None:
    tws.freeze()
    with socket.create_connection(("127.0.0.1", tws.port), timeout=10) as client:
        client.sendall(b"API\0\0\0\0\tv157..178")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        tws.thaw()
        client.settimeout(10)

        assert client.recv(1)
