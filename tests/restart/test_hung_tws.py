"""A TWS that hangs, met on the way back to it: known by its silence, ended by the owner of its port, started, reached.

L29: without commands, or without any restart left, nothing is ended and the way back ends by itself.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # restart_support, whatever the import mode

from gateway_support import free_port
from restart_support import SOON, ibkr, way_back

from v6.config.settings import TwsProcess as Settings
from v6.gateway import sockets
from v6.gateway.connection import Silent
from v6.gateway.process import RESTART, TwsProcess
from v6.journal import database, events
from v6.restart.recovery.reconnect import NotReached

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

PATIENT = replace(SOON, total=60.0, hung=2.0)
STUCK = """
import signal, socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
signal.pause()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


@pytest.fixture
def hung(port: int) -> Iterator["subprocess.Popen[str]"]:
    """Listens and never accepts; whatever listens there in the end is ended too."""
    command = [sys.executable, "-c", STUCK, str(port)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    found = sockets.listener("127.0.0.1", port)
    if found is not None and found.pid is not None:
        os.kill(found.pid, signal.SIGKILL)
    child.kill()
    child.communicate()
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass


def process(port: int, db: sqlite3.Connection, **changes: object) -> TwsProcess:
    settings = {
        "start_command": (),
        "stop_command": (),
        "java_heap": "4096m",
        "startup_seconds": 30.0,
        "hung_after_seconds": 2.0,
        "max_restarts": 3,
        "per_hours": 6.0,
        **changes,
    }
    return TwsProcess(Settings.model_validate(settings), ibkr(port), db, Silent())


def simulator(port: int) -> tuple[str, ...]:
    return (sys.executable, "-m", "v6.simulator", "--fast", "--port", str(port), "--at", "2026-11-24 00:10")


async def reached(port: int, home: Path, tws: TwsProcess) -> list[str]:
    """What was seen on the way to a TWS that has answered a question."""
    way = way_back(port, home / "var" / "leases", PATIENT, mend_hung=tws.end_hung, mend_absent=tws.start)
    gateway = await way.connect()
    await gateway.close_async()
    return way.seen.causes


def test_it_is_ended_and_started_and_then_answers(
    hung: "subprocess.Popen[str]", port: int, home: Path, db: sqlite3.Connection
) -> None:
    seen = asyncio.run(reached(port, home, process(port, db, start_command=simulator(port))))
    assert hung.wait(10) == -signal.SIGTERM
    assert any(f"pid {hung.pid} was ended by SIGTERM; TWS listens after" in cause for cause in seen)
    (restart,) = events.recent(db, RESTART)
    assert "connections wait to be accepted" in restart.text


def test_one_that_is_absent_is_started(
    port: int, home: Path, hung: "subprocess.Popen[str]", db: sqlite3.Connection
) -> None:
    hung.terminate()
    hung.wait(10)
    seen = asyncio.run(reached(port, home, process(port, db, start_command=simulator(port))))
    assert any("TWS listens after" in cause for cause in seen)


@pytest.mark.parametrize("changes", [{}, {"start_command": ("false",), "max_restarts": 0}])
def test_without_leave_to_end_it_a_person_is_told_and_it_lives(
    hung: "subprocess.Popen[str]", port: int, home: Path, db: sqlite3.Connection, changes: dict[str, object]
) -> None:
    short = replace(PATIENT, total=6.0)
    tws = process(port, db, **changes)
    way = way_back(port, home / "var" / "leases", short, mend_hung=tws.end_hung, mend_absent=tws.start)
    with pytest.raises(NotReached, match="mute_before_handshake"):
        asyncio.run(way.connect())
    assert hung.poll() is None
    assert len(events.undelivered(db)) == 1
