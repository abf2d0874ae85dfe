"""A program that lives through a restart: it is called at every step, whoever made it, and misses none."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from gateway_support import ibkr
from one_night import DAILY, TONIGHT, SetClock, ny

from v6 import clock
from v6.gateway.client import connect as connect_gateway
from v6.gateway.errors import GatewayError
from v6.journal import events
from v6.journal.database import connect
from v6.model import RecoverableError
from v6.restart.manager import EVENT, TWSRestartManager
from v6.restart.monitoring import Callback, Monitor, Step, probe_of
from v6.restart.states import Event, State
from v6.simulator.testing import simulated_tws

NEXT = {
    State.PRE_RESTART: Event.PREPARED,
    State.RECONNECTING: Event.CONNECTED,
    State.VALIDATING: Event.VALIDATED,
}


@pytest.fixture
def at(set_clock: SetClock) -> SetClock:
    set_clock("2026-11-23 23:30")
    return set_clock


class Tws:
    """What a probe sees: set by the test."""

    def __init__(self) -> None:
        self.listener: str | None = "inode 1"
        self.trouble: Exception | None = None

    def __call__(self) -> str | None:
        if self.trouble is not None:
            raise self.trouble
        return self.listener


class Program:
    """Functions for every state, which answer as told, and what they were called with."""

    def __init__(self, answers: dict[State, Event] | None = None) -> None:
        self.answers = answers or {}
        self.called: list[Step] = []
        self.seen = {state: threading.Event() for state in State}

    def callbacks(self) -> dict[State, Callback]:
        return dict.fromkeys(State, self.call)

    def call(self, step: Step) -> Event | None:
        self.called.append(step)
        self.seen[step.state].set()
        return self.answers.get(step.state)

    def states(self) -> list[State]:
        return [step.state for step in self.called]


@pytest.fixture
def tws() -> Tws:
    return Tws()


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def monitor(manager: TWSRestartManager, program: Program, tws: Tws) -> Monitor:
    """One that has looked once, at 23:30."""
    monitor = Monitor(manager, program.callbacks(), tws)
    monitor.look()
    return monitor


def audit(db: sqlite3.Connection) -> list[str]:
    return [f"{event.details['from']} {event.details['event']}" for event in reversed(events.recent(db, EVENT, 99))]


# what it says


def test_five_minutes_before_a_window_it_says_so_once(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, program: Program
) -> None:
    for moment in ("23:39:30", "23:40:01", "23:40:31", "23:41:01"):
        at(f"2026-11-23 {moment}")
        monitor.look()
    assert program.states() == [State.PRE_RESTART]
    assert (manager.current().window, manager.current().start) == ("daily_restart", TONIGHT.start)


def test_what_pre_restart_has_said_is_not_said_again(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, program: Program, db: sqlite3.Connection
) -> None:
    at("2026-11-23 23:40")
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    monitor.look()
    assert audit(db) == ["normal window_near"]
    assert [step.cause for step in program.called] == ["pre_restart begins"]


def test_a_restart_that_was_over_before_its_window_is_not_begun_again(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock
) -> None:
    at("2026-11-23 23:40")
    for event in (Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK, Event.CONNECTED, Event.VALIDATED):
        manager.step(event, "early", TONIGHT)
    monitor.look()
    assert manager.current().state is State.NORMAL


def test_a_window_that_was_tried_out_by_hand_in_the_afternoon_is_still_announced_at_night(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock
) -> None:
    at("2026-11-23 15:00")
    for event in (Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK, Event.CONNECTED, Event.VALIDATED):
        manager.step(event, "by hand", TONIGHT)
    at("2026-11-23 23:41")
    monitor.look()
    assert manager.current().state is State.PRE_RESTART


def test_a_step_that_came_and_went_between_two_looks_is_still_delivered_in_order(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, program: Program
) -> None:
    """pre_restart takes seconds, the loop looks every thirty: a program must not miss that it is to disconnect."""
    at("2026-11-23 23:40")
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    manager.step(Event.PREPARED, "saved")
    monitor.look()
    assert program.states() == [State.PRE_RESTART, State.RESTARTING]


def test_a_tws_that_goes_in_its_window_and_comes_back(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, tws: Tws, db: sqlite3.Connection
) -> None:
    at("2026-11-23 23:40")
    monitor.look()
    manager.step(Event.PREPARED, "saved")
    at("2026-11-23 23:44")
    monitor.look()
    assert manager.current().state is State.RESTARTING, "TWS is still there: it is not back, it has not gone"
    tws.listener = None
    at("2026-11-23 23:45:20")
    monitor.look()
    monitor.look()
    tws.listener = "inode 2"
    at("2026-11-23 23:46:20")
    monitor.look()
    assert manager.current().state is State.RECONNECTING
    assert audit(db) == ["normal window_near", "pre_restart prepared", "restarting tws_gone", "restarting tws_back"]


def test_a_restart_between_two_looks_is_seen_by_another_listener(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, tws: Tws
) -> None:
    at("2026-11-23 23:40")
    monitor.look()
    manager.step(Event.PREPARED, "saved")
    monitor.look()
    tws.listener = "inode 2"
    at("2026-11-23 23:45:40")
    monitor.look()
    assert manager.current().state is State.RECONNECTING


def test_a_restart_that_never_came_ends_with_its_window(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock
) -> None:
    at("2026-11-23 23:40")
    monitor.look()
    manager.step(Event.PREPARED, "saved")
    at("2026-11-24 00:04")
    monitor.look()
    assert manager.current().state is State.RESTARTING
    at("2026-11-24 00:05:10")
    monitor.look()
    assert manager.current().state is State.RECONNECTING


@pytest.mark.parametrize("now", [None, "inode 2"])
def test_a_tws_that_goes_outside_of_every_window_belongs_to_none(
    monitor: Monitor, at: SetClock, tws: Tws, program: Program, now: str | None
) -> None:
    at("2026-11-23 14:00")
    tws.listener = now
    monitor.look()
    assert (program.called[0].state, program.called[0].window) == (State.RESTARTING, "")
    assert program.states() == ([State.RESTARTING] if now is None else [State.RESTARTING, State.RECONNECTING])


def test_another_tws_that_a_job_has_validated_since_is_no_news(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, tws: Tws, program: Program
) -> None:
    at("2026-11-23 23:46")
    tws.listener = "inode 2"
    for event in (Event.TWS_BACK, Event.CONNECTED, Event.VALIDATED):
        manager.step(event, "recover_restart")
    monitor.look()
    assert program.states() == [State.RECONNECTING, State.VALIDATING, State.NORMAL]


def test_what_it_cannot_look_at_is_neither_gone_nor_back_l30(
    monitor: Monitor, at: SetClock, tws: Tws, program: Program
) -> None:
    tws.trouble = GatewayError("the table cannot be read")
    monitor.look()
    assert program.called == []
    assert monitor.trouble == "could not look at TWS: the table cannot be read"
    tws.trouble = None
    monitor.look()
    assert monitor.trouble == ""


def test_a_restart_that_is_not_over_is_found_by_the_program_too_l25(
    monitor: Monitor, manager: TWSRestartManager, at: SetClock, tws: Tws, db: sqlite3.Connection
) -> None:
    manager.step(Event.WINDOW_NEAR, "pre_restart begins, and is killed", TONIGHT)
    at("2026-11-24 00:16")
    monitor.look()
    assert manager.current().state is State.DEGRADED
    assert len(events.alerts_since(db, ny("2026-11-23 00:00"))) == 1


# what the program answers


def test_the_programs_answers_lead_through_the_whole_restart(
    manager: TWSRestartManager, at: SetClock, tws: Tws, db: sqlite3.Connection
) -> None:
    program = Program(NEXT)
    monitor = Monitor(manager, program.callbacks(), tws)
    monitor.look()
    at("2026-11-23 23:40")
    monitor.look()
    tws.listener = None
    at("2026-11-23 23:45:10")
    monitor.look()
    tws.listener = "inode 2"
    at("2026-11-23 23:46")
    monitor.look()
    assert manager.current().state is State.NORMAL
    assert program.states() == [
        State.PRE_RESTART,
        State.RESTARTING,
        State.RESTARTING,
        State.RECONNECTING,
        State.VALIDATING,
        State.NORMAL,
    ]


def test_a_function_that_fails_is_a_degraded_restart_with_its_reason(
    manager: TWSRestartManager, at: SetClock, tws: Tws
) -> None:
    def cannot(_step: Step) -> Event | None:
        raise RecoverableError("the account is not there")

    monitor = Monitor(manager, {State.RECONNECTING: cannot}, tws)
    monitor.look()
    manager.step(Event.TWS_BACK, "post_restart begins", TONIGHT)
    monitor.look()
    where = manager.current()
    assert (where.state, where.cause) == (
        State.DEGRADED,
        "reconnecting: the account is not there (seen by a running program)",
    )


def test_functions_that_lead_in_a_circle_do_not_keep_the_loop_for_ever(
    manager: TWSRestartManager, tws: Tws, db: sqlite3.Connection
) -> None:
    program = Program({State.DEGRADED: Event.TWS_BACK, State.RECONNECTING: Event.FAILED})
    monitor = Monitor(manager, program.callbacks(), tws)
    monitor.look()
    manager.step(Event.FAILED, "no data")
    monitor.look()
    assert len(program.called) == 12


# a locked journal


def test_a_locked_journal_is_waited_out_and_nothing_is_lost(
    home: Path, at: SetClock, tws: Tws, manager: TWSRestartManager
) -> None:
    program = Program(NEXT)
    with closing(connect(home / "v6.db")) as own, closing(connect(home / "v6.db")) as other:
        own.execute("PRAGMA busy_timeout = 20")
        monitor = Monitor(TWSRestartManager(own, [DAILY]), program.callbacks(), tws)
        monitor.look()
        at("2026-11-23 23:40")
        other.execute("BEGIN IMMEDIATE")
        monitor.look()
        assert monitor.trouble == "the journal: database is locked"
        assert program.called == []
        other.execute("ROLLBACK")
        monitor.look()
        assert monitor.trouble == ""
        assert manager.current().state is State.RESTARTING


def test_an_answer_that_the_journal_did_not_take_is_given_at_the_next_look(
    home: Path, at: SetClock, tws: Tws, manager: TWSRestartManager
) -> None:
    with closing(connect(home / "v6.db")) as own, closing(connect(home / "v6.db")) as other:
        own.execute("PRAGMA busy_timeout = 20")
        called = []

        def connected(_step: Step) -> Event | None:
            called.append(1)
            other.execute("BEGIN IMMEDIATE")
            return Event.CONNECTED

        monitor = Monitor(TWSRestartManager(own, [DAILY]), {State.RECONNECTING: connected}, tws)
        monitor.look()
        manager.step(Event.TWS_BACK, "TWS is back", TONIGHT)
        monitor.look()
        assert monitor.trouble == "the journal: database is locked"
        other.execute("ROLLBACK")
        monitor.look()
        assert (manager.current().state, len(called)) == (State.VALIDATING, 1)


def test_another_listener_that_could_not_be_said_is_said_at_the_next_look(home: Path, at: SetClock, tws: Tws) -> None:
    with closing(connect(home / "v6.db")) as own, closing(connect(home / "v6.db")) as other:
        own.execute("PRAGMA busy_timeout = 20")
        manager = TWSRestartManager(own, [DAILY])
        monitor = Monitor(manager, {}, tws)
        monitor.look()
        tws.listener = "inode 2"
        other.execute("BEGIN IMMEDIATE")
        monitor.look()
        other.execute("ROLLBACK")
        monitor.look()
        assert manager.current().state is State.RECONNECTING


# in a thread, on an event loop


@pytest.mark.integration
@pytest.mark.both_libraries
def test_a_program_lives_through_a_restart_of_a_real_socket(
    home: Path, at: SetClock, manager: TWSRestartManager
) -> None:
    with simulated_tws() as tws:
        program = Program(NEXT)
        callbacks = program.callbacks()
        answered = []

        def reconnect(step: Step) -> Event | None:
            with connect_gateway(ibkr(tws.port), purpose="checks", leases=home / "leases") as gateway:
                answered.append(gateway.current_time())
            return program.call(step)

        callbacks[State.RECONNECTING] = reconnect
        monitoring = manager.start_monitoring(callbacks, probe_of("127.0.0.1", tws.port), interval=0.05)
        try:
            until(lambda: monitoring.monitor is not None and monitoring.monitor.last_look is not None)
            assert program.called == []
            at("2026-11-23 23:40")
            assert program.seen[State.RESTARTING].wait(20), "PREPARED is the program's own answer"
            at("2026-11-23 23:45")
            tws.control({"do": "restart", "refused_seconds": 0.5, "mute_seconds": 0, "farm_seconds": 0})
            assert program.seen[State.NORMAL].wait(30)
        finally:
            monitoring.stop()
        tws.require_sound()
    assert len(answered) == 1
    assert [state for state in program.states() if state is not State.RESTARTING] == [
        State.PRE_RESTART,
        State.RECONNECTING,
        State.VALIDATING,
        State.NORMAL,
    ]
    assert not monitoring.running


@pytest.mark.integration
def test_the_probe_connects_nowhere_l27(at: SetClock) -> None:
    with simulated_tws() as tws:
        probe = probe_of("127.0.0.1", tws.port)
        first = probe()
        assert [probe() for _ in range(50)] == [first] * 50
        assert first is not None
        assert tws.stats.connections == 0


def test_what_ends_the_loop_is_alerted_and_raised_at_its_stop_l25(
    manager: TWSRestartManager, db: sqlite3.Connection, tws: Tws
) -> None:
    tws.trouble = ZeroDivisionError("a defect in the program's probe")
    monitoring = manager.start_monitoring({}, tws, interval=0.01)
    until(lambda: not monitoring.running)
    with pytest.raises(ZeroDivisionError):
        monitoring.stop()
    [alert] = events.alerts_since(db, ny("2026-11-23 00:00"))
    assert alert.title == "a program no longer watches TWS's restart"


def test_the_callers_stop_event_ends_it(manager: TWSRestartManager, tws: Tws) -> None:
    stop = threading.Event()
    monitoring = manager.start_monitoring({}, tws, stop, interval=600)
    stop.set()
    until(lambda: not monitoring.running)
    monitoring.stop()


def test_on_an_event_loop_it_is_a_task_whose_functions_run_on_that_loop(
    manager: TWSRestartManager, at: SetClock, tws: Tws
) -> None:
    async def program() -> tuple[Step, bool]:
        stop, called = asyncio.Event(), asyncio.Queue[tuple[Step, bool]]()
        mine = threading.get_ident()

        def near(step: Step) -> Event | None:
            called.put_nowait((step, threading.get_ident() == mine))
            return None

        task = asyncio.create_task(manager.monitor({State.PRE_RESTART: near}, tws, stop, interval=0.01))
        await asyncio.sleep(0.05)
        at("2026-11-23 23:40")
        found = await asyncio.wait_for(called.get(), 20)
        stop.set()
        await asyncio.wait_for(task, 20)
        return found

    step, on_the_loop = asyncio.run(program())
    assert (step.state, step.window, on_the_loop) == (State.PRE_RESTART, "daily_restart", True)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    waiting = threading.Event()
    end = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < end, "it did not happen"
        waiting.wait(0.005)
