"""TWS as a process: real ones on real ports. The TWS that is started and ended is the simulated one, as a program.

L27: nothing is probed, the port's owner is ended. L29: a budget, then a person. L30. L35: the budget survives."""

import asyncio
import fcntl
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from gateway_support import free_port, ibkr

from v6.config.settings import TwsProcess as Settings
from v6.gateway import sockets
from v6.gateway.connection import Silent
from v6.gateway.process import RESTART, STEP, TwsProcess
from v6.journal import database, events

pytestmark = pytest.mark.integration

PYTHON = sys.executable
NOBODY = 65534
LISTENS = """
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.{term})
listening = socket.create_server(("127.0.0.1", {port}))
print("listens", flush=True)
signal.pause()
"""


def simulator(port: int) -> list[str]:
    return [PYTHON, "-m", "v6.simulator", "--fast", "--port", str(port), "--at", "2026-11-24 10:35"]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


@pytest.fixture
def tws(port: int, db: sqlite3.Connection, home: Path) -> Iterator[Callable[..., TwsProcess]]:
    """A TwsProcess of `port`, its settings changed by keywords; whatever then listens there is ended afterwards."""

    def make(term_seconds: float = 10.0, host: str = "127.0.0.1", **changes: Any) -> TwsProcess:
        settings = Settings(
            **{
                "start_command": (),
                "stop_command": (),
                "java_heap": "4096m",
                "startup_seconds": 30.0,
                "hung_after_seconds": 180.0,
                "max_restarts": 3,
                "per_hours": 6.0,
                **changes,
            }
        )
        output = home / "logs" / "tws" / "start.log"
        return TwsProcess(settings, ibkr(port, host=host), db, Silent(), output=output, term_seconds=term_seconds)

    yield make
    found = sockets.listener("127.0.0.1", port)
    if found is not None and found.pid not in (None, os.getpid()):
        os.kill(found.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass


@pytest.fixture
def program(port: int) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program that listens and answers nobody; `term`: what it does on SIGTERM."""
    started: list[subprocess.Popen[str]] = []

    def start(on: int = port, term: str = "SIG_DFL") -> subprocess.Popen[str]:
        code = LISTENS.format(port=on, term=term)
        child = subprocess.Popen([PYTHON, "-c", code], stdout=subprocess.PIPE, text=True)
        started.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "listens\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def listening(port: int) -> sockets.Listener:
    found = sockets.listener("127.0.0.1", port)
    assert found is not None
    return found


def said(db: sqlite3.Connection, kind: str = STEP) -> list[str]:
    return [event.text for event in reversed(events.recent(db, kind))]


def alerts(db: sqlite3.Connection) -> list[str]:
    return [f"{alert.title}: {alert.body}" for alert in events.undelivered(db)]


# starting


def test_tws_is_started_and_waited_for(tws: Any, port: int, db: sqlite3.Connection) -> None:
    done = asyncio.run(tws(start_command=simulator(port)).start("nobody listens"))
    assert done is not None
    assert done.startswith("TWS listens after ")
    assert str(listening(port).pid) in done
    assert said(db, RESTART) == ["nobody listens"]
    assert [event.details["action"] for event in events.recent(db, STEP)] == ["listens", "started"]


def test_tws_outlives_the_run_that_started_it(tws: Any, port: int, tmp_path: Path) -> None:
    with (tmp_path / "task.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)  # as the supervisor hands the task's lock to its job
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(tws(start_command=simulator(port)).start("nobody listens"))
    pid = listening(port).pid
    assert pid is not None
    assert os.getsid(pid) == pid
    with (tmp_path / "task.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_tws_gets_the_heap_and_nothing_of_the_run(
    tws: Any, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_JAVA_OPTIONS", "-Duser.language=en")
    monkeypatch.setenv("V6_SLOT", "2026-11-24T04:50:00Z")
    script = f"echo $0 >{tmp_path}/words; env >{tmp_path}/environment; exec {shlex.join(simulator(port))}"
    asyncio.run(tws(start_command=["bash", "-c", script, "-J-Xmx{heap}"], java_heap="6g").start("nobody listens"))
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "_JAVA_OPTIONS=-Duser.language=en -Xmx6g" in environment
    assert not [line for line in environment if line.startswith("V6_")]
    assert (tmp_path / "words").read_text() == "-J-Xmx6g\n"


def test_a_launcher_that_ends_leaves_the_waiting_to_us(tws: Any, port: int) -> None:
    launcher = ["bash", "-c", f"{shlex.join(simulator(port))} >/dev/null 2>&1 & disown"]
    done = asyncio.run(tws(start_command=launcher).start("nobody listens"))
    assert done is not None
    assert done.startswith("TWS listens")


def test_a_tws_that_listens_is_not_started_twice(tws: Any, program: Any, db: sqlite3.Connection) -> None:
    program()
    assert asyncio.run(tws(start_command=["false"]).start("nobody listens")) is None
    assert said(db, RESTART) == []


def test_a_tws_that_waits_for_its_login_is_not_started_a_second_time(tws: Any, db: sqlite3.Connection) -> None:
    login = tws(start_command=["sleep", "300"], startup_seconds=0.1)
    first = asyncio.run(login.start("nobody listens"))
    assert first is not None
    assert "has not opened within" in first
    assert asyncio.run(login.start("nobody listens")) is None
    (event,) = [event for event in events.recent(db, STEP) if event.details["action"] == "started"]
    os.kill(event.details["pid"], signal.SIGKILL)
    assert len(said(db, RESTART)) == 1
    (alert,) = alerts(db)
    assert "a login may wait" in alert


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["/no/such/gatewaystart.sh"], "cannot be started: No such file or directory: /no/such/gatewaystart.sh"),
        (["bash", "-c", "echo Error: process is already running; exit 3"], "exit 3: Error: process is already running"),
    ],
)
def test_a_start_that_fails_is_said_at_once(tws: Any, command: list[str], answer: str, db: sqlite3.Connection) -> None:
    done = asyncio.run(tws(start_command=command).start("nobody listens"))
    assert done is not None
    assert answer in done
    assert events.recent(db, STEP, 1)[0].details["action"] == "start failed"


def test_when_it_cannot_be_told_who_listens_nothing_is_started(tws: Any, db: sqlite3.Connection) -> None:
    assert asyncio.run(tws(host="192.0.2.7", start_command=["false"]).start("refused")) is None
    assert said(db) == [
        "TWS was not started, it may run: 192.0.2.7 (192.0.2.7) is not an address of this host: its sockets are not "
        "visible here"
    ]


# ending


def test_a_hung_tws_is_ended_by_its_pid_and_started_again(tws: Any, port: int, db: sqlite3.Connection) -> None:
    process = tws(start_command=simulator(port), term_seconds=0.5)
    asyncio.run(process.start("nobody listens"))
    hung = listening(port)
    assert hung.pid is not None
    os.kill(hung.pid, signal.SIGSTOP)  # listens, and will never say a word again
    done = asyncio.run(process.end_hung("mute for 181 s"))
    assert done is not None
    assert done.startswith(f"pid {hung.pid} was ended by SIGKILL; TWS listens after ")
    assert not listening(port).same_as(hung)
    assert said(db, RESTART) == ["nobody listens", "mute for 181 s"]


def test_term_is_enough_for_a_tws_that_can_still_end(tws: Any, program: Any, port: int) -> None:
    child = program()
    assert asyncio.run(tws(start_command=simulator(port)).stop("by hand")) == f"pid {child.pid} was ended by SIGTERM"
    assert child.wait() == -signal.SIGTERM


def test_a_tws_that_ignores_term_is_killed(tws: Any, program: Any, port: int) -> None:
    child = program(term="SIG_IGN")
    done = asyncio.run(tws(stop_command=["false"], term_seconds=0.5).stop("by hand"))
    assert done == f"pid {child.pid} was ended by SIGKILL"
    assert child.wait() == -signal.SIGKILL


def test_another_program_of_the_same_name_survives(tws: Any, program: Any, port: int) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        elsewhere = int(free.getsockname()[1])
    decoy, hung = program(on=elsewhere), program()
    assert psutil.Process(decoy.pid).name() == psutil.Process(hung.pid).name()
    asyncio.run(tws(stop_command=["false"]).end_hung("mute"))
    assert hung.wait() == -signal.SIGTERM
    assert decoy.poll() is None
    assert listening(elsewhere).pid == decoy.pid


def test_the_stop_command_comes_first(tws: Any, program: Any, port: int, db: sqlite3.Connection) -> None:
    child = program()
    done = asyncio.run(tws(stop_command=["kill", "-INT", str(child.pid)]).stop("by hand"))
    assert done is not None
    assert done.endswith("was ended by tws.stop_command")
    assert not [text for text in said(db) if "SIG" in text]


def test_a_stop_command_that_fails_is_followed_by_the_signal(tws: Any, program: Any, db: sqlite3.Connection) -> None:
    child = program()
    done = asyncio.run(tws(stop_command=["bash", "-c", "echo no telnet here; exit 127"]).stop("by hand"))
    assert done == f"pid {child.pid} was ended by SIGTERM"
    assert "tws.stop_command: exit 127: no telnet here" in said(db)


def test_v6_never_ends_itself(tws: Any, port: int, db: sqlite3.Connection) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        assert asyncio.run(tws(start_command=["false"]).end_hung("mute")) is None
    assert f"pid {os.getpid()} is no TWS, it is V6 itself" in said(db)[-1]
    assert alerts(db)[0].startswith("TWS is hung: ")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_tws_of_another_user_is_not_ended_when_its_pid_cannot_be_seen(
    tws: Any, program: Any, db: sqlite3.Connection
) -> None:
    child = program()
    os.seteuid(NOBODY)
    try:
        assert asyncio.run(tws(start_command=["false"]).end_hung("mute")) is None
    finally:
        os.seteuid(0)
    assert "who owns it cannot be told (uid 0); V6 must run as the user of TWS" in said(db)[-1]
    assert child.poll() is None


def test_a_restart_ends_the_one_that_listens_starts_another_and_counts_once(
    tws: Any, program: Any, port: int, db: sqlite3.Connection
) -> None:
    child = program()
    done = asyncio.run(tws(start_command=simulator(port)).restart("by hand"))
    assert done is not None
    assert done.startswith(f"pid {child.pid} was ended by SIGTERM; TWS listens after ")
    assert listening(port).pid != child.pid
    assert said(db, RESTART) == ["by hand"]


def test_what_cannot_be_started_again_is_not_ended(tws: Any, program: Any, db: sqlite3.Connection) -> None:
    child = program()
    assert asyncio.run(tws(stop_command=["false"]).restart("by hand")) is None
    assert child.poll() is None
    assert said(db, RESTART) == []


# whether


def test_without_commands_a_hung_tws_is_reported_and_lives(tws: Any, program: Any, db: sqlite3.Connection) -> None:
    child = program()
    process = tws()
    assert process.observes_only
    for _ in range(2):
        assert asyncio.run(process.end_hung("mute for 181 s")) is None
    assert asyncio.run(process.stop("by hand")) is None
    assert asyncio.run(process.start("by hand")) is None
    assert child.poll() is None
    (alert,) = alerts(db)
    assert "mute for 181 s. It was not ended: tws.start_command is not configured" in alert


def test_a_hung_tws_that_is_gone_by_now_is_left_alone(tws: Any) -> None:
    assert asyncio.run(tws(start_command=["false"]).end_hung("mute")) is None


def test_after_the_budget_a_person_is_called_once_and_nothing_more_is_done(
    tws: Any, program: Any, home: Path, db: sqlite3.Connection
) -> None:
    failing = tws(start_command=["false"], max_restarts=2, per_hours=6.0)
    answers = [asyncio.run(failing.start("nobody listens")) for _ in range(5)]
    assert [answer is None for answer in answers] == [False, False, True, True, True]
    (alert,) = alerts(db)
    assert alert.startswith("TWS needs a person: nobody listens. 2 restarts in the last 6 h")
    child = program()
    with closing(database.connect(home / "var" / "v6.db")) as another_process:
        assert len(said(another_process, RESTART)) == 2
    assert asyncio.run(tws(start_command=["false"], max_restarts=2).end_hung("mute")) is None
    assert child.poll() is None


def test_the_budget_comes_back_with_time(tws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tws(start_command=["false"], max_restarts=1, per_hours=6.0)
    assert asyncio.run(failing.start("nobody listens")) is not None
    monkeypatch.setenv("V6_CLOCK_OFFSET", str(5 * 3600))
    assert asyncio.run(failing.start("nobody listens")) is None
    monkeypatch.setenv("V6_CLOCK_OFFSET", str(7 * 3600))
    assert asyncio.run(failing.start("nobody listens")) is not None


def test_the_output_of_the_start_before_is_kept_and_no_more(tws: Any, home: Path) -> None:
    for word in ("first", "second", "third"):
        asyncio.run(tws(start_command=["bash", "-c", f"echo {word}; exit 1"]).start("nobody listens"))
    kept = {path.name: path.read_text() for path in (home / "logs" / "tws").iterdir()}
    assert kept == {"start.log": "third\n", "start.log.1": "second\n"}
