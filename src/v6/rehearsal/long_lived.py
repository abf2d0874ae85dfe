"""Runs that go on while a rehearsal's minutes pass: the market session.

Between two minutes of a rehearsal lie a second or two. What the session does in the five minutes that they stand for is
waited for: until it has connected, until it has claimed the slot that comes next. None of it for longer than it may
take; what a session does not do by then, its books will show.
"""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from functools import partial

import psutil

from v6 import clock
from v6.config.load import load
from v6.journal import connections, database
from v6.journal.connections import Known
from v6.journal.ledger import TABLE_OF
from v6.rehearsal.crontab_lines import CronLine
from v6.rehearsal.simulated_tws import SimulatedTws
from v6.rehearsal.stage import Stage, calendar_of, loaded
from v6.runner.slot_claims import SlotClaims

LOOK_SECONDS = 0.1
BEGIN_SECONDS = 60.0  # from cron's start to a word about the connection, on a busy machine
CONNECT_SECONDS = 60.0  # the first waits between two tries are 15 and 30 s
CLAIM_SECONDS = 15.0
END_SECONDS = 30.0
HASTE, HASTE_AT_MOST = 1.0, 180.0  # seconds of the stage's clock at a look, and together: the next minute is later
JUST_AFTER = timedelta(minutes=1)


class LongLived:
    """The runs of tasks with `long_lived` in one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._runs: list[subprocess.Popen[bytes]] = []
        config = load(stage.paths, {})
        tasks = loaded(stage).tasks
        self._scripts = {tasks[name].script for name in long_lived_tasks(stage)}
        self._settling_since = 0.0
        self._collectors = {task.script: name for name, task in tasks.items() if task.script in TABLE_OF}
        self._session = config.settings.session

    def includes(self, line: CronLine) -> bool:
        """Whether what the line starts may outlive its minute."""
        return any(script in line.command for script in self._scripts)

    def add(self, run: subprocess.Popen[bytes]) -> None:
        self._runs.append(run)

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        self._runs = [run for run in self._runs if run.poll() is None]
        return self._runs

    def settle(self, tws: SimulatedTws) -> None:
        """Until each has ended or has said something of its connection; and until it has it again, if TWS is there."""
        _wait_until(lambda: len(self._speaking()) >= len(self.alive), BEGIN_SECONDS)
        self._settling_since = self._stage.epoch()
        if tws.alive:
            _wait_until(self._connected_or_hastened, CONNECT_SECONDS)

    def claimed(self, slot: datetime, lines: Sequence[CronLine]) -> None:
        """Until a session that is connected has claimed the slot of the collectors among the lines."""
        names = [name for script, name in self._collectors.items() if any(script in line.command for line in lines)]
        if (slot.hour * 60 + slot.minute) % self._session.cycle_minutes or not self._connected():
            return
        for name in names:
            with SlotClaims(self._stage.paths.locks, name) as claims:
                _wait_until(partial(claims.taken_by_another, slot), CLAIM_SECONDS)

    def let_end(self, last: datetime) -> None:
        """Let the clock come to where a session ends by itself: nothing else of the day is played by then."""
        session = calendar_of(self._stage).session(last.date())
        if not self.alive or session is None:
            return
        end = session.close + timedelta(minutes=self._session.keep_after_close_minutes)
        self._stage.step_to(max(last, end + JUST_AFTER))
        _wait_until(lambda: not self.alive, END_SECONDS)

    def kill(self) -> None:
        """kill -9 to every process of the session's run; a run that only asks whether there is one goes on."""
        pids = {known.pid for known in self._speaking()}
        for run in list(self.alive):
            processes = _tree(run.pid)
            if pids & {process.pid for process in processes}:
                for process in processes:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                run.wait()
                psutil.wait_procs(processes, timeout=END_SECONDS)

    def _connected_or_hastened(self) -> bool:
        """Whether none waits for a connection; the pause before the next try passes more quickly for one that does."""
        if not any(known.status == connections.RECONNECTING for known in self._speaking()):
            return True
        if (now := self._stage.epoch()) - self._settling_since < HASTE_AT_MOST:
            self._stage.set_clock(now + HASTE)
        return False

    def _connected(self) -> bool:
        return any(known.status in connections.HOLDING for known in self._speaking())

    def _speaking(self) -> list[Known]:
        """What living runs say of their connection."""
        pids = {process.pid for run in self.alive for process in _tree(run.pid)}
        if not pids:
            return []
        with closing(database.connect(self._stage.paths.journal)) as db:
            return [known for known in connections.known(db) if known.pid in pids]


def long_lived_tasks(stage: Stage) -> list[str]:
    return [name for name, task in loaded(stage).tasks.items() if task.long_lived]


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _wait_until(there: Callable[[], bool], seconds: float) -> None:
    deadline = clock.monotonic() + seconds
    while not there() and clock.monotonic() < deadline:
        clock.sleep(LOOK_SECONDS)
