"""Emergency restart as the real script: real supervisors and jobs, real locks, a TWS that hangs and one that works.

L35: what was done survives the process that did it."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk, options, wait_until
from gateway_support import RawTws, free_port, raw_tws
from restart_desk import NEW_YORK_WINDOWS, compile_schedule, quote

from v6 import file_locks
from v6.gateway import client_ids, sockets
from v6.journal import events, runs
from v6.journal.runs import Run
from v6.paths import ROOT
from v6.restart.emergency import going_on
from v6.restart.emergency.audit import KIND
from v6.scheduler import compiled
from v6.scheduler.nyse_calendar import NYSECalendar

pytestmark = pytest.mark.integration

TASK, SESSION = "collect_option_snapshots", "run_market_session"
LASTING = {"connect_timeout_seconds": 120.0, "probe_seconds": 0.5}
"""A collector that waits for a mute TWS longer than any test."""
SLEEPER = "import time; print('at work', flush=True); time.sleep(600)"


def mute(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@pytest.fixture
def hung() -> Iterator[RawTws]:
    with raw_tws(mute) as tws:
        yield tws


@pytest.fixture
def site(desk_without_tws: Desk, hung: RawTws) -> Desk:
    """A desk beside a TWS that takes connections and says nothing, with something to collect."""
    desk_without_tws.freeze(options(3))
    desk_without_tws.configure({"ibkr": {"port": hung.port, **LASTING}})
    return desk_without_tws


@contextmanager
def supervised(desk: Desk, task: str = TASK, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A run of the task as the gate starts it; whatever is left of it is ended."""
    command = [sys.executable, "-S", "-m", "v6.runner.supervise", task]
    surroundings = os.environ | {"V6_CLOCK_FILE": str(desk.clock_file), "PYTHONPATH": str(ROOT / "src")} | environ
    supervisor = subprocess.Popen(command, env=surroundings, cwd="/", stderr=subprocess.DEVNULL)
    try:
        yield supervisor
    finally:
        supervisor.kill()
        supervisor.wait()
        for run in attempts(desk):
            with suppress(ProcessLookupError, TypeError):
                os.killpg(run.pid, signal.SIGKILL)


def attempts(desk: Desk) -> list[Run]:
    """Oldest first."""
    with closing(desk.journal()) as db:
        return runs.recent(db, None, 100)[::-1]


def trail(desk: Desk) -> list[tuple[str, str]]:
    """(step, phase), oldest first."""
    with closing(desk.journal()) as db:
        found = events.recent(db, KIND, 200)[::-1]
    return [(event.details["step"], event.details["phase"]) for event in found]


def connected(desk: Desk) -> list[client_ids.Holder]:
    return client_ids.holders(desk.home / "var" / "leases")


@pytest.fixture
def at_work(site: Desk) -> Iterator["subprocess.Popen[bytes]"]:
    """The supervisor of a collector that waits for TWS with a client id of its own."""
    with supervised(site) as supervisor:
        wait_until(lambda: bool(connected(site)))
        yield supervisor


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# ending


def test_a_run_is_ended_with_its_supervisor_and_not_tried_again(site: Desk, at_work: "subprocess.Popen[bytes]") -> None:
    (holder,) = connected(site)

    ran = site.run("emergency_restart")

    assert ran.code == 1, ran.words
    assert ran.words.count("NOT WELL: diagnosis: waiting for a dialog") == 1
    assert ran.words.splitlines()[-2:-1] == ["1 ended"]
    assert "What to do: look at TWS's window" in ran.words
    assert at_work.wait(10) == 128 + signal.SIGTERM
    assert gone(holder.pid)
    assert connected(site) == []
    (run,) = attempts(site)
    assert (run.task, run.pid, run.outcome) == (TASK, holder.pid, "signal")
    both = [(step, phase) for step in ("look", "supervisors", "rows", "leases", "diagnosis") for phase in PHASES]
    assert trail(site) == [*both, ("end", "after")]
    with closing(site.journal()) as db:
        first = events.recent(db, KIND, 100)[-1]
        told = next(one for one in events.recent(db, KIND, 100) if one.details["step"] == "supervisors")
    assert first.details["who"]["uid"] == os.getuid()
    assert first.details["who"]["user"]
    assert f"supervisor {at_work.pid} of {TASK}" in told.text
    assert "client id 10: ended after SIGTERM" in told.text


PHASES = ("before", "after")


def test_the_job_of_a_dead_supervisor_is_ended_and_its_row_completed(
    site: Desk, at_work: "subprocess.Popen[bytes]"
) -> None:
    (holder,) = connected(site)
    at_work.kill()
    at_work.wait()
    assert not gone(holder.pid)

    ran = site.run("emergency_restart")

    assert gone(holder.pid)
    assert f"process group {holder.pid} of {TASK}" in ran.words
    (run,) = attempts(site)
    assert (run.outcome, run.ended_at) == ("killed", None)
    assert "found dead by emergency_restart" in run.note
    assert connected(site) == []
    assert list((site.home / "var" / "run").iterdir()) == []


def test_a_run_that_a_person_started_is_ended_too(site: Desk) -> None:
    by_hand = site.start(TASK)
    wait_until(lambda: bool(connected(site)))
    site.run("emergency_restart")
    assert by_hand.wait().code == 128 + signal.SIGTERM
    assert connected(site) == []


def test_what_is_dead_already_is_completed_and_a_reused_pid_lives(site: Desk) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], process_group=0, stdout=subprocess.PIPE) as stranger:
        with closing(site.journal()) as db:
            run_id = runs.start_attempt(db, task=TASK, slot=None, attempt=1, pid=stranger.pid, log_file="")
            db.execute("UPDATE runs SET started_at = '2026-11-20T14:00:00.000Z' WHERE id = ?", (run_id,))
            runs.start_attempt(db, task="health_check", slot=None, attempt=1, pid=None, log_file="")

        ran = site.run("emergency_restart")

        assert stranger.poll() is None
        stranger.kill()
    assert f"process {stranger.pid}, recorded for run 1 of {TASK}, is left alone: it was started" in ran.words
    assert [run.outcome for run in attempts(site)] == ["killed", "killed"]


def test_essential_runs_are_spared_unless_all_is_asked_for(site: Desk, at_work: "subprocess.Popen[bytes]") -> None:
    site.configure({"restart": {"essential_tasks": [TASK]}})

    ran = site.run("emergency_restart")

    assert f"spared, its task is essential: supervisor {at_work.pid} of {TASK}" in ran.words
    assert f"held only by {TASK}" in ran.words
    assert at_work.poll() is None
    assert [run.outcome for run in attempts(site)] == [None]
    looked = site.run("emergency_restart", "--dry-run", "--all")
    assert f"would end supervisor {at_work.pid} of {TASK}" in looked.words


# looking only


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(site: Desk, at_work: "subprocess.Popen[bytes]") -> None:
    client_ids.take(site.home / "var" / "leases", 50, 50).quarantine()
    (holder,) = connected(site)
    wait_until(lambda: attempts(site)[0].pid is not None)
    before = everything(site)

    looked = site.run("emergency_restart", "--dry-run", "--restart-tws")

    assert looked.code == 0, looked.words
    assert everything(site) == before
    assert at_work.poll() is None
    assert not gone(holder.pid)
    started = f"{site.slot('10:00'):%Y-%m-%d}"
    assert f"would end supervisor {at_work.pid} of {TASK}, since {started}" in looked.words
    assert "client id 10: " in looked.words
    assert f"would end process group {holder.pid} of {TASK}, since {started}" in looked.words
    assert f"scripts/{TASK}.py" in looked.words
    assert "could not restart TWS: tws.start_command is not configured" in looked.words
    assert "validate it by post_restart; then leave the rest to cron: no market session" in looked.words
    assert looked.words.splitlines()[-1] == "dry run, nothing was done; 2 would be ended"
    assert trail(site) == []


def test_a_dry_run_with_a_typo_in_dotenv_says_whether_the_session_would_begin_again(site: Desk) -> None:
    site.configure({"ibkr": {"persistent_connection": True}})
    compile_schedule(site)
    (site.home / ".env").write_text("IBKR_FORCE_DISCONNECT=flase\n")
    looked = site.run("emergency_restart", "--dry-run")
    assert looked.code == 0, looked.words
    assert "going on with the last good one: .env: IBKR_FORCE_DISCONNECT" in looked.words
    assert "validate it by post_restart; then start the market session again" in looked.words


def everything(desk: Desk) -> dict[str, Any]:
    """The journal's content and every file of the state but the journal's own and the logs."""
    files = [path for path in (desk.home / "var").rglob("*") if path.is_file() and not path.name.startswith("v6.db")]
    with closing(desk.journal()) as db:
        return {str(path): path.read_bytes() for path in files} | {"journal": list(db.iterdump())}


def test_a_dry_run_where_nothing_ever_ran_makes_no_journal(desk_without_tws: Desk) -> None:
    looked = desk_without_tws.run("emergency_restart", "--dry-run")
    assert looked.code == 0, looked.words
    assert not (desk_without_tws.home / "var" / "v6.db").exists()


# broken off


@pytest.mark.parametrize("failpoint", ["supervisors:done", "leases"])
def test_a_call_that_was_killed_is_named_by_the_next_one_which_completes_it(
    site: Desk, at_work: "subprocess.Popen[bytes]", failpoint: str
) -> None:
    step = failpoint.partition(":")[0]
    killed = site.run("emergency_restart", V6_FAILPOINT=f"{KIND}:{failpoint}")
    assert killed.code == -signal.SIGKILL
    assert trail(site)[-1] == (step, "before")

    ran = site.run("emergency_restart")

    assert "an earlier call has not come to its end: the one of" in ran.words
    assert f"was broken off in: {step}: " in ran.words
    assert trail(site)[-1] == ("end", "after")
    assert at_work.wait(10) == 128 + signal.SIGTERM
    assert connected(site) == []
    assert [run.outcome for run in attempts(site)] == ["signal"]


def test_two_calls_at_once_are_one(site: Desk) -> None:
    locks = site.home / "var" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / "emergency_restart.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = site.run("emergency_restart")
    assert ran.code == 1
    assert "another emergency_restart is at work: nothing was done" in ran.words
    assert trail(site) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make state of another user")
def test_state_of_another_user_is_refused_with_the_command_to_use_instead(site: Desk) -> None:
    os.chown(site.home / "var", 65534, 65534)
    ran = site.run("emergency_restart", "--dry-run")
    assert ran.code == 2
    assert "belongs to nobody; run instead: sudo -u nobody .venv/bin/python scripts/emergency_restart.py" in ran.words


# TWS


def test_inside_a_restart_window_nothing_is_judged(site: Desk) -> None:
    site.at("23:50")
    site.configure(NEW_YORK_WINDOWS)
    quote(site)
    compile_schedule(site)
    ran = site.run("emergency_restart")
    assert ran.code == 0, ran.words
    assert "TWS restarts by itself just now: daily_restart 2026-11-20 23:45-00:05 EST" in ran.words
    assert ("diagnosis", "before") not in trail(site)
    asked = site.run("emergency_restart", "--restart-tws")
    assert asked.code == 1
    assert "TWS was not restarted: daily_restart" in asked.words


def simulator(desk: Desk, port: int) -> list[str]:
    calendar = str(desk.home / "var" / "compiled" / "calendar.txt")
    return [sys.executable, "-m", "v6.simulator", "--fast", "--port", str(port), "--calendar", calendar]


@contextmanager
def stuck(port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A TWS that listens and never accepts; whatever listens there in the end is ended too."""
    code = f"import socket; held = socket.create_server(('127.0.0.1', {port})); {SLEEPER}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as old:
        try:
            assert old.stdout is not None
            old.stdout.readline()
            yield old
        finally:
            old.kill()
            if (new := sockets.listener("127.0.0.1", port)) is not None and new.pid not in (None, old.pid):
                os.kill(int(new.pid or 0), signal.SIGKILL)


def test_a_hung_tws_is_restarted_diagnosed_and_validated_and_the_session_goes_on(desk_without_tws: Desk) -> None:
    desk, port = desk_without_tws, free_port()
    desk.configure(
        {
            "ibkr": {"port": port, "persistent_connection": True, "quote_timeout_seconds": 2.0},
            "tws": {"start_command": simulator(desk, port)},
            "restart": {"stable_round_trips": 1},
        }
    )
    with stuck(port) as old, supervised(desk, SESSION) as supervisor:
        wait_until(lambda: held(desk, "market_session.lock"))
        ran = desk.run("emergency_restart", "--restart-tws", V6_PYTHON=sys.executable)
        found = sockets.listener("127.0.0.1", port)
        again = re.search(r"the market session is at work again \(supervisor (\d+)\)", ran.words)
        holds = held(desk, "market_session.lock")
        if again:
            os.kill(int(again[1]), signal.SIGTERM)
            wait_until(lambda: gone(int(again[1])))
        assert supervisor.wait(10) == 128 + signal.SIGTERM
    assert ran.code == 0, ran.words
    assert again
    assert holds
    assert old.returncode == -signal.SIGTERM
    assert found is not None
    assert found.pid != old.pid
    steps = ("look", "supervisors", "rows", "leases", "tws", "diagnosis", "validation", "resume")
    assert trail(desk) == [*((step, phase) for step in steps for phase in PHASES), ("end", "after")]
    ended, validated, resumed = attempts(desk)
    assert (ended.task, ended.outcome) == (SESSION, "signal")
    assert (validated.task, validated.outcome, validated.slot) == ("post_restart", "success", None)
    assert (resumed.task, resumed.slot) == (SESSION, None)
    with closing(desk.journal()) as db:
        assert len(events.recent(db, "tws_restart")) == 1, "ending and starting it is one restart"


def held(desk: Desk, name: str) -> bool:
    return file_locks.is_held(desk.home / "var" / "locks" / name)


def test_without_a_session_cron_goes_on_and_its_next_slots_are_named(desk_without_tws: Desk) -> None:
    folder = desk_without_tws.home / "var" / "compiled"
    schedule, calendar = compiled.load(folder / "schedule.txt"), NYSECalendar(folder / "calendar.txt")
    at = desk_without_tws.slot("15:50")
    assert going_on.next_slots(schedule, calendar, at) == (
        "cron goes on by itself: collect_option_snapshots Fri 15:55 EST, collect_futures_snapshots Fri 15:55 EST, "
        "health_check Fri 16:00 EST"
    )
