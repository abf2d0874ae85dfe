"""The control port: JSON lines, one answer each, and nothing that is said to it can hurt."""

import json
import socket
from contextlib import contextmanager, suppress

import psutil
import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.control.commands import COMMANDS
from v6.simulator.faults.model import Faults
from v6.simulator.faults.scenario import names
from v6.simulator.testing import ControlError, simulated_tws

pytestmark = pytest.mark.integration


class Port:
    """Somebody at the control port."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._lines = self.socket.makefile("rb")

    def ask(self, do, **more):
        return self.say(json.dumps({"do": do, **more}).encode() + b"\n")

    def say(self, line):
        self.socket.sendall(line)
        return json.loads(self._lines.readline())

    def close(self):
        self._lines.close()
        self.socket.close()


@contextmanager
def controlled(**options):
    with simulated_tws(fast=True, start_at=TUESDAY, control_port=0, **options) as tws:
        port = Port(tws.server.control_port)
        try:
            yield tws, port
        finally:
            port.close()


@pytest.fixture
def both():
    with controlled() as (tws, port):
        yield tws, port


def test_a_fault_is_set_and_cleared(both):
    tws, port = both
    assert port.ask("set", faults={"refuse": True}) == {"ok": True, "faults": {"refuse": True}}
    with pytest.raises(ConnectionRefusedError):
        RawClient(tws.port)
    assert port.ask("faults")["faults"] == {"refuse": True}
    assert port.ask("clear")["ok"]
    RawClient(tws.port).close()
    assert port.ask("faults")["faults"] == {}


def test_every_fault_can_be_set_by_its_kind_of_value(both):
    _, port = both
    values = {
        "client_ids_in_use": [7], "no_subscription": {"SPY": 354}, "silent": ["SPY"], "spoiled": [4711],
        "silent_share": 0.5, "no_greeks_share": 1, "spoiled_share": 0, "spoiling": "huge", "farms_down": ["usopt"],
        "farms_idle": ["ushmds"], "error_flood": 0, "drip_seconds": 0.5, "clock_skew": -3, "garbage": "bytes",
        "halted": {"SPY": 1}, "server_reset": None,
        "restart": {"refused_seconds": 0, "mute_seconds": 0, "farm_seconds": 0},
        "orders_placed": [{"client": 7, "symbol": "SPY", "action": "BUY", "quantity": 1, "limit": 1}],
        "orders_filled": [{"client": 7, "order": 1, "price": 1}], "orders_rejected": [{"client": 7, "order": 2}],
        "positions_changed": [{"symbol": "SPY", "quantity": 1}],
    }  # fmt: skip
    for name in port.ask("faults")["known"]:
        assert port.ask("set", faults={name: values.get(name, False)})["ok"], name


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"do": "explode"}, "do: 'explode'; allowed: about, "),
        ({}, "do: None; allowed: about, "),
        ([], "not an object; allowed: {"),
        ({"do": ["set"]}, "do: ['set']; allowed: "),
        ({"do": "set"}, "faults: None; allowed: an object of refuse, "),
        ({"do": "set", "fault": {}}, "fault: unknown; allowed: faults"),
        ({"do": "set", "faults": {"gremlins": 1}}, "faults.gremlins: unknown; allowed: refuse, "),
        ({"do": "set", "faults": {"refuse": "yes"}}, "faults.refuse: 'yes'; allowed: true or false"),
        ({"do": "set", "faults": {"silent_share": 2}}, "faults.silent_share: 2; allowed: a share from 0 to 1"),
        ({"do": "set", "faults": {"farms_down": ["mars"]}}, "allowed: a list of usfarm, usopt, "),
        ({"do": "set", "faults": {"no_subscription": {"SPY": 1}}}, "to 354, 10089 or 10168"),
        ({"do": "set", "faults": {"spoiling": ""}}, "allowed: nan, minus_one, huge"),
        ({"do": "restart", "seconds": 1}, "seconds: unknown; allowed: refused_seconds, "),
        ({"do": "restart", "refused_seconds": -1}, "faults.restart.refused_seconds: -1; allowed: seconds from 0"),
        ({"do": "reset", "data_lost": 1}, "faults.server_reset.data_lost: 1; allowed: true or false"),
        ({"do": "clock", "at": "noon"}, "allowed: New York time such as 2026-11-24 10:35"),
        ({"do": "clock", "step": 1e300}, "allowed: New York time such as"),
        ({"do": "clock", "step": -1e11}, "allowed: "),
        ({"do": "clock", "skew": 1e300}, "faults.clock_skew: 1e+300; allowed: seconds"),
        ({"do": "run", "scenario": "9" * 400}, "no such scenario, allowed: "),
        ({"do": "clock", "step": "much"}, "step: 'much'; allowed: a number"),
        ({"do": "clock", "skew": True}, "faults.clock_skew: True; allowed: seconds"),
        ({"do": "run", "scenario": "gremlins"}, "no such scenario, allowed: a file, or a shipped one: "),
        ({"do": "run", "scenario": "mute", "faster": 0}, "faster: 0; allowed: a number from 0.001"),
        ({"do": "half_close", "client": 99}, "client: 99; allowed: none is connected"),
        ({"do": "half_close", "client": 4.5}, "client: 4.5; allowed: a whole number"),
        ({"do": "flood", "rate": 10**400}, "allowed: a number from 0"),
        ({"do": "garbage", "kind": "tea"}, "faults.garbage: 'tea'; allowed: bytes, "),
        ({"do": "garbage"}, "faults.garbage: None; allowed: bytes, "),
        ({"do": "flood", "rate": -1}, "rate: -1; allowed: a number from 0"),
        ({"do": "login"}, "nobody is asked to sign in"),
        ({"do": "stats", "please": 1}, "please: unknown; allowed: nothing more"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(both, request_, complaint):
    tws, port = both
    answer = port.say(json.dumps(request_).encode() + b"\n")
    assert not answer["ok"]
    assert complaint in answer["error"]
    assert tws.stats.internal_errors == 0


def test_one_wrong_fault_of_several_sets_none(both):
    tws, port = both
    assert not port.ask("set", faults={"refuse": True, "spoiling": "badly"})["ok"]
    assert not tws.faults.refuse


@pytest.mark.parametrize("nonsense", [b"hello\n", b"{\n", b"\xff\xfe\n", b"null\n", b'"do"\n', b"[" * 20_000 + b"\n"])
def test_nonsense_gets_an_error_and_the_port_goes_on(both, nonsense):
    _, port = both
    assert not port.say(nonsense)["ok"]
    assert port.ask("stats")["ok"]


def test_a_line_without_end_is_refused_and_harms_nobody(both):
    tws, port = both
    with suppress(ConnectionError):  # the door may come before the answer is read
        assert "a line of more than" in port.say(b"x" * 200_000)["error"]
    RawClient(tws.port).close()
    again = Port(tws.server.control_port)
    assert again.ask("stats")["ok"]
    again.close()


def test_a_defect_of_a_command_is_an_answer_too(both, monkeypatch):
    tws, port = both
    monkeypatch.setitem(COMMANDS, "defect", lambda server, request: {}[0])
    assert "internal error: KeyError(0)" in port.ask("defect")["error"]
    assert tws.stats.internal_errors == 1
    assert port.ask("stats")["ok"]
    tws.stats.internal_errors = 0


def test_every_command_is_listed_and_explained(both):
    _, port = both
    listed = port.ask("commands")["commands"]
    assert listed.keys() == COMMANDS.keys()
    assert {"set", "clear", "drop", "restart", "reset", "half_close", "garbage", "flood", "clock", "login", "run",
            "scenarios", "stats", "about"} <= listed.keys()  # fmt: skip


def test_the_control_port_listens_on_loopback_only(both):
    tws, _ = both
    bound = [each.laddr.ip for each in psutil.Process().net_connections("tcp")
             if each.status == "LISTEN" and each.laddr.port == tws.server.control_port]  # fmt: skip
    assert bound == ["127.0.0.1"]


def test_who_connects_and_says_nothing_is_let_go_at_the_end():
    for _ in range(5):
        with simulated_tws(fast=True, start_at=TUESDAY, control_port=0) as tws:
            silent = Port(tws.server.control_port)
        assert silent.socket.recv(1) == b""
        silent.close()


def test_a_restart_by_control_goes_through_its_phases(both):
    tws, port = both
    client = RawClient(tws.port)
    assert port.ask("restart", refused_seconds=0.3, mute_seconds=0.3, farm_seconds=0.2)["ok"]
    assert client.end() == "reset"
    with pytest.raises(ConnectionRefusedError):
        RawClient(tws.port)
    assert eventually(lambda: not tws.server.faults.refuse)
    mute = RawClient(tws.port, start=False)
    assert mute.silent(0.1)
    assert eventually(lambda: port.ask("faults")["faults"] == {})
    RawClient(tws.port).close()
    assert tws.stats.restarts == 1
    mute.close()
    client.close()


def test_the_clock_steps_and_is_skewed(both):
    tws, port = both
    client = RawClient(tws.port)
    assert port.ask("clock", at="2026-11-25 12:00")["time"].startswith("2026-11-25T12:00:00")
    assert port.ask("clock", step=3600)["time"].startswith("2026-11-25T13:00:00")
    assert port.ask("clock", skew=-90)["skew"] == -90
    client.send(49, 1)
    assert int(client.until(49)[2]) == pytest.approx(tws.server.epoch() - 90, abs=2)
    client.close()


def test_a_scenario_is_run_from_now_on_and_faster(both):
    tws, port = both
    answer = port.ask("run", scenario="refuse_at_1030", now=True, faster=1000)
    assert answer["imitates"].startswith("TWS is closed by hand")
    assert eventually(lambda: tws.stats.drops == 1)
    assert eventually(lambda: not tws.server.faults.drop)
    RawClient(tws.port).close()


def test_the_scenarios_are_listed_with_what_they_imitate(both):
    _, port = both
    listed = port.ask("scenarios")["scenarios"]
    assert [each["name"] for each in listed] == names()
    assert all(each["imitates"] and each["source"] for each in listed)


def test_one_client_can_be_chosen(both):
    tws, port = both
    first, second = RawClient(tws.port, client_id=1), RawClient(tws.port, client_id=2)
    assert [each["client"] for each in port.ask("clients")["clients"]] == [1, 2]
    assert port.ask("half_close", client=2) == {"ok": True, "half_closed": 1}
    assert second.end() == "closed"
    first.send(49, 1)
    assert first.until(49)
    first.close()
    second.close()


def test_a_flood_ends_after_its_seconds(both):
    tws, port = both
    client = RawClient(tws.port)
    assert port.ask("flood", rate=1000, seconds=0.3)["ok"]
    assert eventually(lambda: tws.stats.errors[300] >= 200)
    assert eventually(lambda: not tws.faults.error_flood)
    assert client.falls_silent()
    client.close()


def test_everything_can_be_asked_from_a_test_too(tws):
    assert tws.control({"do": "drop"}) == {"ok": True, "dropped": 0}
    assert tws.control({"do": "stats"})["stats"]["drops"] == 1
    assert tws.control({"do": "about"})["fidelity"][0].keys() == {"level", "what", "how", "source"}


def test_a_command_that_fails_fails_the_test_that_gave_it(tws):
    with pytest.raises(ControlError, match=r"do: 'hat'; allowed: about, clear, "):
        tws.control({"do": "hat"})
    answer = tws.control({"do": "hat"}, check=False)
    assert (answer["ok"], answer["error"][:19]) == (False, "do: 'hat'; allowed:")


def test_clearing_ends_a_restart_and_a_lost_connection(both):
    tws, port = both
    client = RawClient(tws.port)
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    client.until(1)
    port.ask("reset", lost_seconds=600)
    assert client.error()[1] == 1100
    port.ask("clear")
    assert client.error()[1] == 1102
    port.ask("restart", refused_seconds=600)
    port.ask("clear")
    assert tws.server.faults == Faults()
    RawClient(tws.port, client_id=6).close()
    client.close()
