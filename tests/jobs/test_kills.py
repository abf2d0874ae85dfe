"""kill -9 of a real run, at named failpoints and at random moments: gate, supervisor and job against a simulated TWS.

After every kill the next slot runs as cron would start it, and then: no committed row is lost or doubled, the rest is
in the ledger with a reason, no lock, client id or market data line is held, and the journal names the killed run.
`make soak` repeats it many times.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import psutil
import pytest
from desk import Desk, wait_until

from v6 import clock
from v6.journal import ledger, runs
from v6.paths import ROOT
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

TASK = "collect_option_snapshots"
CONTRACTS = 24
Victim = Literal["job", "supervisor", "both"]
VICTIMS: tuple[Victim, ...] = ("job", "supervisor", "both")
FAILPOINTS = (
    "job_started",
    "slot_opened",
    "connected",
    "quotes_collected",
    "before_commit",
    "after_commit",
    "quotes_stored",
    "ledger_closed",
)
OF_THE_SUPERVISOR = ("attempt_recorded", "attempt_ended")


@dataclass(frozen=True)
class Kill:
    """What a run is told to die of. `at`: failpoints, joined by commas, or seconds after the run's start."""

    victim: Victim
    at: str | float


class Shift:
    """One collecting day on a desk: run after run through the wrapper, each at its own slot."""

    def __init__(self, desk: Desk, tws: SimulatedTWS) -> None:
        self.desk = desk
        self.tws = tws
        patient = {"backoff_seconds": 0.1, "backoff_cap_seconds": 0.1}
        desk.configure({"scheduler": {"tasks": {TASK: patient}}})
        self._slots = self._every_five_minutes()

    def _every_five_minutes(self) -> Iterator[datetime]:
        slot = self.desk.slot("09:40")
        while slot < self.desk.slot("16:00"):
            yield slot
            slot += timedelta(minutes=5)

    def start(self, failpoints: str = "") -> "tuple[datetime, subprocess.Popen[bytes]]":
        """The next slot's run, as cron would start it."""
        slot = next(self._slots)
        self.desk.at(f"{slot:%H:%M}")
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "V6_HOME": str(self.desk.home),
            "V6_CLOCK_FILE": str(self.desk.clock_file),
            "V6_PYTHON": sys.executable,
        }
        if failpoints:
            environ["V6_FAILPOINT"] = failpoints
        command = ["/bin/bash", str(ROOT / "scripts" / "cron_wrapper.sh"), "--slot", f"scripts/{TASK}.py"]
        with (self.desk.home / "cron.log").open("ab") as log:
            return slot, subprocess.Popen(command, env=environ, cwd="/", stdout=log, stderr=log)

    def run(self) -> tuple[datetime, float]:
        """A run that nothing disturbs succeeds; its slot and its seconds."""
        began = clock.monotonic()
        slot, process = self.start()
        assert process.wait(90) == 0, (self.desk.home / "cron.log").read_text()
        return slot, clock.monotonic() - began

    def suffer(self, kill: Kill) -> datetime:
        """Start a run, kill it, and come back when everything of it is gone; its slot."""
        if isinstance(kill.at, str):
            slot, process = self.start(kill.at)
        else:
            slot, process = self.start()
            clock.sleep(kill.at)
            strike(process, kill.victim)
        process.wait(90)
        wait_until(lambda: not held(self.desk.home / "var" / "locks"), 60)  # a job alone finishes its work
        return slot

    def check(self, killed: datetime, following: datetime) -> str:
        """What must hold when the next run is over; how the killed slot ended, in words."""
        if not (self.desk.home / "var" / "slots" / TASK / f"{killed.timestamp():.0f}").exists():
            assert self.desk.line(f"{killed:%H:%M}") is None
            return "the gate had not claimed it: no run began"
        stored = self.desk.lake.slot_rows("option_snapshots", TASK, killed)
        assert stored["con_id"].n_unique() == stored.height
        underlyings = self.desk.lake.slot_rows("underlying_snapshots", TASK, killed)
        assert underlyings["con_id"].n_unique() == underlyings.height
        assert self.desk.lake.slot_rows("option_snapshots", TASK, following).height == CONTRACTS
        db = self.desk.journal()
        try:
            line = ledger.slot_of(db, TASK, killed)
            reasons = ledger.reasons(db, TASK, killed, killed + timedelta(seconds=1))
            attempts = runs.of_slot(db, TASK, killed)
            latest = runs.of_slot(db, TASK, following)
            assert runs.open_attempts(db) == []
            assert ledger.open_slots(db, TASK) == []
        finally:
            db.close()
        assert [run.outcome for run in latest] == ["success"]
        assert line is not None
        assert line.expected == CONTRACTS == line.complete + line.partial + line.missing
        assert stored.height == line.complete + line.partial
        assert {reason for _, reason, _ in reasons} <= {"killed"}
        assert not held(self.desk.home / "var" / "locks")
        assert not held(self.desk.home / "var" / "leases")
        wait_until(lambda: self.tws.stats.clients == 0)
        assert self.tws.stats.lines == 0
        outcomes = [run.outcome for run in attempts]
        assert set(outcomes) <= {"killed", "signal", "success"}
        assert not (line.missing and outcomes) or outcomes[-1] in ("killed", "signal")  # what is lost has its run named
        return f"{','.join(outcomes) or 'no attempt'}: {line.complete} complete, {line.missing} missing"


def strike(process: "subprocess.Popen[bytes]", victim: Victim) -> None:
    """kill -9, if they are there; the gate becomes the supervisor, so their process id is one."""
    jobs = []
    if victim != "supervisor":
        with suppress(AssertionError):  # a run that is over has no job any more
            wait_until(lambda: bool(children(process.pid)) or process.poll() is not None)
        jobs = children(process.pid)
    if victim != "job":
        process.kill()
    for job in jobs:
        with suppress(ProcessLookupError):
            os.kill(job, signal.SIGKILL)


def children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children() if "python" in child.name()]
    except psutil.NoSuchProcess:
        return []


def held(folder: Path) -> list[str]:
    """The files of a folder that any process holds a lock on, as the kernel tells."""
    locked = {line.split()[-3].rpartition(":")[2] for line in Path("/proc/locks").read_text().splitlines()}
    return [place.name for place in folder.iterdir() if str(place.stat().st_ino) in locked] if folder.exists() else []


@pytest.fixture
def shift(morning: Desk, tws: SimulatedTWS) -> Shift:
    return Shift(morning, tws)


def named(shift: Shift, killed: datetime, *, expect: set[str]) -> None:
    db = shift.desk.journal()
    try:
        assert {run.outcome for run in runs.of_slot(db, TASK, killed)} == expect
    finally:
        db.close()


@pytest.mark.parametrize("point", ["slot_opened", "quotes_stored"])
def test_l18_job_and_supervisor_killed_at_a_failpoint_lose_no_committed_row(shift: Shift, point: str) -> None:
    killed = shift.suffer(Kill("both", f"{point},attempt_ended"))
    following, _ = shift.run()
    print(shift.check(killed, following))
    named(shift, killed, expect={"killed"})
    line = shift.desk.line(f"{killed:%H:%M}")
    assert line is not None
    assert line.complete == (CONTRACTS if point == "quotes_stored" else 0)


def test_a_supervisor_killed_before_its_job_existed_leaves_its_slot_to_the_next_runs_ledger(shift: Shift) -> None:
    killed = shift.suffer(Kill("supervisor", "attempt_recorded"))
    following, _ = shift.run()
    shift.check(killed, following)
    named(shift, killed, expect={"killed"})


def test_a_claim_that_nothing_followed_is_in_the_ledger_and_a_skip_with_its_own_reason_is_not(morning: Desk) -> None:
    """The gate may die between its claim and the supervisor's first word."""
    db = morning.journal()
    runs.record_skip(db, task=TASK, slot=morning.slot("09:50"), reason="running", detail="", log_file="")
    db.close()
    claims = morning.home / "var" / "slots" / TASK
    claims.mkdir(parents=True)
    for wall in ("09:50", "09:55", "10:00"):
        (claims / f"{morning.slot(wall).timestamp():.0f}").touch()

    assert morning.collect("10:00").code == 0

    line = morning.line("09:55")
    assert line is not None
    assert (line.state, line.complete, line.missing) == ("closed", 0, CONTRACTS)
    assert {miss.reason for miss in morning.misses("09:55")} == {"killed"}
    assert morning.line("09:50") is None


def test_killed_at_random_moments_the_next_run_puts_everything_right(shift: Shift) -> None:
    repeat(shift, seed=7, times=3)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(6))
def test_soak_random_kills(shift: Shift, seed: int) -> None:
    repeat(shift, seed, times=int(os.environ.get("SOAK_KILLS", "10")))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_soak_every_failpoint(shift: Shift) -> None:
    kills = [Kill("job", point) for point in FAILPOINTS]
    kills += [Kill("both", f"{point},attempt_ended") for point in FAILPOINTS]
    kills += [Kill("supervisor", point) for point in OF_THE_SUPERVISOR]
    for kill in kills:
        killed = shift.suffer(kill)
        following, _ = shift.run()
        print(kill, shift.check(killed, following))


def repeat(shift: Shift, seed: int, times: int) -> None:
    """Kill job, supervisor and both in turn, each at a moment of a run's usual length."""
    dice = random.Random(seed)
    shift.run()  # compiles the schedule
    _, usual = shift.run()
    for number in range(times):
        kill = Kill(VICTIMS[number % 3], dice.uniform(0.0, usual))
        killed = shift.suffer(kill)
        following, _ = shift.run()
        print(f"seed {seed}: {kill.victim} at {kill.at:.2f} s of {usual:.2f}:", shift.check(killed, following))
