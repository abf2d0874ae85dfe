"""The supervisor: the parent process of one run (`python -S -m v6.runner.supervise TASK [job arguments]`).

Lock, dependencies, attempts, time limit, journal, alerts. Started by the gate, in tens of milliseconds: standard
library only. Exits with the code of the last attempt; 0 for a skip.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from v6 import clock, failpoint
from v6.journal import database, runs
from v6.paths import Paths
from v6.runner import claims, environment, exit_codes, lock, notices, result, retry
from v6.runner.attempt import Attempt, block_signals, wait_for_signal
from v6.runner.day_log import DayLog
from v6.runner.dependencies import wait_for
from v6.runner.verdict import Verdict, judge
from v6.scheduler import compiled

DEFAULT_DEADLINE_SECONDS = 4 * 3600


class Supervisor:
    """One run of one task, from the lock to the last word."""

    def __init__(
        self, paths: Paths, schedule: compiled.Schedule, task: compiled.Task, arguments: Sequence[str]
    ) -> None:
        self.paths = paths
        self.task = task
        self.arguments = arguments
        self.slot = environment.slot_of(os.environ)
        self.log_directory = schedule.settings["log_directory"]
        self.log = DayLog(self.log_directory, task.name)
        self.db = database.connect(paths.journal)
        late = clock.epoch() - self.slot.timestamp() if self.slot else 0.0
        self.deadline = clock.monotonic() + _seconds_allowed(task) - late

    def run(self) -> int:
        """The run's exit code."""
        if said := clock.shifted():
            self.log.write("WARNING", said)
        lock_fd = lock.acquire(str(self.paths.locks), self.task.name)
        if lock_fd is None:
            return self._skip("running", "another run of this task holds its lock")
        self._notice_killed_runs()
        waited = wait_for(self.db, self.task.depends_on, self._day(), self.deadline)
        if waited.signal is not None:
            return self._skip("stopped", "stopped while waiting for its dependencies", 128 + waited.signal)
        if waited.detail:
            return self._skip("dependency", waited.detail)
        if clock.monotonic() >= self.deadline:
            return self._skip("deadline", f"more than {_seconds_allowed(self.task)} s after its slot")
        return self._attempts(lock_fd)

    def _attempts(self, lock_fd: int) -> int:
        attempt = 1
        while True:
            run_id, verdict, stopped = self._attempt(attempt, lock_fd)
            if stopped or not exit_codes.recoverable(verdict.exit_code) or attempt > self.task.max_retries:
                break
            wait = self._wait_before_retry(attempt)
            if wait is None:
                break
            self.log.write("INFO", f"attempt {attempt + 1} in {wait:.1f} s")
            if wait_for_signal(wait) is not None:
                self.log.write("WARNING", "stopped before the next attempt")
                break
            attempt += 1
        self._conclude(run_id, verdict, attempt)
        return int(verdict.exit_code)

    def _attempt(self, attempt: int, lock_fd: int) -> tuple[int, Verdict, bool]:
        """(journal id, what it counts as, whether the supervisor was told to stop)."""
        limit = min(self.task.timeout, self.deadline - clock.monotonic())
        run_id = runs.start_attempt(
            self.db, task=self.task.name, slot=self.slot, attempt=attempt, pid=None, log_file=self.log.path
        )
        failpoint.reach("attempt_recorded")
        record_path = self._record_path(run_id)
        child = Attempt(self._command(), self._environ(attempt, limit, record_path, lock_fd), self.log.fd, lock_fd)
        runs.set_pid(self.db, run_id, child.pid)
        ending = child.wait(limit)
        failpoint.reach("attempt_ended")
        verdict = judge(ending, result.read(record_path))
        measured = (ending.wall_seconds, ending.cpu_seconds, ending.peak_memory_mb)
        ended = runs.Ended(verdict.outcome, verdict.exit_code, *measured, verdict.summary, verdict.reason, verdict.note)
        runs.finish_attempt(self.db, run_id, ended)
        result.remove(record_path)
        level = "INFO" if verdict.exit_code == exit_codes.SUCCESS else "ERROR"
        words = f"attempt {attempt}: {verdict.outcome}, exit {verdict.exit_code}, {ending.wall_seconds:.1f} s"
        self.log.write(level, "; ".join(part for part in (words, verdict.note) if part))
        return run_id, verdict, ending.number is not None

    def _wait_before_retry(self, failed_attempts: int) -> float | None:
        """Seconds until the next attempt, None when it could not end before the deadline."""
        task = self.task
        dice = int.from_bytes(os.urandom(2), "big") / 65_536
        wait = retry.delay(
            failed_attempts, base=task.backoff_base, factor=task.backoff_factor, cap=task.backoff_cap, dice=dice
        )
        usual = runs.median_wall_seconds(self.db, task.name)
        if retry.worth_starting(self.deadline - clock.monotonic(), wait, usual):
            return wait
        self.log.write("ERROR", "no further attempt: it would end after the deadline")
        return None

    def _notice_killed_runs(self) -> None:
        """We hold the lock: an attempt without an end, and its supervisor, are dead."""
        for run in runs.open_attempts(self.db, self.task.name):
            record_path = self._record_path(run.id)
            record = result.read(record_path)
            found = f"its job had already written: {record.outcome}, {record.summary}" if record else "no result"
            note = f"ended without a word, noticed at {clock.now():%Y-%m-%d %H:%M:%S %Z}; {found}"
            runs.mark_killed(self.db, run.id, note)
            notices.killed(self.db, run, note, alert="failure" in self.task.alert_on)
            result.remove(record_path)
            self.log.write("ERROR", f"run {run.id} ({notices.moment(run.slot)}) was killed: {note}")

    def _conclude(self, run_id: int, verdict: Verdict, attempts: int) -> None:
        """Alerts for a final failure or a recovery, one line for who watches, claims swept, mail sent."""
        before = runs.last_finished_before(self.db, self.task.name, run_id - attempts + 1)
        if verdict.exit_code != exit_codes.SUCCESS:
            if "failure" in self.task.alert_on:
                notices.failed(self.db, self.task.name, self.slot, verdict, self.log.path)
        elif (
            verdict.outcome == "success" and before and before.outcome != "success" and "recovery" in self.task.alert_on
        ):
            notices.recovered(self.db, self.task.name, self.slot, verdict.summary)
        if self.slot:
            claims.sweep(str(self.paths.slots / self.task.name), self.slot)
        self._deliver()
        if verdict.exit_code != exit_codes.SUCCESS or os.isatty(2):
            reason = f" {verdict.reason}:" if verdict.reason else ""
            say(f"{self.task.name}: {verdict.outcome}:{reason} {verdict.summary} (log: {self.log.path})")

    def _skip(self, reason: str, detail: str, code: int = exit_codes.SUCCESS) -> int:
        runs.record_skip(
            self.db, task=self.task.name, slot=self.slot, reason=reason, detail=detail, log_file=self.log.path
        )
        self.log.write("WARNING", f"skip {reason}: {detail}")
        self._deliver()
        say(f"{self.task.name}: skip {reason}: {detail}")
        return code

    def _deliver(self) -> None:
        try:
            notices.deliver(self.db, self.paths, self.log_directory)
        except OSError as error:  # a side channel never hurts the run
            self.log.write("ERROR", f"alerts are not being delivered: {error}")

    def _command(self) -> tuple[str, ...]:
        return (sys.executable, str(self.paths.root / self.task.script), *self.arguments)

    def _environ(self, attempt: int, limit: float, record_path: str, lock_fd: int) -> dict[str, str]:
        return {
            **os.environ,
            environment.TASK: self.task.name,
            environment.ATTEMPT: str(attempt),
            environment.LIMIT: f"{limit:.3f}",
            environment.RESULT: record_path,
            environment.LOG_FILE: self.log.path,
            environment.LOCK_FD: str(lock_fd),
        }

    def _record_path(self, run_id: int) -> str:
        return str(self.paths.runs / f"{self.task.name}-{run_id}.json")

    def _day(self) -> str:
        return f"{self.slot or clock.now():%Y-%m-%d}"


def _seconds_allowed(task: compiled.Task) -> int:
    """From the slot to the deadline. Without one of its own: until the next slot, or four hours."""
    return task.deadline or task.period_min * 60 or DEFAULT_DEADLINE_SECONDS


def main(arguments: Sequence[str]) -> int:
    """Supervise one run; its exit code. Whatever keeps the supervisor itself from working is 2, loud and alerted."""
    block_signals()
    paths = Paths.locate()
    log_directory = str(paths.home / "logs")
    try:
        schedule = compiled.load(paths.compiled / "schedule.txt")
        log_directory = schedule.settings["log_directory"]
        task = schedule.tasks[arguments[0]]
        paths.runs.mkdir(parents=True, exist_ok=True)
        os.chdir(paths.home)
        return Supervisor(paths, schedule, task, arguments[1:]).run()
    except Exception as error:  # the run's edge
        say(traceback.format_exc())
        title = f"{' '.join(arguments[:1])}: the supervisor failed"
        notices.dispatch(log_directory, ("--alert", title, f"{type(error).__name__}: {error}"))
        return exit_codes.FATAL


def say(text: str) -> None:
    os.write(2, f"{text.rstrip()}\n".encode("utf-8", "backslashreplace"))


def entry() -> NoReturn:
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
