"""Every verdict of a diagnosis, from servers that are what it names; and what a diagnosis itself does to TWS."""

import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from diagnose_support import (
    CASES,
    LONG,
    PROBE,
    answers,
    examine,
    faulty,
    hangs_up,
    live,
    stuck,
    wait_for_ever,
)
from gateway_support import (
    HANDSHAKE,
    READY,
    TUESDAY,
    free_port,
    ibkr,
    never_closing,
    raw_tws,
    sockets,
    wait_until,
)

from v6.gateway import client_ids, diagnose, installation, silence
from v6.gateway.errors import ConnectCause, ConnectFailed
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


CONNECTED_TO: list[int] = []


def note_connects(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        CONNECTED_TO.append(arguments[1][1])


sys.addaudithook(note_connects)


@pytest.fixture(scope="module")
def morning() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


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


# the kernel's tables come first


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
    few, many = (zombies_and_silence(number, leases) for number in (1, silence.STUCK_CLOSE_WAITS))

    assert few.verdict is Verdict.WAITING_FOR_DIALOG, few
    assert "1 in CLOSE_WAIT: if more come, TWS is stuck" in few.detail
    assert many.verdict is Verdict.MUTE_AFTER_TCP, many
    assert "in CLOSE_WAIT: TWS is stuck" in many.detail


def zombies_and_silence(number: int, leases: Path) -> Diagnosis:
    """Of a TWS that reads, answers nobody, and keeps `number` connections of clients that have left."""
    with raw_tws(wait_for_ever) as tws:
        for _ in range(number):
            socket.create_connection(("127.0.0.1", tws.port)).close()
        assert wait_until(lambda: sockets(tws.port).count("CLOSE_WAIT") == number)
        return examine(tws.port, leases, probe_seconds=PROBE)


def test_one_that_hangs_up_on_us_and_serves_others_is_a_tws(leases: Path) -> None:
    served = threading.Event()

    def talk(connection: socket.socket) -> None:
        (hangs_up if served.is_set() else wait_for_ever)(connection)

    with raw_tws(talk) as tws, socket.create_connection(("127.0.0.1", tws.port)):
        assert wait_until(lambda: len(tws.accepted) == 1)
        served.set()
        found = examine(tws.port, leases, probe_seconds=LONG)

    assert (found.verdict, found.exit_code) == (Verdict.MUTE_AFTER_TCP, 1), found
    assert "what listens there closed the connection before the handshake" in found.detail
    assert "1 other connections are served, and TWS takes 32 clients at most" in found.detail


def test_what_a_forwarder_has_read_says_nothing_about_tws(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    monkeypatch.setattr(silence, "FORWARDERS", (program,))
    with raw_tws(CASES["one that reads and never answers"].talk or never_closing) as tws:
        found = examine(tws.port, leases, probe_seconds=PROBE)

    assert found.verdict is Verdict.MUTE_AFTER_TCP
    assert f"the forwarder {program}" in found.detail


def cannot_look(*_arguments: Any, **_options: Any) -> Any:
    raise CannotLook("/proc/net/tcp: Permission denied")


def test_l30_tables_that_cannot_be_read_are_said_to_be_and_the_rest_is_checked(
    morning: SimulatedTWS, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnose, "port_sockets", cannot_look)

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
    assert any(line.startswith("no connection came about after") for line in found.evidence), "so there was no reset"


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


@pytest.mark.parametrize(
    ("visible", "words"), [(True, "connected now: .*pid {pid}"), (False, "who is connected cannot be seen$")]
)
def test_l30_who_is_connected_beside_a_failed_run_is_looked_at_or_said_not_to_be_visible(
    visible: bool, words: str, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not visible:
        monkeypatch.setattr(diagnose, "port_sockets", cannot_look)
    with stuck() as listener:
        error = ConnectFailed(ConnectCause.CLIENT_ID_IN_USE, "client id 10: TWS says 326")
        found = diagnose.of_failure(ibkr(listener.getsockname()[1]), leases, error)

    assert re.search(words.format(pid=os.getpid()), found.detail), found.detail


def test_the_evidence_has_bytes_times_version_and_both_tables(morning: SimulatedTWS, leases: Path) -> None:
    found = examine(morning.port, leases, probe_seconds=LONG)

    steps = [found.wire[f"{name}_seconds"] for name in ("connected", "handshake", "ready")]
    assert steps == sorted(steps)
    assert found.wire["server_version"] in (176, 178)
    assert found.wire["bytes_received"] > len(HANDSHAKE)
    assert set(found.sockets) == {"before", "after"}
    assert found.sockets["after"]["listener"]["pid"] == os.getpid()
    assert found.client_id == 8
    assert f"library: {' '.join(installation.choose('auto'))}" in found.evidence
    assert "1 of 10000 connections in the last hour (ibkr.connections_per_hour): diagnose 1" in found.evidence


def test_l29_a_spent_budget_of_connections_is_remarked(morning: SimulatedTWS, leases: Path) -> None:
    found = examine(morning.port, leases, probe_seconds=LONG, connections_per_hour=1)

    assert found.verdict is Verdict.HEALTHY
    assert "their budget is spent: 1 of 1 connections in the last hour" in found.detail


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
