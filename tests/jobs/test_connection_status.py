"""How the connection stands, in the operator's words: never better than the kernel shows, and never without its age."""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from desk import Desk
from loguru import logger

from v6 import clock, file_locks
from v6.analysis.findings import Finding, State
from v6.checks import connection, market_session
from v6.checks.connection import ConnectionStatus, connection_status
from v6.config.load import load
from v6.gateway import client_ids
from v6.gateway.errors import ConnectFailed, RequestTimeout
from v6.journal import connections, events, runs, session_cycles
from v6.paths import Paths
from v6.runner import signals
from v6.runner.context import Context
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

COLLECTOR = "collect_option_snapshots"
SAYS_AND_DIES = """
import os, sys
from pathlib import Path
from v6.journal import connections, database
connections.say(database.connect(sys.argv[1]), sys.argv[2], sys.argv[3], client_id=10)
os.kill(os.getpid(), 9)
"""


def context(task: str = "a_task") -> Context:
    paths = Paths.locate()
    return Context(task, None, argparse.Namespace(), load(paths, {}), paths, logger, clock.monotonic() + 60)


def status() -> ConnectionStatus:
    ctx = context()
    with closing(ctx.journal) as db:
        return connection_status(db, ctx.paths, ctx.config)


def say(desk: Desk, task: str, state: str, detail: str = "", attempts: int = 0, client_id: int | None = None) -> None:
    with closing(desk.journal()) as db:
        connections.say(db, task, state, detail, attempts=attempts, client_id=client_id)


def dead(desk: Desk, task: str, state: str) -> None:
    """A process that has said so and was killed."""
    desk.journal().close()
    command = [sys.executable, "-c", SAYS_AND_DIES, str(desk.home / "var" / "v6.db"), task, state]
    assert subprocess.run(command, timeout=60, check=False).returncode == -9


@contextmanager
def session_lock(desk: Desk) -> Iterator[None]:
    """Held as a running session holds it."""
    locks = desk.home / "var" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / connections.SESSION_LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# what the operator reads


def test_before_anything_connected_nothing_is_claimed(desk: Desk) -> None:
    found = status()
    assert found.words == "Disconnected (nothing has connected yet)"
    assert found.age is None


def test_a_run_is_connected_while_it_is_and_waits_for_its_next_cycle_afterwards(desk: Desk) -> None:
    with context().gateway("checks") as gateway:
        gateway.current_time()
        found = status()
        assert (found.words, found.task) == ("API Connected", "a_task")
        assert found.evidence[-1].startswith(f"sockets of process {os.getpid()} to port ")
        assert found.evidence[-1].endswith(": ESTABLISHED")
        desk.at("20:30")
        assert status().words == "API Connected (Market Closed)"
        desk.at("10:00")
    assert status().words == "Waiting for cycle"


def test_every_status_has_its_age(desk: Desk) -> None:
    say(desk, "a_task", connections.WAITING)
    desk.at("10:07")
    found = status()
    assert found.age is not None
    assert timedelta(minutes=6, seconds=50) < found.age < timedelta(minutes=7, seconds=50)
    desk.at("09:00")
    assert status().age == timedelta(), "what is yet to come was said before the clock went back"


def test_a_failure_is_disconnected_with_its_verdict_until_something_succeeds(desk: Desk, tws: SimulatedTWS) -> None:
    tws.set(refuse=True)
    with pytest.raises(ConnectFailed), context().gateway("checks"):
        pass
    assert status().words == "Disconnected (refused)"
    tws.set(refuse=False)
    with context("another_task").gateway("checks"):
        pass
    assert status().words == "Waiting for cycle"


def test_a_connection_that_tws_ended_is_not_called_waiting(desk: Desk, tws: SimulatedTWS) -> None:
    with context().gateway("checks") as gateway:
        tws.drop_all()
        with pytest.raises(Exception, match=r"current time|connection"):
            gateway.current_time()
    assert status().words.startswith("Disconnected (")


def test_a_live_connection_comes_before_a_later_word_of_another_task(desk: Desk) -> None:
    with context().gateway("checks"):
        say(desk, "another_task", connections.WAITING)
        assert status().words == "API Connected"


def test_a_listening_port_is_never_taken_for_a_connection(desk: Desk, tws: SimulatedTWS) -> None:
    """This very process listens on the port, leases the id, and says that it is connected."""
    leases = desk.home / "var" / "leases"
    with client_ids.take(leases, 10, 10, "a_task"):
        say(desk, "a_task", connections.CONNECTED, client_id=10)
        found = status()
        assert found.words == "Disconnected (no established socket)"
        assert f"to port {tws.port}: none" in found.evidence[-1]


def test_somebody_elses_connection_is_not_taken_for_ours(desk: Desk) -> None:
    with context().gateway("checks") as gateway:
        say(desk, "a_task", connections.CONNECTED, client_id=gateway.client_id + 1)
        assert status().words == "Disconnected (its client id is not leased)"


@pytest.mark.parametrize("state", [connections.CONNECTED, connections.RECONNECTING])
def test_a_connection_whose_process_was_killed_is_over(desk: Desk, state: str) -> None:
    dead(desk, "a_task", state)
    found = status()
    assert found.words == "Disconnected (its process has died)"
    assert found.age is not None


def test_a_killed_process_that_was_not_connected_changes_nothing(desk: Desk) -> None:
    dead(desk, "a_task", connections.WAITING)
    assert status().words == "Waiting for cycle"


def test_the_living_sessions_word_comes_first_and_a_dead_ones_does_not(desk: Desk) -> None:
    say(desk, connections.SESSION, connections.RECONNECTING, "refused", attempts=3)
    say(desk, "a_task", connections.WAITING)
    with session_lock(desk):
        found = status()
        assert (found.words, found.task) == ("Reconnecting (3)", connections.SESSION)
    assert status().words == "Waiting for cycle"


def test_inside_a_restart_window_nothing_else_is_expected(desk: Desk) -> None:
    say(desk, "a_task", connections.DISCONNECTED, "refused")
    desk.at("05:50")
    found = status()
    assert found.words == "Restart window"
    assert found.since == desk.slot("05:45")
    assert "before: Disconnected (refused)" in found.evidence


def test_l30_what_cannot_be_looked_at_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def closed_to_us(_pid: int, _port: int) -> list[str]:
        raise psutil.AccessDenied

    with context().gateway("checks"):
        monkeypatch.setattr(connection, "_states", closed_to_us)
        assert any("could not look at the sockets" in line for line in status().evidence)
        monkeypatch.setattr(file_locks, "TABLE", tmp_path / "not there")
        (desk.home / "var" / "compiled" / "schedule.txt").unlink()
        with session_lock(desk):
            said = "; ".join(status().evidence)
    assert "could not look whether a market session runs" in said
    assert "could not look: who leases a client id" in said
    assert "could not look at the schedule" in said


@pytest.mark.parametrize(("task", "minutes"), [(connections.SESSION, 5), ("health_check", 61), ("a_task", 61)])
def test_l25_a_connection_that_proves_nothing_any_more_is_not_called_connected(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, task: str, minutes: int
) -> None:
    """A process that hangs: its socket and its lease are there all the while."""
    monkeypatch.setattr(clock, "shifted", lambda: None)
    with context(task).gateway("checks"):
        assert status().words == "API Connected"
        desk.at(f"{10 + minutes // 60}:{minutes % 60:02}")
        found = status()
    assert found.words.startswith("Disconnected (nothing proven for ")
    assert found.age is not None
    assert found.age >= timedelta(minutes=minutes - 1)


def test_an_answer_that_is_overdue_is_a_doubt_and_no_connection(desk: Desk) -> None:
    say(desk, connections.SESSION, connections.RECONNECTING, "in doubt, 1 of 3: no answer to a ping within 5 s")
    with session_lock(desk):
        found = status()
    assert (found.words, found.connected) == ("Reconnecting (in doubt)", False)
    assert "no answer to a ping" in found.evidence[0]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("refused", "refused"),
        ("connection lost: TWS closed the connection", "connection lost"),
        ("both ib_insync and ib_async are\ninstalled: pip uninstall one of them", "could not connect"),
        ("", "could not connect"),
    ],
)
def test_the_verdict_of_a_status_is_a_word_of_a_short_list(desk: Desk, said: str, shown: str) -> None:
    say(desk, "a_task", connections.DISCONNECTED, said)
    found = status()
    assert found.words == f"Disconnected ({shown})"
    assert said in found.evidence[0]


def test_what_a_person_has_tried_with_another_tws_says_nothing_of_this_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with context().gateway("checks"):
        pass
    with monkeypatch.context() as shell:
        shell.setenv("IBKR_PORT", "1")
        there = Context(
            "b", None, argparse.Namespace(), load(Paths.locate()), Paths.locate(), logger, clock.monotonic()
        )
        with pytest.raises(ConnectFailed), there.gateway("checks"):
            pass
    assert (status().words, status().task) == ("Waiting for cycle", "a_task")


# what the run tells the journal


@pytest.mark.parametrize(
    "ended_by", [signals.Terminated(signal.SIGTERM), RequestTimeout("the current time", 5)], ids=str
)
def test_l24_a_run_that_was_not_answered_is_not_called_waiting(
    desk: Desk, tws: SimulatedTWS, ended_by: BaseException
) -> None:
    gateway = context().gateway("checks")

    def end(*_: object) -> None:
        if gateway.connection.receiver.answers:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise ended_by

    def ask() -> None:
        with gateway:
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            gateway.current_time()

    tws.set(mute_after_start=True)
    before = signal.signal(signal.SIGALRM, end)
    try:
        with pytest.raises(type(ended_by)):
            ask()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert status().words == "Disconnected (a question was not answered)"


def test_l29_a_person_is_told_once_before_the_budget_is_spent(desk: Desk) -> None:
    desk.configure({"ibkr": {"connections_per_hour": 5}})
    for _ in range(5):
        with context().gateway("checks"):
            pass
    with closing(desk.journal()) as db:
        [alert] = events.undelivered(db)
    assert alert.title == "connections to TWS are nearly used up"
    assert "4 of 5 connections in the last hour (ibkr.connections_per_hour): a_task 4" in alert.body
    found = market_session.budget(context())
    assert found.state is State.FAILED
    assert "5 of 5 connections in the last hour" in found.evidence


def test_a_retry_is_one_for_the_budget_and_the_sessions_connection_never_is(home: Path) -> None:
    ctx = context()
    ctx.attempt = 2
    assert (ctx.gateway("checks").attempt, ctx.unsaid_gateway("checks").attempt) == (2, 1)


def test_who_says_its_own_status_is_not_spoken_for(desk: Desk) -> None:
    with context().unsaid_gateway("checks") as gateway:
        assert gateway.connected
    assert status().words == "Disconnected (nothing has connected yet)"


# what health_check makes of it


@contextmanager
def session_connected(desk: Desk) -> Iterator[Context]:
    """A market session as far as others see it: its lock, its connection, its row."""
    ctx = context(connections.SESSION)
    with session_lock(desk), ctx.gateway("checks"):
        yield ctx


def test_l29_a_recent_round_trip_of_the_session_spares_a_connection(desk: Desk, tws: SimulatedTWS) -> None:
    with session_connected(desk):
        proof = market_session.gateway(context("health_check"))
        assert proof.state is State.OK
        assert "the market session's round trip" in proof.evidence
        assert tws.stats.connections == 1
        desk.at("10:05")
        assert "answered in" in market_session.gateway(context("health_check")).evidence
        assert tws.stats.connections == 2


def test_what_the_session_knows_to_be_away_is_not_well_and_fails_when_it_lasts(desk: Desk, tws: SimulatedTWS) -> None:
    def look() -> Finding:
        with closing(desk.journal()) as db:
            row = next(known for known in connections.known(db) if known.task == connections.SESSION)
            connections.say(db, row.task, row.status, client_id=row.client_id, away=away)
        return market_session.gateway(context("health_check"))

    with session_connected(desk):
        away = "data farms down: usfarm"
        assert look().state is State.COULD_NOT_CHECK, "farms are away for seconds on many days"
        desk.at_instant(desk.slot("10:00") + timedelta(seconds=55))
        assert look().state is State.COULD_NOT_CHECK
        desk.at("10:03")
        found = look()
        assert found.state is State.FAILED
        assert found.evidence.startswith("data farms down: usfarm; away for 3 min; the market session's round trip")
        away = ""
        assert look().state is State.OK
        away = "TWS has lost IBKR"
        assert look().state is State.COULD_NOT_CHECK, "another outage, which has only begun"
    assert tws.stats.connections == 1


def test_without_a_session_health_check_asks_tws_itself(desk: Desk, tws: SimulatedTWS) -> None:
    assert "answered in" in market_session.gateway(context("health_check")).evidence
    assert tws.stats.connections == 1


@pytest.fixture
def persistent(desk: Desk) -> Desk:
    desk.configure({"ibkr": {"persistent_connection": True}})
    return desk


def test_a_session_that_is_not_wanted_or_not_needed_is_no_finding(desk: Desk) -> None:
    assert market_session.session(context()).state is State.OK
    desk.configure({"ibkr": {"persistent_connection": True}})
    desk.at("18:00")
    assert "not needed: post_market" in market_session.session(context()).evidence


def test_a_session_that_should_run_and_does_not_is_a_failure(persistent: Desk) -> None:
    assert "has never begun" in market_session.session(context()).evidence
    say(persistent, connections.SESSION, connections.CONNECTED)
    assert market_session.session(context()).state is State.COULD_NOT_CHECK, "it is begun anew within five minutes"
    persistent.at("10:10")
    found = market_session.session(context())
    assert found.state is State.FAILED
    assert "no process holds it, its last word 10 min ago was connected" in found.evidence


def test_a_session_that_is_connected_is_well_and_one_that_is_not_is_not(persistent: Desk) -> None:
    with session_connected(persistent):
        found = market_session.session(context())
        assert found.state is State.OK
        assert "API Connected" in found.evidence
        say(persistent, connections.SESSION, connections.RECONNECTING, "mute", attempts=2)
        assert market_session.session(context()).state is State.COULD_NOT_CHECK, "no message to a person yet"
        persistent.at("10:03")
        say(persistent, connections.SESSION, connections.RECONNECTING, "mute", attempts=3)
        found = market_session.session(context())
    assert found.state is State.FAILED
    assert "Reconnecting (3)" in found.evidence


def cycles(desk: Desk, *outcomes: str) -> None:
    """Of the options collector, one a slot from 09:35 on."""
    with closing(desk.journal()) as db:
        for number, outcome in enumerate(outcomes):
            slot = desk.slot("09:35") + timedelta(minutes=5 * number)
            session_cycles.begin(db, COLLECTOR, slot)
            session_cycles.end(db, COLLECTOR, slot, outcome, "no quote came")


def ended_by_itself(desk: Desk, task: str, wall: str, outcome: str = "success") -> None:
    desk.at(wall)
    with closing(desk.journal()) as db:
        run = runs.start_attempt(db, task=task, slot=None, attempt=1, pid=1, log_file="")
        runs.finish_attempt(db, run, runs.Ended(outcome, 0, 1.0, 1.0, 1.0, "2 cycles; ended: 180 MB of memory"))


def test_a_session_whose_cycles_fail_one_after_another_is_a_failure_although_cron_collects(persistent: Desk) -> None:
    with session_connected(persistent):
        cycles(persistent, "failed", "success", "failed", "success")
        assert market_session.session(context()).state is State.OK
        cycles(persistent, "failed", "success", "failed", "success", "failed")
        found = market_session.session(context())
        assert found.state is State.FAILED
        assert "3 of its 5 cycles in 30 min failed, cron's runs take its slots over" in found.evidence
        assert f"the last: {COLLECTOR} no quote came" in found.evidence
        persistent.at("10:06")
        assert market_session.session(context()).state is State.OK


def test_a_session_that_ends_by_itself_again_and_again_is_a_failure(persistent: Desk) -> None:
    ended_by_itself(persistent, connections.SESSION, "10:00")
    ended_by_itself(persistent, "resume_market_session", "10:05", "skip")
    with session_connected(persistent):
        assert market_session.session(context()).state is State.OK
        ended_by_itself(persistent, "resume_market_session", "10:50")
        found = market_session.session(context())
        assert found.state is State.FAILED
        assert "ended by itself 2 times in 1 h 0 min, the last time: 2 cycles; ended: 180 MB" in found.evidence
        persistent.at("11:01")
        assert market_session.session(context()).state is State.OK


def test_l25_a_session_that_proves_nothing_any_more_is_a_failure(
    persistent: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_connected(persistent):
        persistent.at("10:05")
        assert market_session.session(context()).state is State.OK, "the rehearsed clock was stepped"
        monkeypatch.setattr(clock, "shifted", lambda: None)
        found = market_session.session(context())
    assert found.state is State.FAILED
    assert "Disconnected (nothing proven for 5 min)" in found.evidence
