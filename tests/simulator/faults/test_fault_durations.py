"""Durations run on the simulator's clock: its speed, a step, a clock file; and what is told of faults meanwhile."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.faults.forward import Forward
from v6.simulator.faults.model import Faults, Restart, ServerReset
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

HOUR = Restart(refused_seconds=3600.0, mute_seconds=600.0, farm_seconds=60.0)
NIGHT = TUESDAY.replace(hour=23, minute=40)


def refused(tws):
    try:
        socket.create_connection(("127.0.0.1", tws.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def wrong(tws):
    return tws.server.faults


def codes(client, last):
    seen = [client.error()[1]]
    while seen[-1] != last:
        seen.append(client.error()[1])
    return seen


# the clock


def test_forward_counts_what_passes_and_not_what_is_set_back():
    instants = iter((100.0, 110.0, 50.0, 55.0, 1000.0))
    forward = Forward(lambda: next(instants))
    assert [forward.now() for _ in range(4)] == [10.0, 10.0, 15.0, 960.0]


def test_a_restart_runs_as_fast_as_the_clock(calendar):
    lines = []
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, speed=10_000.0) as tws:
        tws._call(lambda: tws.server.troubles.console.start(lines.append, tws.server.faults))
        tws.set(restart=HOUR)
        assert refused(tws)
        assert eventually(lambda: lines and lines[-1].endswith("restart ends"))
        assert not refused(tws)
    assert [line[9:] for line in lines[1:4]] == [
        "restart: refuse", "restart: mute_before_handshake", "restart: deaf_until_farms",
    ]  # fmt: skip


def test_a_restart_goes_through_its_phases_as_the_clock_is_stepped(tws):
    tws.set(restart=HOUR)
    began = TUESDAY
    for seconds, fault in ((1800, "refuse"), (3900, "mute_before_handshake"), (4230, "deaf_until_farms")):
        tws.step_to(began + timedelta(seconds=seconds))
        assert [
            name for name in ("refuse", "mute_before_handshake", "deaf_until_farms") if getattr(wrong(tws), name)
        ] == [fault]
    tws.step_to(began + timedelta(seconds=4300))
    assert not refused(tws)
    assert not wrong(tws).deaf_until_farms


def test_a_clock_that_is_set_back_leaves_what_is_left_of_a_restart(tws):
    tws.set(restart=Restart(60.0, 0.0, 0.0))
    tws.step_to(TUESDAY - timedelta(hours=5))
    assert refused(tws)
    tws.step_to(TUESDAY - timedelta(hours=5) + timedelta(seconds=61))
    assert not refused(tws)


def test_a_restart_ends_when_a_clock_file_steps_over_it(tmp_path, monkeypatch, calendar):
    path = tmp_path / "offset"
    offset = (TUESDAY - datetime.now(UTC)).total_seconds()
    path.write_text(f"{offset}\n")
    monkeypatch.setenv("V6_CLOCK_FILE", str(path))
    with simulated_tws(fast=True, start_at=None, calendar=calendar) as tws:
        tws.set(restart=Restart(3600.0, 0.0, 0.0))
        assert refused(tws)
        new = tmp_path / "new"
        new.write_text(f"{offset + 3601}\n")
        new.replace(path)
        assert eventually(lambda: not refused(tws))


def test_a_reset_runs_on_the_clock_and_repeats_1100_by_it(tws, raw):
    client = raw()
    tws.set(server_reset=ServerReset(lost_seconds=600.0, repeat_seconds=60.0))
    assert client.error()[1] == 1100
    tws.step_to(TUESDAY + timedelta(seconds=90))
    assert client.error()[1] == 1100
    tws.step_to(TUESDAY + timedelta(seconds=660))
    assert codes(client, 1102) == [1102]


def test_a_flood_ends_by_the_clock(tws):
    tws._call(lambda: tws.server.troubles.flood(1000.0, 600.0))
    assert wrong(tws).error_flood == 1000.0
    tws.step_to(TUESDAY + timedelta(seconds=599))
    assert tws.faults.error_flood == 1000.0
    tws.step_to(TUESDAY + timedelta(seconds=601))
    assert tws.faults.error_flood == 0.0


# stepped over


def test_a_restart_that_is_stepped_over_drops_everybody_and_is_up_again_at_once(calendar):
    with simulated_tws(fast=True, start_at=NIGHT, calendar=calendar, scenario="daily_restart") as tws:
        with RawClient(tws.port) as client:
            tws.step_to(NIGHT + timedelta(minutes=30))
            assert client.end() == "reset"
        assert tws.stats.restarts == 1
        assert not refused(tws)
        with RawClient(tws.port) as client:
            assert client.version == 178


def test_a_reset_that_is_stepped_over_is_told_and_over_and_its_data_are_lost(calendar):
    with simulated_tws(fast=True, start_at=NIGHT, calendar=calendar, scenario="nightly_reset_data_lost") as tws:
        with RawClient(tws.port) as client:
            client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
            assert client.until(81)
            tws.step_to(NIGHT.replace(hour=10) + timedelta(days=1))
            assert codes(client, 1101) == [1100, 1101]
            assert client.falls_silent()
        assert not tws.server.connectivity.offline


def test_of_two_resets_in_one_step_the_first_has_lost_its_data_too(tmp_path, calendar):
    path = tmp_path / "two.yaml"
    lost = '{fault: server_reset, at: "23:45", value: {data_lost: true}}'
    path.write_text(f'events:\n- {lost}\n- {{fault: server_reset, at: "00:15"}}\n')
    with (
        simulated_tws(fast=True, start_at=NIGHT, calendar=calendar, scenario=path) as tws,
        RawClient(tws.port) as client,
    ):
        tws.step_to(NIGHT.replace(hour=10) + timedelta(days=1))
        assert codes(client, 1102) == [1100, 1101, 1100, 1102]


def test_a_login_that_begins_to_be_awaited_ends_the_sessions_of_before(tws, raw):
    client = raw()
    tws.set(awaiting_login=True)
    assert client.end() == "reset"
    assert refused(tws)
    assert tws.stats.drops == 1


def test_whoever_signs_in_ends_also_the_waiting_of_a_scenario(calendar):
    start = TUESDAY.replace(hour=9, minute=0)
    with simulated_tws(
        fast=True, start_at=start - timedelta(minutes=1), calendar=calendar, scenario="login_waits"
    ) as tws:
        tws.step_to(start)
        assert refused(tws)
        assert tws.control({"do": "login"})["ok"]
        assert not refused(tws)
        tws.step_to(start + timedelta(days=1))
        assert refused(tws)


# back to the start


def test_clearing_goes_back_to_the_faults_of_the_start(calendar):
    given = Faults(no_greeks_share=0.02, no_subscription={"IWM": 354})
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, faults=given) as tws:
        tws.set(no_greeks_share=0.5, refuse=True, no_subscription={})
        tws.control({"do": "clear", "faults": ["no_greeks_share"]})
        assert tws.faults.no_greeks_share == 0.02
        tws.control({"do": "clear"})
        assert tws.faults == wrong(tws) == Faults(no_greeks_share=0.02, no_subscription={"IWM": 354})


def test_clearing_does_not_repeat_a_restart_of_the_start(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, faults=Faults(restart=HOUR)) as tws:
        tws.control({"do": "clear"})
        tws.set()
        assert tws.stats.restarts == 1
        assert not refused(tws)


# what is said


@pytest.fixture
def said(tws):
    lines = []
    tws._call(lambda: tws.server.troubles.console.start(lines.append, tws.server.faults))
    return lines


def test_a_line_is_said_for_every_fault_that_begins_and_ends(tws, said):
    tws.set(farms_down=frozenset({"usopt"}))
    tws.set(farms_down=frozenset({"usopt", "ushmds"}), no_account=True)
    tws.set(farms_down=frozenset(), no_account=False)
    assert [line[:6] for line in said] == ["10:35:"] * 5
    assert [line[9:] for line in said] == [
        "farms_down begins: usopt", "no_account begins", "farms_down is now: ushmds, usopt",
        "no_account ends", "farms_down ends",
    ]  # fmt: skip


def test_a_restart_and_a_reset_are_said_with_their_phases(tws, said):
    tws.set(restart=Restart(60.0, 0.0, 30.0))
    tws.step_to(TUESDAY + timedelta(seconds=61))
    tws.step_to(TUESDAY + timedelta(seconds=91))
    tws.set(server_reset=ServerReset(10.0, 60.0))
    tws.step_to(TUESDAY + timedelta(seconds=120))
    assert [line[9:] for line in said] == [
        "restart begins: refused_seconds 60, mute_seconds 0, farm_seconds 30, "
        "ids_occupied_seconds 0, needs_login False, lose_in_flight True",
        "restart: refuse", "restart: deaf_until_farms", "restart ends",
        "server_reset begins: lost_seconds 10, repeat_seconds 60, data_lost False, dead_after_1102 False",
        "server_reset ends",
    ]  # fmt: skip


def test_what_the_clock_stepped_over_is_said_once(calendar):
    lines = []
    with simulated_tws(fast=True, start_at=TUESDAY.replace(hour=9), calendar=calendar, scenario="drop_at_1005") as tws:
        tws._call(lambda: tws.server.troubles.console.start(lines.append, tws.server.faults))
        tws.step_to(TUESDAY.replace(hour=12))
        tws.set()
        assert tws.stats.drops == 1
    assert [line[9:] for line in lines] == ["drop has come and gone"]


def test_nothing_is_printed_by_a_simulator_inside_a_test(tws, capfd):
    tws.set(restart=Restart(0.0, 0.0, 0.0), no_account=True)
    assert capfd.readouterr().err == ""
