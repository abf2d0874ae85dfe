"""Every verdict of a diagnosis, from servers that are what it names; and what a diagnosis itself does to TWS."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from diagnose_support import CASES, answers, examine, live, stuck
from gateway_support import HANDSHAKE, READY, TUESDAY, frame, free_port, never_closing, raw_tws, sockets, wait_until

from v6.gateway import client_ids, diagnose, silence, tws_programs
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Verdict
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

PROBE = 1.0
LONG = 20.0

CONNECTED_TO: list[int] = []


def note_connects(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        CONNECTED_TO.append(arguments[1][1])


sys.addaudithook(note_connects)


@pytest.fixture(scope="module")
def morning() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@contextmanager
def faulty(tws: SimulatedTWS, **faults: Any) -> Iterator[None]:
    before = {name: getattr(tws.faults, name) for name in faults}
    tws.set(**faults)
    try:
        yield
    finally:
        tws.set(**before)


@pytest.mark.parametrize("name", CASES)
def test_every_verdict_comes_from_a_server_that_is_what_it_names(name: str, leases: Path) -> None:
    """L27: a failed attempt ends with a reset; L28: a good one with a goodbye. Neither leaves a socket or a lease."""
    case = CASES[name]
    with raw_tws(case.talk or never_closing) as tws:
        port = tws.port if case.talk else free_port()
        found = examine(port, leases, probe_seconds=PROBE if case.mute else LONG)

        assert (found.verdict, found.exit_code) == (case.verdict, case.exit_code), found
        assert found.seconds < LONG / 2, "known long before the time limit"
        assert wait_until(lambda: sockets(port) == [])
        assert len(tws.accepted) == (1 if case.talk else 0)
    assert client_ids.holders(leases) == []


SIMULATED: dict[str, tuple[dict[str, Any], Verdict, int, str]] = {
    "all is well": ({}, Verdict.HEALTHY, 0, "live data flow (SPY"),
    "a login nobody has answered": ({"awaiting_login": True}, Verdict.REFUSED, 1, "nobody listens"),
    "no account": ({"no_account": True}, Verdict.NO_ACCOUNT, 1, "account"),
    "a proxy": ({"close_at_once": True}, Verdict.NOTHING_BEHIND, 1, "before the handshake"),
    "a dialog": ({"mute_before_handshake": True}, Verdict.WAITING_FOR_DIALOG, 2, "accepted and read by"),
    "silent after the handshake": ({"mute_after_handshake": True}, Verdict.MUTE_AFTER_HANDSHAKE, 1, "server version"),
    "deaf to questions": ({"mute_after_start": True}, Verdict.MUTE_AFTER_HANDSHAKE, 1, "did not answer a question"),
    "an id in use": ({"client_ids_in_use": frozenset({8})}, Verdict.CLIENT_ID_IN_USE, 1, "client id 8: TWS says 326"),
    "a farm down": ({"farms_down": frozenset({"usfarm", "usopt"})}, Verdict.FARMS_DOWN, 1, "down: usfarm, usopt"),
    "IBKR lost": ({"link_broken": True}, Verdict.FARMS_DOWN, 1, "TWS has lost IBKR: 2110"),
    "farms to come": ({"deaf_until_farms": True}, Verdict.FARMS_DOWN, 1, "still connecting: secdefil, usfarm"),
    "not subscribed": (
        {"no_subscription": {"*": 354}},
        Verdict.NO_MARKET_DATA,
        2,
        "no subscription: SPY: TWS says 354",
    ),
    "not for the API": ({"no_subscription": {"*": 10089}}, Verdict.NO_MARKET_DATA, 2, "TWS says 10089"),
    "nor delayed": ({"no_subscription": {"*": 10168}}, Verdict.NO_MARKET_DATA, 2, "TWS says 10168"),
    "another session": (
        {"competing_session": True},
        Verdict.NO_MARKET_DATA,
        1,
        "competing session: SPY: TWS says 10197",
    ),
    "no tick": ({"silent": frozenset({"SPY"})}, Verdict.NO_MARKET_DATA, 1, "no tick within"),
}


@pytest.mark.parametrize("name", SIMULATED)
def test_the_simulated_tws_gets_the_verdict_of_its_fault(name: str, morning: SimulatedTWS, leases: Path) -> None:
    """L24: "connected" is not healthy: a question must be answered, the farms be up and data flow."""
    faults, verdict, code, words = SIMULATED[name]
    with faulty(morning, **faults):
        before = morning.stats.connections
        found = examine(morning.port, leases, probe_seconds=1.0)
        connections = morning.stats.connections - before

    assert (found.verdict, found.exit_code) == (verdict, code), found
    assert words in found.detail
    assert connections == (0 if verdict is Verdict.REFUSED else 1)
    assert client_ids.holders(leases) == []


def test_delayed_data_are_not_live_data(leases: Path) -> None:
    def delayed(number: int) -> bytes:
        told = frame(
            4, 2, number, 10167, "Requested market data is not subscribed. Displaying delayed market data.", ""
        )
        return told + frame(58, 1, number, 3) + frame(1, 6, number, 66, 600.0, 5, 0)

    with raw_tws(answers(READY, delayed)) as tws:
        found = examine(tws.port, leases, probe_seconds=LONG)

    assert (found.verdict, found.exit_code) == (Verdict.NO_MARKET_DATA, 2)
    assert "delayed: SPY bid 600" in found.detail


@pytest.mark.parametrize(("market_open", "why"), [(False, "the market is closed"), (None, "is not known")])
def test_outside_the_session_live_data_are_said_not_to_be_proven(
    market_open: bool | None, why: str, morning: SimulatedTWS, leases: Path
) -> None:
    with faulty(morning, silent=frozenset({"SPY"})):
        found = examine(morning.port, leases, market_open=market_open, probe_seconds=1.0)

    assert (found.verdict, found.exit_code) == (Verdict.HEALTHY, 0)
    assert "live data are not proven" in found.detail
    assert why in found.detail


def test_a_missing_subscription_is_named_also_when_the_market_is_closed(morning: SimulatedTWS, leases: Path) -> None:
    with faulty(morning, no_subscription={"*": 354}):
        assert examine(morning.port, leases, market_open=False).verdict is Verdict.NO_MARKET_DATA


# the kernel's tables come first


def test_l27_nobody_is_connected_to_when_the_kernel_shows_that_nobody_listens(leases: Path) -> None:
    port = free_port()

    found = examine(port, leases)

    assert found.verdict is Verdict.REFUSED
    assert port not in CONNECTED_TO
    assert found.wire == {}
    assert "no connection was tried: nobody listens" in found.evidence


def test_l27_a_stuck_acceptor_gets_no_further_connection(leases: Path) -> None:
    with stuck() as listener:
        CONNECTED_TO.clear()
        found = examine(listener.getsockname()[1], leases)
        waiting, _ = listener.accept()
        waiting.close()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert found.verdict is Verdict.ACCEPT_QUEUE_STUCK
    assert CONNECTED_TO == []
    assert found.sockets["before"]["queued"] == 1
    assert "1 connections wait to be accepted" in found.detail


def test_a_connection_that_is_accepted_a_moment_later_is_no_stuck_queue(morning: SimulatedTWS, leases: Path) -> None:
    """The acceptor is paused when the diagnosis begins and goes on while it looks a second time."""
    with faulty(morning, stuck_acceptor=True), socket.create_connection(("127.0.0.1", morning.port)):
        wake = threading.Timer(0.2, lambda: morning.set(stuck_acceptor=False))
        wake.start()
        found = examine(morning.port, leases, probe_seconds=LONG)
        wake.join()

    assert found.verdict is Verdict.HEALTHY, found


def test_an_acceptor_that_is_stuck_with_an_empty_queue_is_seen_by_our_own_connection(
    morning: SimulatedTWS, leases: Path
) -> None:
    with faulty(morning, stuck_acceptor=True):
        found = examine(morning.port, leases, probe_seconds=PROBE)

    assert found.verdict is Verdict.ACCEPT_QUEUE_STUCK, found
    assert found.wire["accepted"] is False
    assert "TWS never accepted it" in found.detail


def test_a_tws_that_leaves_clients_in_close_wait_is_stuck_and_shows_no_dialog(leases: Path) -> None:
    """L27: what zombies look like from here: the table tells them from a dialog that a person could answer."""
    with raw_tws(lambda _: None) as tws:
        with socket.create_connection(("127.0.0.1", tws.port)):
            pass
        assert wait_until(lambda: "CLOSE_WAIT" in sockets(tws.port))
        [zombie] = tws.accepted

        def read_and_say_nothing() -> None:
            assert wait_until(lambda: len(tws.accepted) == 2)
            tws.accepted[1].recv(65536)

        reader = threading.Thread(target=read_and_say_nothing)
        reader.start()
        found = examine(tws.port, leases, probe_seconds=PROBE)
        reader.join()
        zombie.close()

    assert found.verdict is Verdict.MUTE_AFTER_TCP, found
    assert "in CLOSE_WAIT: TWS is stuck" in found.detail


def test_what_a_forwarder_has_read_says_nothing_about_tws(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    monkeypatch.setattr(silence, "FORWARDERS", (program,))
    with raw_tws(CASES["one that reads and never answers"].talk or never_closing) as tws:
        found = examine(tws.port, leases, probe_seconds=PROBE)

    assert found.verdict is Verdict.MUTE_AFTER_TCP
    assert f"the forwarder {program}" in found.detail


def test_l30_tables_that_cannot_be_read_are_said_to_be_and_the_rest_is_checked(
    morning: SimulatedTWS, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_arguments: Any, **_options: Any) -> Any:
        raise CannotLook("/proc/net/tcp: Permission denied")

    monkeypatch.setattr(diagnose, "port_sockets", closed)

    found = examine(morning.port, leases, probe_seconds=LONG)

    assert found.verdict is Verdict.HEALTHY
    assert found.sockets == {}
    assert found.evidence[0] == "the kernel's tables (before) show nothing: /proc/net/tcp: Permission denied"


def test_l30_a_check_that_could_not_be_made_says_nothing_about_tws(morning: SimulatedTWS, tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("not a folder")

    found = examine(morning.port, tmp_path / "leases")

    assert (found.verdict, found.exit_code) == (Verdict.COULD_NOT_CHECK, 1)
    assert "File exists" in found.detail


def test_a_name_that_does_not_resolve_is_an_unreachable_host(leases: Path) -> None:
    found = examine(7497, leases, host="no-such-host.invalid", probe_seconds=PROBE)

    assert found.verdict is Verdict.UNREACHABLE
    assert "does not resolve" in found.detail


# whose it is


def test_l32_an_id_that_a_run_of_ours_has_is_named_with_it_and_tws_is_not_asked(
    morning: SimulatedTWS, leases: Path
) -> None:
    before = morning.stats.connections
    with client_ids.take_one(leases, 12, "collect_option_snapshots"):
        found = examine(morning.port, leases, client_id=12)

    assert found.verdict is Verdict.CLIENT_ID_IN_USE
    assert f"client id 12 is leased by collect_option_snapshots (pid {os.getpid()}" in found.detail
    assert morning.stats.connections == before


def test_an_id_that_nobody_of_ours_has_is_another_programs(morning: SimulatedTWS, leases: Path) -> None:
    with faulty(morning, client_ids_in_use=frozenset({8})), socket.create_connection(("127.0.0.1", morning.port)):
        found = examine(morning.port, leases, probe_seconds=LONG)

    assert "no run of V6 here has it: another program" in found.detail
    assert f"(pid {os.getpid()})" in found.detail.partition("connected now:")[2]


TWS_AT_ITS_LOGIN = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def tws_without_a_port() -> Iterator[int]:
    command = [sys.executable, "-c", TWS_AT_ITS_LOGIN, "install4j.ibgateway.GWClient"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        program.stdout.readline()
        yield program.pid
        program.communicate("")


def test_a_tws_that_runs_and_has_not_opened_its_port_waits_for_its_login(
    leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnose, "listening_ports", lambda _but: [])  # of whatever else this host runs
    with tws_without_a_port() as pid:
        young = examine(free_port(), leases)
        monkeypatch.setattr(tws_programs, "STARTING_SECONDS", 0.0)
        old = examine(free_port(), leases)

    assert young.verdict is Verdict.REFUSED, "it may still be starting"
    assert any(f"(pid {pid})" in line for line in young.evidence)
    assert (old.verdict, old.exit_code) == (Verdict.WAITING_FOR_DIALOG, 2)
    assert "most likely waits for its login" in old.detail


def test_the_evidence_has_bytes_times_version_and_both_tables(morning: SimulatedTWS, leases: Path) -> None:
    found = examine(morning.port, leases, probe_seconds=LONG)

    steps = [found.wire[f"{name}_seconds"] for name in ("connected", "handshake", "ready")]
    assert steps == sorted(steps)
    assert found.wire["server_version"] in (176, 178)
    assert found.wire["bytes_received"] > len(HANDSHAKE)
    assert set(found.sockets) == {"before", "after"}
    assert found.sockets["after"]["listener"]["pid"] == os.getpid()
    assert found.client_id == 8


def test_the_goodbye_of_a_healthy_diagnosis_is_no_reset(leases: Path) -> None:
    """L28: TWS sees a clean end, so that it frees the client id at once."""
    ends: list[str] = []
    talk = answers(READY, live)

    def watched(connection: socket.socket) -> None:
        try:
            talk(connection)
            ends.append("FIN")
        except ConnectionResetError:
            ends.append("RST")
        connection.close()

    with raw_tws(watched) as tws:
        assert examine(tws.port, leases, probe_seconds=LONG).verdict is Verdict.HEALTHY
        assert wait_until(lambda: ends != [])
    assert ends == ["FIN"]
