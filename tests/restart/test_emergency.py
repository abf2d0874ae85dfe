"""Emergency restart, its parts: whose a process is, what is found, how it is ended, what is free afterwards.

L29: TWS's restarts have a budget."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from gateway_support import free_port, ibkr, wait_until

from v6.clock import NEW_YORK
from v6.config.settings import TwsProcess
from v6.gateway import client_ids
from v6.gateway.connection import Silent
from v6.gateway.process import RESTART, STEP
from v6.journal import connections, database, events, runs
from v6.journal.runs import Run
from v6.restart.emergency import audit, going_on, tws_anew
from v6.restart.emergency.at_work import AtWork, Kind, Looked, Places, look, members
from v6.restart.emergency.audit import Trail
from v6.restart.emergency.ending import end
from v6.restart.emergency.failures import NotDone
from v6.restart.emergency.flow import Emergency, Surroundings
from v6.restart.emergency.identity import doubt
from v6.restart.emergency.letting_go import let_go
from v6.runner.slot_claims import SlotClaims
from v6.scheduler.nyse_calendar import NYSECalendar

pytestmark = pytest.mark.integration

TASK = "collect_option_snapshots"
RESULT = "/var/run/collect_option_snapshots-7.json"
BEGAN = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
RUN = Run(7, TASK, None, "2026-11-20", 1, 4711, BEGAN, None, None, None, None, None, None, "", "", "", "")
SECOND = BEGAN.timestamp()
JOB = """
import signal, subprocess, sys, time
manner = sys.argv[1]
if manner == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if manner in ("stubborn", "parent"):
    subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
                      "print('at work', flush=True); time.sleep(600)"])
else:
    print("at work", flush=True)
time.sleep(600)
"""


# whose a process is


@pytest.mark.parametrize(
    ("later", "told", "stepped", "answer"),
    [
        (0.05, RESULT, False, ""),
        (0.05, None, False, ""),
        (9.0, RESULT, False, ""),
        (3600.0, RESULT, False, "it was started 3600 s after the run's record"),
        (-60.0, None, False, "it was started 60 s before the run's record"),
        (0.05, "/var/run/collect_option_snapshots-8.json", False, "it belongs to another run"),
        (3600.0, RESULT, True, ""),
        (3600.0, None, True, "it was started 3600 s after the run's record"),
        (0.05, "/other/home/collect_option_snapshots-7.json", True, "it belongs to another run"),
    ],
)
def test_a_process_is_that_of_a_run_by_its_start_and_by_what_it_was_told(
    later: float, told: str | None, stepped: bool, answer: str
) -> None:
    environ = {} if told is None else {"V6_RESULT": told}
    assert doubt(RUN, SECOND + later, environ, RESULT, stepped) == answer


def test_where_the_environment_cannot_be_read_the_start_decides() -> None:
    assert doubt(RUN, SECOND + 0.05, None, RESULT) == ""
    assert doubt(RUN, SECOND + 50, None, RESULT) != ""


# what is found


@pytest.fixture
def places(home: Path) -> Places:
    return Places(home / "var" / "locks", home / "var" / "leases", home / "var" / "run")


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(database.connect(home / "var" / "v6.db")) as connection:
        yield connection


@contextmanager
def job(manner: str = "polite", **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that leads a group of its own, as a supervisor starts its job."""
    words = [sys.executable, "-c", JOB, manner]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, process_group=0, env=os.environ | environ)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "at work\n"
        yield child
    finally:
        for process in members(child.pid):
            process.kill()
        child.kill()
        child.communicate()


def recorded(db: sqlite3.Connection, pid: int | None, ago: timedelta = timedelta(0)) -> Run:
    """The open attempt of that process."""
    run_id = runs.start_attempt(db, task=TASK, slot=None, attempt=1, pid=pid, log_file="")
    if pid is not None:
        began = datetime.fromtimestamp(psutil.Process(pid).create_time(), NEW_YORK) - ago
        db.execute("UPDATE runs SET started_at = ? WHERE id = ?", (began.isoformat(), run_id))
    return next(run for run in runs.open_attempts(db) if run.id == run_id)


def seen(places: Places, db: sqlite3.Connection, *spared: str) -> Looked:
    return look(places, [TASK], runs.open_attempts(db), spared)


def test_the_process_group_of_an_open_attempt_is_found(places: Places, db: sqlite3.Connection) -> None:
    with job() as orphan:
        run = recorded(db, orphan.pid)
        (found,) = seen(places, db).found
        assert (found.kind, found.task, found.pid, found.run_id) == (Kind.GROUP, TASK, orphan.pid, run.id)
        assert seen(places, db, TASK).found == ()
        assert [one.pid for one in seen(places, db, TASK).spared] == [orphan.pid]


def test_a_pid_that_was_given_away_again_is_left_alone_and_said(places: Places, db: sqlite3.Connection) -> None:
    with job() as stranger:
        recorded(db, stranger.pid, ago=timedelta(hours=2))
        looked = seen(places, db)
    assert looked.found == ()
    why = "it was started 7200 s after the run's record"
    assert looked.left == (f"process {stranger.pid}, recorded for run 1 of {TASK}, is left alone: {why}",)


def test_a_process_that_was_started_for_another_run_is_left_alone(places: Places, db: sqlite3.Connection) -> None:
    with job(V6_RESULT="/elsewhere/collect_option_snapshots-1.json") as stranger:
        recorded(db, stranger.pid)
        assert [words.rpartition(": ")[2] for words in seen(places, db).left] == ["it belongs to another run"]


def test_what_a_dead_job_has_left_in_its_group_is_known_by_its_environment(
    places: Places, db: sqlite3.Connection
) -> None:
    run_id = 1 + max((run.id for run in runs.open_attempts(db)), default=0)
    with job("parent", V6_RESULT=str(places.runs / f"{TASK}-{run_id}.json")) as leader:
        recorded(db, leader.pid)
        leader.kill()
        leader.wait()
        (found,) = seen(places, db).found
        assert (found.kind, found.pid, found.born) == (Kind.GROUP, leader.pid, None)
        (done,) = end([found], 0.1)
        assert done.how == "ended by SIGKILL"
        assert members(leader.pid) == []


def test_children_of_a_dead_leader_that_nothing_knows_are_left_alone(places: Places, db: sqlite3.Connection) -> None:
    with job("parent") as leader:
        recorded(db, leader.pid)
        leader.kill()
        leader.wait()
        looked = seen(places, db)
    assert looked.found == ()
    assert "nothing tells that process" in looked.left[0]


def test_the_group_that_the_command_itself_runs_in_is_left_alone(places: Places, db: sqlite3.Connection) -> None:
    for pid in (os.getpid(), os.getppid()):
        recorded(db, pid)
    looked = seen(places, db)
    assert looked.found == ()
    assert ["this command runs inside it" in words for words in looked.left] == [True, True]


def test_a_job_that_a_person_started_is_found_by_its_lease(places: Places, db: sqlite3.Connection) -> None:
    code = (
        "import sys, time; from pathlib import Path; from v6.gateway import client_ids;"
        f"lease = client_ids.take(Path(sys.argv[1]), 10, 99, '{TASK}'); print('at work', flush=True); time.sleep(600)"
    )
    words = [sys.executable, "-c", code, str(places.leases)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        (found,) = seen(places, db).found
        assert (found.kind, found.pid, found.client_ids) == (Kind.HOLDER, child.pid, (10,))
        (done,) = end([found], 10.0)
        assert done.how == "ended after SIGTERM"
    assert client_ids.holders(places.leases) == []


# how it is ended


def of(child: "subprocess.Popen[str]", kind: Kind = Kind.GROUP) -> AtWork:
    return AtWork(kind, TASK, child.pid, psutil.Process(child.pid).create_time())


def test_a_group_that_does_not_listen_is_killed_with_everything_in_it(places: Places) -> None:
    with job("stubborn") as child:
        (done,) = end([of(child)], 0.1)
        assert (done.how, done.stays) == ("ended by SIGKILL", False)
        assert child.wait() == -signal.SIGKILL
        assert members(child.pid) == []


def test_a_group_that_was_replaced_meanwhile_is_never_signalled() -> None:
    with job() as child:
        earlier = replace(of(child), born=psutil.Process(child.pid).create_time() - 100.0)
        end([earlier, replace(earlier, kind=Kind.HOLDER)], 0.1)
        assert child.poll() is None


# what is free afterwards


def test_quarantines_and_the_last_words_of_the_dead_are_cleared(places: Places, db: sqlite3.Connection) -> None:
    client_ids.take(places.leases, 12, 12).quarantine()
    with job() as child:
        connections.say(db, TASK, connections.CONNECTED, client_id=10)
        db.execute("UPDATE connections SET pid = ?", (child.pid,))
    said = let_go(places, db, ())
    assert said == (
        f"no lease and no claim is held, quarantine of client ids 12 cleared, connection of {TASK} is waiting"
    )
    assert client_ids.take(places.leases, 12, 12).client_id == 12
    (row,) = connections.known(db)
    assert (row.status, row.detail) == (connections.WAITING, "ended by emergency_restart")


def test_what_is_held_although_nothing_is_at_work_is_named(places: Places, db: sqlite3.Connection) -> None:
    with client_ids.take(places.leases, 11, 11, "a strategy"), SlotClaims(places.locks, TASK) as claims:
        claims.take(BEGAN)
        with pytest.raises(NotDone) as held:
            let_go(places, db, ())
        assert f"client id 11 by pid {os.getpid()} (a strategy), slots of {TASK}" in str(held.value)
        assert let_go(places, db, ["a strategy"]) == "held only by a strategy"
    assert let_go(places, db, ()) == "no lease and no claim is held"


# TWS


def tws(**changes: Any) -> TwsProcess:
    always = {"start_command": ("false",), "stop_command": (), "java_heap": "4096m", "startup_seconds": 5.0}
    return TwsProcess(**{**always, "hung_after_seconds": 9.0, "max_restarts": 2, "per_hours": 6.0, **changes})


def test_without_a_command_it_says_that_it_cannot_restart_tws_and_what_to_do(db: sqlite3.Connection) -> None:
    with pytest.raises(NotDone, match=r"tws\.start_command is not configured; restart it by hand"):
        tws_anew.restart(tws(start_command=()), ibkr(free_port()), db, Silent())
    assert events.recent(db, STEP) == []


def test_l29_the_budget_of_restarts_holds_here_too(db: sqlite3.Connection) -> None:
    port = free_port()
    with pytest.raises(NotDone, match=r"tws\.start_command: exit 1"):
        tws_anew.restart(tws(), ibkr(port), db, Silent())
    events.record(db, RESTART, "mute")
    with pytest.raises(NotDone, match=r"2 restarts in the last 6 h, tws\.max_restarts allows 2; restart it by hand"):
        tws_anew.restart(tws(), ibkr(port), db, Silent())
    assert len(events.recent(db, RESTART)) == 2


# going on


HOURS = "# v6 calendar 1 covers 2026-01-01 2027-12-31\n2026-11-27 open 0930 1300 day after Thanksgiving\n"


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-20 09:24", False),
        ("2026-11-20 09:25", True),
        ("2026-11-20 15:59", True),
        ("2026-11-20 16:00", False),
        ("2026-11-21 11:00", False),
        ("2026-11-27 12:59", True),
        ("2026-11-27 13:00", False),
    ],
)
def test_a_market_session_is_resumed_from_shortly_before_the_open_to_the_close(moment: str, inside: bool) -> None:
    at = datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    assert going_on.in_session(NYSECalendar.from_text(HOURS), at) is inside


@pytest.fixture
def wrapper(tmp_path: Path) -> going_on.Wrapper:
    return going_on.Wrapper(tmp_path / "cron_wrapper.sh", tmp_path / "logs", dict(os.environ))


def written(wrapper: going_on.Wrapper, text: str) -> None:
    wrapper.path.write_text(f"#!/bin/bash\n{text}\n")
    wrapper.path.chmod(0o755)


def test_the_market_session_is_at_work_again_when_it_holds_its_lock(
    places: Places, wrapper: going_on.Wrapper, tmp_path: Path
) -> None:
    places.locks.mkdir(parents=True)
    lock = places.locks / going_on.SESSION_LOCK
    written(wrapper, f'echo $$ "$@" >{tmp_path}/began; exec flock {lock} sleep 600')
    said = going_on.begin_session(wrapper, places.locks)
    try:
        pid, script = (tmp_path / "began").read_text().split()
        assert script == "scripts/run_market_session.py"
        assert said == f"the market session is at work again (supervisor {pid})"
        assert os.getsid(int(pid)) == int(pid), "it outlives this call"
        assert going_on.begin_session(wrapper, places.locks) == "the market session is at work already"
    finally:
        os.killpg(int(pid), signal.SIGKILL)
        os.waitpid(int(pid), 0)
    assert wait_until(lambda: members(int(pid)) == [])


def test_a_market_session_that_does_not_come_to_work_is_said(places: Places, wrapper: going_on.Wrapper) -> None:
    written(wrapper, "echo run_market_session: not_persistent; exit 2")
    with pytest.raises(NotDone, match="ended with exit 2: run_market_session: not_persistent; cron tries again"):
        going_on.begin_session(wrapper, places.locks)


def test_a_validation_that_never_ran_is_no_validation(wrapper: going_on.Wrapper, db: sqlite3.Connection) -> None:
    written(wrapper, "echo the gate said no")
    with pytest.raises(NotDone, match=r"post_restart did not run \(exit 0\): the gate said no"):
        going_on.validate(wrapper, lambda: db, 20.0)


# the audit trail


def emergency(places: Places, journal: Path, log: Any) -> Emergency:
    """Where nothing is at work, and TWS restarts by itself just now."""
    around = Surroundings(
        places=places,
        tasks=(),
        spared=(),
        trail=Trail(lambda busy: database.connect(journal, busy), log),
        log=log,
        open_attempts=lambda: (),
        close_rows=lambda _: "",
        let_go=lambda _: "nothing is held",
        window=lambda: "a window",
        tws=lambda: "",
        diagnose=lambda _: pytest.fail("TWS cannot be judged"),
        validate=lambda: "",
        resume=lambda: "",
    )
    return Emergency(around)


def test_a_trail_with_gaps_is_no_success_and_the_gaps_cost_little_time(
    home: Path, places: Places, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    connect = database.connect
    monkeypatch.setattr(audit, "BUSY_SECONDS", 0.5)
    monkeypatch.setattr(database, "connect", lambda path, busy: waited.append(busy) or connect(path, busy))
    whole = emergency(places, home / "var" / "v6.db", Silent())
    assert "NOT WELL" not in whole.run(restart_tws=False, asked="a test")
    assert set(waited) == {0.5}
    db.execute("BEGIN IMMEDIATE")

    torn = emergency(places, home / "var" / "v6.db", Silent())
    summary = torn.run(restart_tws=False, asked="a test")

    assert torn.trouble
    assert "NOT WELL: audit: 7 events are not in the audit trail" in summary
    assert waited[-7:] == [0.5, *6 * [audit.GAP_SECONDS]]
