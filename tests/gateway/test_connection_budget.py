"""Connections an hour and a day are a budget of this home: told before it is reached, kept by all processes (L29)."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gateway_support import HANDSHAKE, frame, free_port, ibkr, raw_tws

from v6.gateway import connection_budget
from v6.gateway.client import Gateway, connect
from v6.gateway.connection_budget import ConnectionBudget, ConnectionBudgetSpent, Limit, NoRoomForRetries, limits
from v6.gateway.errors import ConnectCause, ConnectFailed
from v6.journal import connection_attempts
from v6.journal.connection_attempts import Attempt
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

USED_ID = frame(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")
COUNT_TEN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from gateway_support import ibkr
from v6.gateway.connection import Silent
from v6.gateway.connection_budget import ConnectionBudget, ConnectionBudgetSpent
settings = ibkr(1, connections_per_hour=25)
print("ready", flush=True)
sys.stdin.readline()
counted = 0
for _ in range(10):
    try:
        ConnectionBudget(settings, Path(sys.argv[1]), "one of four", Silent()).count(refuse=True)
        counted += 1
    except ConnectionBudgetSpent:
        pass
print(counted)
"""
DIE_COUNTING = """
import os, sys
from pathlib import Path
from v6.journal import connection_attempts
with connection_attempts.opened(Path(sys.argv[1])) as book:
    book.add("a crash")
    os.kill(os.getpid(), 9)
"""


class Said:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def debug(self, message: str, /) -> None: ...
    def info(self, message: str, /) -> None: ...

    def warning(self, message: str, /) -> None:
        self.words.append(message)


def budget(leases: Path, task: str = "a task", log: Said | None = None, **limits: int) -> ConnectionBudget:
    return ConnectionBudget(ibkr(1, **limits), leases, task, log or Said())


def in_the_last_hour(leases: Path) -> int:
    return connection_budget.used(ibkr(1), leases)[0].used


def shift(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", str(seconds))


@pytest.mark.both_libraries
def test_l29_beyond_the_budget_a_connection_is_refused_before_tws_sees_it(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    budget(leases, "collect_again").count(refuse=True)
    for _ in range(2):
        with gateway(tws.port, connections_per_hour=3) as gw:
            gw.current_time()
    with pytest.raises(ConnectionBudgetSpent) as spent, gateway(tws.port, connections_per_hour=3):
        pass
    assert spent.value.recoverable
    said, _, free = str(spent.value).partition("; the next is free at ")
    assert said == "3 of 3 connections in the last hour (ibkr.connections_per_hour): a test 2, collect_again 1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d E[DS]T", free)
    assert tws.stats.connections == 2
    with gateway(tws.port, connections_per_hour=4):
        pass


def test_the_day_has_a_budget_of_its_own(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(4):
        shift(monkeypatch, hour * 3700)
        budget(leases).count(refuse=True)
    with pytest.raises(ConnectionBudgetSpent, match=r"4 of 4 connections in the last day \(ibkr.connections_per_day\)"):
        budget(leases, connections_per_day=4).count(refuse=True)


def test_a_fixed_client_id_is_counted_and_never_refused(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    """Orders and the way back after a restart come first."""
    for _ in range(2):
        with gateway(tws.port, client_id=9, connections_per_hour=1):
            pass
    assert in_the_last_hour(leases) == 2
    with pytest.raises(ConnectionBudgetSpent), gateway(tws.port, connections_per_hour=1):
        pass


def test_what_fails_after_tcp_counts_each_time_and_what_never_reached_tws_does_not(
    gateway: Callable[..., Gateway], leases: Path
) -> None:
    def every_id_in_use(connection: socket.socket) -> None:
        for answer in (HANDSHAKE, USED_ID):
            connection.recv(65536)
            connection.sendall(answer)

    with raw_tws(every_id_in_use) as tws, pytest.raises(ConnectFailed), gateway(tws.port):
        pass
    assert len(tws.accepted) == in_the_last_hour(leases) == 5
    for _ in range(3):
        with pytest.raises(ConnectFailed) as refused, gateway(free_port()):
            pass
        assert refused.value.cause is ConnectCause.REFUSED
    assert in_the_last_hour(leases) == 5


def test_a_person_is_told_before_a_limit_is_reached(leases: Path) -> None:
    told: list[Limit] = []
    settings = ibkr(1, connections_per_hour=10, connections_per_day=12)
    for _ in range(10):
        ConnectionBudget(settings, leases, "a task", Said(), told.append).count(refuse=True)
    assert [(limit.span, limit.used) for limit in told] == [("hour", 8), ("hour", 9), ("hour", 10), ("day", 10)]
    assert told[0].words == "8 of 10 connections in the last hour (ibkr.connections_per_hour): a task 8"
    assert not told[0].spent


DEFAULT = ibkr(1, connections_per_hour=60, connections_per_day=600)


@pytest.mark.parametrize(("attempt", "let_through"), [(1, 60), (2, 36), (3, 18), (6, 18)])
def test_the_more_a_run_has_tried_the_sooner_the_hour_has_no_room_for_it(attempt: int, let_through: int) -> None:
    known = [Attempt(float(number), 1, "a task") for number in range(60)]
    found = [limits(DEFAULT, known[:used], 100.0) for used in range(61)]
    assert sum(hour.leaves_room(attempt) for hour, _ in found) == let_through
    assert all(day.leaves_room(attempt) for _, day in found)


def test_a_retry_is_refused_before_a_first_attempt_and_says_so(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    for _ in range(6):
        budget(leases, connections_per_hour=10).count(refuse=True)
    again = gateway(tws.port, connections_per_hour=10)
    again.attempt = 2
    with (
        pytest.raises(NoRoomForRetries, match=r"^6 of 10 connections in the last hour .*kept for first attempts"),
        again,
    ):
        pass
    with gateway(tws.port, connections_per_hour=10):
        pass


SLOTS = [300.0 * number for number in range(30) for _ in ("options", "futures")] + [900.0 * n for n in range(10)]
SESSION = [7.0, 30.0, 70.0, 140.0, 270.0] + [580 + 310.0 * number for number in range(25)]


@pytest.mark.parametrize("mended", [30, 45, 58, 90])
def test_after_an_outage_of_a_mute_tws_no_slot_and_no_session_is_refused(mended: int) -> None:
    """Until that minute each run of the collectors and of health_check fails and has two retries; the session goes on
    connecting as it does after failures."""
    tries = [(at, 1, True) for at in SLOTS] + [(at, 1, False) for at in SESSION]
    known: list[Attempt] = []
    while tries:
        at, attempt, retried = first = min(tries)
        tries.remove(first)
        let_through = all(limit.leaves_room(attempt) for limit in limits(DEFAULT, known, at))
        assert let_through or attempt > 1, f"refused in minute {at / 60:.0f}"
        known += [Attempt(at, 1, "")] * let_through
        if retried and at < 60 * mended and attempt < 3:
            tries.append((at + 15.0 * let_through + 5.0 * attempt, attempt + 1, True))


def test_it_is_free_again_an_hour_later(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget(leases).count(refuse=True)
    with pytest.raises(ConnectionBudgetSpent):
        budget(leases, connections_per_hour=1).count(refuse=True)
    shift(monkeypatch, 3601)
    budget(leases, connections_per_hour=1).count(refuse=True)


def test_after_the_clock_went_back_what_is_yet_to_come_is_dropped_and_said(
    leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Said()
    shift(monkeypatch, 7200)
    budget(leases).count(refuse=True)
    shift(monkeypatch, 0)
    budget(leases, log=log, connections_per_hour=1).count(refuse=True)
    assert log.words == ["1 counted connections are yet to come: the clock went back, dropped"]
    shift(monkeypatch, 7200)
    assert in_the_last_hour(leases) == 0


@pytest.mark.parametrize("spoilt", ["12", "not a time 1 a task\n", "nan 1 x\n", "\0\0\0\n", "1.5\n", "é\n"])
def test_a_line_that_cannot_be_read_is_said_once_and_stops_nobody(leases: Path, spoilt: str) -> None:
    budget(leases).count(refuse=True)
    with (leases / "connections").open("a") as file:
        file.write(spoilt)
    log = Said()
    for _ in range(2):
        budget(leases, log=log, connections_per_hour=3).count(refuse=True)
    assert log.words == ["1 unreadable lines among the counted connections are dropped"]
    assert in_the_last_hour(leases) == 3


def test_a_torn_last_line_does_not_spoil_the_next_one(leases: Path) -> None:
    budget(leases).count(refuse=True)
    whole = (leases / "connections").read_text()
    (leases / "connections").write_text(whole.removesuffix("\n"))
    budget(leases).count(refuse=True)
    assert in_the_last_hour(leases) == 2


def test_a_budget_that_cannot_be_written_down_is_said_and_stops_nobody(
    tws: SimulatedTWS, gateway: Callable[..., Gateway], leases: Path
) -> None:
    (leases / "connections").mkdir(parents=True)
    log = Said()
    with gateway(tws.port, log=log) as gw:
        assert gw.connected
    assert "a connection that the budget does not count" in log.words[0]
    with pytest.raises(ConnectFailed), gateway(free_port(), log=log):
        pass


def test_the_file_keeps_a_day_and_not_for_ever(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{time.time() - 90000 + number:.3f} 1 an old task\n" for number in range(connection_attempts.STALE + 1)]
    leases.mkdir(parents=True)
    (leases / "connections").write_text("".join(lines))
    budget(leases).count(refuse=True)
    [line] = (leases / "connections").read_text().splitlines()
    assert line.endswith(f" {os.getpid()} a task")


def test_processes_at_once_never_pass_it_together(leases: Path) -> None:
    command = [sys.executable, "-c", COUNT_TEN, str(leases), str(Path(__file__).parent)]
    racing = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert sum(int(process.communicate(timeout=60)[0]) for process in racing) == 25
    assert in_the_last_hour(leases) == 25


def test_a_process_killed_while_it_counts_blocks_nobody(leases: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIE_COUNTING, str(leases)], timeout=60, check=False)
    assert died.returncode == -9
    budget(leases).count(refuse=True)
    assert in_the_last_hour(leases) == 2


def test_the_tasks_of_a_name_with_spaces_are_counted_as_one(leases: Path) -> None:
    for task in ("a task", "a\n task", ""):
        budget(leases, task).count(refuse=True)
    assert connection_budget.used(ibkr(1), leases)[0].by == (("a task", 2), ("", 1))


def test_other_homes_have_budgets_of_their_own(tws: SimulatedTWS, leases: Path, tmp_path: Path) -> None:
    budget(leases).count(refuse=True)
    with connect(ibkr(tws.port, connections_per_hour=1), purpose="checks", leases=tmp_path / "other") as gw:
        assert gw.connected
