"""scripts/test_connection.py, as a person starts it: its last line on stdout, and its exit code."""

import os
import socket
import subprocess
import sys

import pytest
from desk import Desk
from gateway_support import frame, ibkr, raw_tws, sockets
from hanging_up import hangs_up_at

from v6.jobs import test_connection as job
from v6.paths import ROOT
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration


def said_by(desk: Desk, *arguments: str, code: int = 0, **environ: str) -> list[str]:
    """What it says on stdout, line by line; the log is on stderr."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "test_connection.py"), *arguments],
        env=os.environ | {"V6_CLOCK_FILE": str(desk.clock_file)} | environ,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.splitlines()


def mute(connection: socket.socket) -> None:
    """Reads everything and never says a word."""
    while connection.recv(65536):
        pass


def test_basic_names_server_version_and_accounts(desk: Desk, tws: SimulatedTWS) -> None:
    connected, result = said_by(desk)
    assert connected.startswith(f"connected to 127.0.0.1:{tws.port} as client 10: answered in ")
    assert connected.endswith(", server version 176, accounts DU9000001")
    assert result == "Result: PASS"


def test_l28_account_proves_that_the_disconnect_left_nothing_in_a_tws_that_never_closes(
    desk: Desk, tws: SimulatedTWS
) -> None:
    tws.set(never_closes=True)
    assert said_by(desk, "--level", "account")[1:] == [
        "account: 1 with summary",
        "disconnected, no socket left",
        "Result: PASS",
    ]
    assert sockets(tws.port) == []


def test_a_socket_that_is_left_is_seen_on_both_sides() -> None:
    """What the proof of the clean disconnect rests on."""
    with raw_tws(mute) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        local = client.getsockname()
        other = socket.create_connection(("127.0.0.1", server.port))
        assert [row.state for row in job.remains(ibkr(server.port), local)[0]] == ["ESTABLISHED", "ESTABLISHED"]
        client.close()
        states = {(row.side, row.state) for row in job.remains(ibkr(server.port), local)[0]}
        assert ("tws", "CLOSE_WAIT") in states
        other.close()


def test_data_in_the_session_are_live(desk: Desk) -> None:
    said = said_by(desk, "--level", "data", "--symbols", "AAPL", "spy")
    market, aapl, spy = said[2:5]
    assert market == "the market is open"
    assert aapl.startswith("AAPL: bid ")
    assert spy.startswith("SPY: bid ")
    assert aapl.endswith(", live data")
    assert spy.endswith(", live data")
    assert said[-1] == "Result: PASS"


def test_data_outside_of_the_session_are_frozen_and_the_words_say_so(desk: Desk) -> None:
    desk.at("20:30")
    said = said_by(desk, "--level", "data")
    assert said[2] == "the market is closed: live data cannot be proven now"
    assert said[3].startswith("SPY: ")
    assert said[3].endswith(", frozen data")
    assert said[-1] == "Result: PASS"


def test_without_a_subscription_the_verdict_and_its_cure_are_the_last_line(desk: Desk, tws: SimulatedTWS) -> None:
    tws.set(no_subscription={"AAPL": 354})
    [result] = said_by(desk, "--level", "data", "--symbols", "AAPL", code=2)
    assert result.startswith("Result: FAIL: market data not flowing: AAPL: no_subscription 354")
    assert "What to do: no subscription or delayed: subscribe" in result


def test_a_symbol_that_tws_does_not_know_is_said_to_be_that(desk: Desk) -> None:
    [result] = said_by(desk, "--level", "data", "--symbols", "NOSUCH", code=2)
    assert result.startswith("Result: FAIL: could not check: TWS does not know the symbol NOSUCH: no_contract 200")
    assert "What to do: correct the symbol" in result


def test_a_tws_that_hangs_up_is_told_with_its_cure(desk_without_tws: Desk) -> None:
    with raw_tws(hangs_up_at("account summary")) as server:
        [result] = said_by(desk_without_tws, "--level", "account", code=1, IBKR_PORT=str(server.port))
    assert result.startswith("Result: FAIL: mute after the handshake: account summary: ")
    assert "What to do: wait two minutes" in result


def test_farms_that_are_down_are_the_verdict_when_data_fail(desk: Desk, tws: SimulatedTWS) -> None:
    desk.configure({"ibkr": {"quote_timeout_seconds": 0.5}})
    tws.set(farms_down=frozenset({"usfarm"}))
    [result] = said_by(desk, "--level", "data", code=1)
    assert result.startswith("Result: FAIL: account up, farms down: down: usfarm (SPY: ")


def test_refused_is_told_with_its_cure(desk_without_tws: Desk) -> None:
    [result] = said_by(desk_without_tws, code=1)
    assert result.startswith("Result: FAIL: refused (127.0.0.1:")
    assert "What to do: start TWS and sign in" in result


def test_a_failed_connection_is_diagnosed_without_a_second_one(desk_without_tws: Desk) -> None:
    desk_without_tws.configure({"ibkr": {"connect_timeout_seconds": 1.0}})
    with raw_tws(mute) as server:
        [result] = said_by(desk_without_tws, code=2, IBKR_PORT=str(server.port))
        assert result.startswith("Result: FAIL: waiting for a dialog (127.0.0.1:")
        assert len(server.accepted) == 1
        assert sockets(server.port) == []


def test_a_tws_that_is_too_old_needs_a_person(desk_without_tws: Desk) -> None:
    with raw_tws(lambda connection: connection.sendall(frame(20, "20261120 10:00:00 EST"))) as old:
        [result] = said_by(desk_without_tws, code=2, IBKR_PORT=str(old.port))
    assert result.startswith("Result: FAIL: version too old (127.0.0.1:")


def test_a_tws_that_falls_silent_after_its_start_fails(desk: Desk, tws: SimulatedTWS) -> None:
    desk.configure({"ibkr": {"probe_seconds": 0.5}})
    tws.set(mute_after_start=True)
    [result] = said_by(desk, code=1)
    assert result.startswith("Result: FAIL: mute after the handshake: no answer to current time within 0.5 s. What to")


@pytest.mark.parametrize(
    ("arguments", "environ", "why"),
    [
        (("--symbols", "AAPL"), {}, "--symbols is wrong with --level basic"),
        ((), {"IBKR_PORT": "many"}, "IBKR_PORT"),
    ],
    ids=["arguments", "configuration"],
)
def test_what_is_wrong_before_it_begins_is_a_result_too(
    desk_without_tws: Desk, arguments: tuple[str, ...], environ: dict[str, str], why: str
) -> None:
    [result] = said_by(desk_without_tws, *arguments, code=2, **environ)
    assert result.startswith("Result: FAIL: ")
    assert why in result
