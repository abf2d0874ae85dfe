"""The market session beside cron's runs: every slot is collected, by one of them, whatever happens to the other.

The session, the runs and the simulated TWS are real; the desk's clock is stepped from slot to slot.
"""

import random
import signal
import time
from contextlib import closing

import pytest
from desk import KILLED, wait_until
from market_session import COLLECTORS, CONTRACTS, FUTURES, OPTIONS, Trading

from v6.journal import connections, session_cycles
from v6.restart.manager import TWSRestartManager
from v6.restart.states import Event
from v6.runner.slot_claims import SlotClaims

pytestmark = pytest.mark.integration

MOMENTS = ("connected", "after_commit")
MORE_MOMENTS = (
    "cycle_begun",
    "cycle_collected",
    "slot_opened",
    "quotes_collected",
    "before_commit",
    "quotes_stored",
    "ledger_closed",
    "cycle_ended",
)
RANDOM_MOMENTS = 20
SIGTERM_SECONDS = 10.0


def test_a_session_collects_both_slots_on_one_connection_while_crons_runs_wait(trading: Trading) -> None:
    session = trading.session_holds("10:05")
    connected = trading.tws.stats.connections
    ran = [run.wait() for run in trading.cron("10:05")]

    assert [one.code for one in ran] == [0, 0]
    for one in ran:
        assert f"skip: covered_by_session: the market session (pid {session.process.pid}) from 10:05:0" in one.words
    trading.whole("10:05")
    assert trading.tws.stats.connections == connected

    again = trading.desk.run("run_market_session", "--resume")
    assert (again.code, "skip: running" in again.words) == (0, True)

    (trading.desk.home / ".env").write_text("IBKR_PERSISTENT_CONNECTION=false\n")
    (trading.desk.home / ".env").chmod(0o600)
    trading.desk.at("10:07")
    ended = session.wait()
    assert ended.code == 0
    assert "until 16:20, 20 min after the close; collects collect_option_snapshots, " in ended.words
    assert "success: 2 cycles; ended: ibkr.persistent_connection is false now (.env: " in ended.words
    assert not any(trading.claimed(task, "10:10") for task in COLLECTORS)
    wait_until(lambda: trading.tws.stats.clients == 0)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_slot_of_a_session_that_is_killed_is_taken_over(trading: Trading, moment: str) -> None:
    trading.session_holds("10:05", V6_FAILPOINT=moment)
    taken_over(trading)


@pytest.mark.soak
@pytest.mark.parametrize("moment", MORE_MOMENTS)
def test_a_slot_of_a_session_that_is_killed_later_is_taken_over(trading: Trading, moment: str) -> None:
    trading.session_holds("10:05", V6_FAILPOINT=moment)
    taken_over(trading)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [random.Random(number).uniform(0.0, 1.5) for number in range(RANDOM_MOMENTS)])
def test_a_session_killed_at_a_random_moment_loses_and_doubles_nothing(trading: Trading, seconds: float) -> None:
    session = trading.session_holds("10:05")
    started = trading.cron("10:05")
    time.sleep(seconds)
    session.process.kill()
    assert [run.wait().code for run in started] == [0, 0]
    trading.whole("10:05")


def test_a_connection_that_is_lost_leaves_its_slots_to_cron_at_once(trading: Trading) -> None:
    trading.session_holds("10:05")
    trading.tws.drop_all()
    wait_until(lambda: not any(trading.claimed(task, "10:05") for task in COLLECTORS))
    ran = [run.wait() for run in trading.cron("10:05")]

    assert [one.code for one in ran] == [0, 0]
    assert not any("waiting" in one.words for one in ran)
    assert [trading.cycle(task, "10:05") for task in COLLECTORS] == [None, None]
    trading.whole("10:05")
    assert trading.session is not None
    assert trading.session.process.poll() is None


def test_a_slot_that_cron_has_is_not_the_sessions_and_a_session_too_big_ends(trading: Trading) -> None:
    trading.desk.configure({"session": {"max_memory_mb": 100}})
    with SlotClaims(trading.locks, OPTIONS) as by_hand:
        by_hand.take(trading.desk.slot("10:05"))
        session = trading.session_holds("10:05", FUTURES)
        trading.desk.at("10:05")
        ended = session.wait()

    assert "success: 1 cycles; ended: " in ended.words
    assert "MB of memory, more than session.max_memory_mb" in ended.words
    assert trading.cycle(OPTIONS, "10:05") is None
    assert trading.row("10:05", FUTURES) == ("success", "10:05 3 of 3 complete")


def test_sigterm_ends_a_session_in_the_middle_of_a_cycle_whose_slot_cron_completes(trading: Trading) -> None:
    trading.desk.configure({"ibkr": {"quote_timeout_seconds": 60.0}})
    trading.tws.set(silent_share=1.0)
    session = trading.session_holds("10:05")
    trading.desk.at("10:05")
    wait_until(lambda: trading.tws.stats.lines > CONTRACTS[OPTIONS])
    began = time.monotonic()
    session.process.send_signal(signal.SIGTERM)
    ended = session.wait()

    assert time.monotonic() - began < SIGTERM_SECONDS
    assert ended.code == 128 + signal.SIGTERM
    wait_until(lambda: trading.tws.stats.clients == 0)
    assert {miss.reason for miss in trading.desk.misses("10:05")} == {"disconnected"}
    cycle = trading.cycle(OPTIONS, "10:05")
    assert cycle is not None
    assert cycle.outcome == session_cycles.FAILED
    trading.tws.set(silent_share=0.0)
    assert [run.wait().code for run in trading.cron("10:05")] == [0, 0]
    trading.whole("10:05")


def test_a_session_ends_when_a_restart_is_prepared_and_none_begins_then(trading: Trading) -> None:
    session = trading.session_holds("10:05")
    with closing(trading.desk.journal()) as db:
        TWSRestartManager(db, ()).step(Event.WINDOW_NEAR, "a restart by hand is near")
    ended = session.wait()
    assert ended.code == 0
    assert "ended: PRE_RESTART since" in ended.words
    with closing(trading.desk.journal()) as db:
        status = next(known for known in connections.known(db) if known.task == "run_market_session")
    assert status.status == connections.RESTART_WINDOW
    again = trading.desk.run("run_market_session", "--resume")
    assert "skip: restart_window: PRE_RESTART" in again.words


def test_a_slot_that_the_session_cannot_collect_is_crons_to_explain(trading: Trading) -> None:
    trading.forget_universe()
    trading.session_holds("10:05")
    options, futures = [run.wait() for run in trading.cron("10:05")]
    assert "skip: no_input" in options.words
    assert "skip: covered_by_session" in futures.words
    cycle = trading.cycle(OPTIONS, "10:05")
    assert cycle is not None
    assert (cycle.outcome, cycle.summary.startswith("10:05 skip: no_input")) == ("failed", True)


def taken_over(trading: Trading) -> None:
    """The session dies in the slot's cycle; each contract is there once, and cron's runs have what was missing."""
    session = trading.session
    assert session is not None
    started = trading.cron("10:05")
    assert session.wait().code == KILLED
    assert [run.wait().code for run in started] == [0, 0]
    trading.whole("10:05")
