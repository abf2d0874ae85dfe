"""`v6 gateway`: the real command beside a TWS; what it says is held against the kernel and the leases themselves."""

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from gateway_support import child, frame, never_closing, raw_tws, wait_until
from typer.testing import Result

from v6 import clock
from v6.gateway import client_ids
from v6.gateway.connection import Silent
from v6.gateway.lines import LineBudget
from v6.model import Contract, Quote, QuoteStatus
from v6.session.live import Live
from v6.simulator.testing import TRADING_DAY, SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration

Command = Callable[..., "subprocess.CompletedProcess[str]"]
V6 = Callable[..., Result]
HOLDER = """
import sys
from pathlib import Path
from typing import Any
from v6.gateway import client_ids
with client_ids.take_one(Path(sys.argv[1]), 14, "collect_option_snapshots"):
    print("leased", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


@pytest.fixture
def tws(home: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedTWS]:
    """In the middle of a trading day, where the command's clock is too."""
    shutil.copytree(compiled / "var" / "compiled", home / "var" / "compiled")
    with simulated_tws() as running:
        monkeypatch.setenv("V6_CLOCK_OFFSET", f"{TRADING_DAY.timestamp() - time.time():.0f}")
        monkeypatch.setenv("IBKR_PORT", str(running.port))
        yield running


@contextmanager
def another_process(leases: Path) -> Iterator[int]:
    """A process that leases client id 14; its pid."""
    leases.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", HOLDER, str(leases)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leased\n"
        yield process.pid


def deaf(_: socket.socket) -> None:
    """A TWS that accepts, and never reads nor closes."""
    threading.Event().wait()


def read_until(terminal: int, words: str) -> None:
    """Fails when half a minute passes without them."""
    seen, end = "", time.monotonic() + 30
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, seen
        seen += os.read(terminal, 65536).decode(errors="replace")


# diagnose


def test_a_healthy_tws_is_said_to_be_so_and_asked_again_too_soon_it_is_not_touched(
    command: Command, tws: SimulatedTWS
) -> None:
    first = json.loads(command("gateway", "diagnose", "--json").stdout)
    connections = tws.stats.connections
    again = command("gateway", "diagnose").stdout

    assert (first["verdict"], first["exit_code"], first["client_id"]) == ("healthy", 0, 8)
    assert "live data flow" in first["detail"]
    assert first["sockets"]["before"]["listener"]["pid"] == os.getpid()
    assert again.startswith(f"healthy: 127.0.0.1:{tws.port}\n")
    assert "shown again" in again
    assert tws.stats.connections == connections


def test_nobody_listens_is_refused_with_exit_1_and_what_to_do(command: Command, tws: SimulatedTWS) -> None:
    tws.set(refuse=True)
    said = command("gateway", "diagnose", code=1).stdout
    assert said.startswith("refused: ")
    assert "\n  evidence  the kernel's tables (before): nobody listens" in said
    assert "\n  to do     start TWS and sign in" in said


def test_what_a_person_must_change_is_exit_2_and_another_client_id_is_used(command: Command, tws: SimulatedTWS) -> None:
    tws.set(no_subscription={"*": 354})
    found = json.loads(command("gateway", "diagnose", "--json", "--client-id", "77", code=2).stdout)
    assert (found["verdict"], found["client_id"]) == ("market_data_not_flowing", 77)
    assert found["cure"].startswith("no subscription or delayed: subscribe")


def test_without_any_calendar_a_diagnosis_is_made_all_the_same(command: Command, home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "calendar_overrides.yaml").write_text("nonsense")
    with raw_tws(lambda connection: connection.sendall(frame(20, "20261124 10:35:00 EST"))) as old:
        said = command("gateway", "diagnose", code=2, IBKR_PORT=str(old.port)).stdout
    assert said.startswith("version too old: ")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make state of another user")
@pytest.mark.parametrize("words", ["gateway diagnose", "lake compact", "metrics --write", "state restore 1"])
def test_what_would_write_into_the_state_of_another_user_is_refused(v6: V6, home: Path, words: str) -> None:
    """Root's files, that is: V6's own user could open no connection any more."""
    os.chown(home / "var", 65534, 65534)
    before = sorted((home / "var").rglob("*"))
    command = words.removesuffix(" 1")
    said = v6(*words.split(), code=2).output
    assert f"belongs to nobody; run instead: sudo -u nobody .venv/bin/v6 {command}" in said
    assert sorted((home / "var").rglob("*")) == before


# watch


def test_l27_watch_shows_close_wait_with_its_owner_and_touches_nothing(command: Command) -> None:
    with raw_tws(deaf) as server:
        for _ in range(3):
            socket.create_connection(("127.0.0.1", server.port)).close()
        assert wait_until(lambda: len(server.accepted) == 3)
        port = {"IBKR_PORT": str(server.port)}

        text = command("gateway", "watch", "--once", code=1, **port).stdout
        seen = json.loads(command("gateway", "watch", "--json", code=1, **port).stdout)

        owner = f"(pid {os.getpid()})"
        counted = {(one["side"], one["state"]): (one["number"], one["owner"]) for one in seen["counts"]}
        assert counted["tws", "CLOSE_WAIT"][0] == 3
        assert counted["tws", "CLOSE_WAIT"][1].endswith(owner)
        assert (seen["queued"], seen["listener"]["pid"]) == (0, os.getpid())
        assert len(seen["trouble"]) == 1
        assert [
            line.split()[-1]
            for line in text.splitlines()
            if line.startswith("tws") and owner in line and "CLOSE_WAIT" in line
        ] == ["3"]
        assert len(server.accepted) == 3


def test_watch_names_which_of_our_runs_a_socket_is(command: Command, leases: Path) -> None:
    with raw_tws(never_closing) as server, child(server.port, leases) as process:
        said = command("gateway", "watch", "--once", IBKR_PORT=str(server.port)).stdout
    [line] = [line for line in said.splitlines() if line.startswith("client  ESTABLISHED")]
    assert "a child as client 10" in line
    assert f"pid {process.pid}" in line


def test_watch_shows_connections_that_nobody_accepts(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stuck, socket.create_connection(stuck.getsockname()):
        said = command("gateway", "watch", "--once", code=1, IBKR_PORT=str(stuck.getsockname()[1])).stdout
    assert "queue 1" in said
    words = "1 connections wait to be accepted: restart TWS if it is still so in a minute"
    assert words in " ".join(said.split()), "as the diagnosis says it"


def test_watch_says_when_nobody_listens_and_when_it_cannot_see(command: Command, tws: SimulatedTWS) -> None:
    tws.set(refuse=True)
    assert "nobody listens" in command("gateway", "watch", "--once", code=1).stdout
    away = json.loads(command("gateway", "watch", "--json", IBKR_HOST="192.0.2.7").stdout)
    assert "not this host" in away["blind"]
    assert away["trouble"] == []  # L30: not seen is not closed


def test_watch_in_a_terminal_refreshes_itself_until_ctrl_c(home: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "v6.cli", "gateway", "watch"]
        environ = os.environ | {"IBKR_PORT": str(server.getsockname()[1]), "TERM": "xterm", "COLUMNS": "120"}
        watching = subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        try:
            read_until(ours, "nobody listens")
            server.listen()
            read_until(ours, "LISTEN")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 0
        finally:
            watching.kill()
            watching.wait()
            os.close(ours)


# clients


def test_clients_shows_a_lease_held_by_another_process_and_never_takes_it(command: Command, leases: Path) -> None:
    with another_process(leases) as pid:
        text = command("gateway", "clients").stdout
        known = json.loads(command("gateway", "clients", "--json").stdout)
        [holder] = client_ids.holders(leases)

    [one] = known["clients"]
    assert (one["client_id"], one["pid"], one["task"]) == (14, pid, "collect_option_snapshots")
    assert 0 <= one["age_seconds"] < 60
    assert datetime.fromisoformat(one["since"]).timestamp() == holder.since
    assert f"14  collect_option_snapshots  {pid}" in text


def test_clients_says_what_rests_and_how_many_lines_are_in_use(
    v6: V6, answer: Callable[..., Any], leases: Path
) -> None:
    client_ids.take_one(leases, 20).quarantine(100.0)
    budget = LineBudget(leases, "options", 80)
    assert [budget.acquire() for _ in range(7)] == list(range(7))

    known = answer("gateway", "clients")
    text = v6("gateway", "clients").stdout

    budget.close()
    assert known["clients"] == []
    [resting] = known["quarantined"]
    assert resting["client_id"] == 20
    assert 0 < resting["seconds"] <= 100
    assert {one["name"]: (one["used"], one["size"]) for one in known["lines"]} == {
        "options": (7, 80),
        "futures": (0, 10),
        "checks": (0, 5),
    }
    assert text.startswith("no client id is in use\nclient id 20: TWS called it in use (326)")
    assert client_ids.holders(leases) == []


# tail


def quote(symbol: str, bid: float) -> Quote:
    return Quote(Contract("STK", symbol, "SMART"), QuoteStatus.COMPLETE, clock.now(), bid=bid, ask=bid + 1)


@pytest.fixture
def written(home: Path) -> Path:
    """What a session has written just now."""
    path = home / "var" / "live" / "quotes.json"
    live = Live(path, Silent())
    live.stream([quote("SPY", 600.0), quote("QQQ", 500.0)])
    live.write()
    return path


@pytest.fixture
def session(home: Path) -> Iterator[None]:
    """The lock that a running session holds."""
    (home / "var" / "locks").mkdir(parents=True)
    with (home / "var" / "locks" / "market_session.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_tail_shows_the_running_sessions_quotes_without_a_connection(
    command: Command, written: Path, session: None
) -> None:
    seen = json.loads(command("gateway", "tail", "--json", "--symbols", "spy").stdout)
    assert (seen["running"], seen["live"]) == (True, True)
    assert [(one["symbol"], one["bid"], one["ask"], one["source"]) for one in seen["quotes"]] == [
        ("SPY", 600.0, 601.0, "stream")
    ]
    text = command("gateway", "tail", "--once").stdout
    assert text.splitlines()[0].startswith("market session, last quotes ")
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["QQQ", "SPY"]


def test_tail_says_that_no_session_runs_and_how_old_the_quotes_are(
    v6: V6, answer: Callable[..., Any], written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", "7200")
    text = v6("gateway", "tail", "--once", code=1).stdout
    assert text.splitlines()[0] == "no market session runs, last quotes 2 h 0 min old"
    assert "SPY" in text
    assert answer("gateway", "tail", code=1)["live"] is False


def test_tail_says_that_the_quotes_of_a_running_session_are_old(
    v6: V6, written: Path, session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", "300")
    text = v6("gateway", "tail", "--once", code=1).stdout
    assert text.splitlines()[0] == "the market session runs, last quotes 5 min old"


def test_tail_before_any_session_and_with_an_unknown_symbol(v6: V6, session: None, written: Path) -> None:
    text = v6("gateway", "tail", "--once", "--symbols", "IWM,ES", code=1).stdout
    assert "none of ES, IWM, there are: QQQ, SPY" in text
    written.unlink()
    assert "runs and has no quotes yet" in v6("gateway", "tail", "--once", code=1).stdout


def test_tail_refuses_a_file_that_is_none_of_a_sessions(v6: V6, written: Path) -> None:
    written.write_text("{}")
    assert "is not what the market session writes" in v6("gateway", "tail", "--once", code=2).stderr
