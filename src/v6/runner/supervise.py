"""The supervisor: the parent process of one run (`python -S -m v6.runner.supervise TASK [job arguments]`).

Lock, dependencies, attempts, time limit, journal, alerts. Started by the gate, in tens of milliseconds: standard
library only, and what is needed only after an attempt has begun is imported then. Exits with the code of the last
attempt; 0 for a skip.
"""

import os
import sys
from collections.abc import Sequence

from v6 import clock, failpoint, file_locks, places
from v6.journal import database, runs
from v6.runner import environment, exit_codes, lock
from v6.runner.attempt import Attempt, block_signals, wait_for_signal
from v6.runner.day_log import DayLog
from v6.runner.run import Run
from v6.scheduler import compiled, deadline

TYPE_CHECKING = False  # importing typing for it would cost as much as importing SQLite
if TYPE_CHECKING:
    from v6.runner.verdict import Verdict


class Supervisor:
    """One run of one task, from the lock to the last word."""

    def __init__(self, home: str, schedule: compiled.Schedule, task: compiled.Task, arguments: Sequence[str]) -> None:
        self.home = home
        self.task = task
        self.tasks = schedule.tasks
        self.siblings = {other.name for other in schedule.tasks.values() if other.script == task.script}
        self.arguments = arguments
        self.slot = environment.slot_of(os.environ)
        self.log_directory = schedule.settings["log_directory"]
        self.log = DayLog(self.log_directory, task.name)
        self.db = database.connect(places.place(home, "journal"))
        self.known = Run(home, self.log_directory, task, self.slot, self.log, self.db, schedule.settings)
        self.over_by = self._over_by(schedule)
        self.deadline = clock.lasting() + self.over_by - clock.epoch()

    def run(self) -> int:
        """The run's exit code."""
        if said := clock.shifted():
            self.log.write("WARNING", said)
        lock_fd = lock.acquire(places.place(self.home, "locks"), self.task.name)
        if lock_fd is None:
            return self._skip("running", "another run of this task holds its lock")
        for killed in self._killed():
            from v6.runner import aftermath

            aftermath.notice_killed(self.known, killed, self._record_path(killed.id, killed.task))
        if clock.lasting() >= self.deadline:
            return self._skip("deadline", self._too_late())
        if self.task.depends_on:
            from v6.runner import dependencies

            waited = dependencies.met(self.known, self.tasks, self.deadline)
            if waited.signal is not None:
                self._skip("stopped", "stopped while waiting for its dependencies")
                return exit_codes.SIGNAL_BASE + int(waited.signal)
            if waited.detail:
                return self._skip("dependency", waited.detail)
        return self._attempts(lock_fd)

    def _over_by(self, schedule: compiled.Schedule) -> float:
        """The run's deadline in epoch seconds: that of its slot, or, started by hand, what a run may take from now."""
        if self.slot is None:
            return clock.epoch() + deadline.own_seconds(self.task)
        if self.task.must_finish_by is None:
            return self.slot.timestamp() + deadline.own_seconds(self.task)
        from pathlib import Path  # these cost a start some milliseconds

        from v6.scheduler.nyse_calendar import NYSECalendar

        place = f"{places.place(self.home, 'compiled')}/calendar.txt"
        calendar = NYSECalendar(Path(place), observe_holidays=schedule.observe_holidays)
        return deadline.latest_end(self.task, self.slot, calendar, schedule.windows)

    def _too_late(self) -> str:
        from datetime import datetime

        over_by = datetime.fromtimestamp(self.over_by, clock.NEW_YORK)
        return f"a run of that slot had to be over by {over_by:%Y-%m-%d %H:%M:%S %Z}"

    def _killed(self) -> "list[runs.Run]":
        """Attempts without an end whose job and supervisor are dead: of this task, because we hold its lock; of tasks
        with the same script, whose own next run may be a day away, when nobody holds theirs."""
        return [
            attempt
            for attempt in runs.open_attempts(self.db)
            if attempt.task == self.task.name or (attempt.task in self.siblings and self._is_dead(attempt))
        ]

    def _is_dead(self, attempt: "runs.Run") -> bool:
        try:
            if file_locks.is_held(f"{places.place(self.home, 'locks')}/{attempt.task}.lock"):
                return False
        except OSError as error:  # the kernel does not tell: not known, and no reason to end this run
            self.log.write("WARNING", f"whether run {attempt.id} of {attempt.task} lives is not known: {error}")
            return False
        # its row is completed before its lock falls: still without an end means that nobody is left to do it
        return any(still.id == attempt.id for still in runs.open_attempts(self.db, attempt.task))

    def _attempts(self, lock_fd: int) -> int:
        first_id, attempt = 0, 1
        while True:
            run_id, verdict, stopped = self._attempt(attempt, lock_fd)
            first_id = first_id or run_id
            if stopped or not _may_mend(verdict) or attempt > self.task.max_retries:
                break
            wait = self._wait_before_retry(attempt)
            if wait is None:
                break
            self.log.write("INFO", f"attempt {attempt + 1} in {wait:.1f} s")
            if wait_for_signal(wait) is not None:
                self.log.write("WARNING", "stopped before the next attempt")
                break
            attempt += 1
        from v6.runner import aftermath

        aftermath.conclude(self.known, first_id, verdict)
        return int(verdict.exit_code)

    def _attempt(self, attempt: int, lock_fd: int) -> "tuple[int, Verdict, bool]":
        """(journal id, what it counts as, whether the supervisor was told to stop)."""
        limit = min(self.task.timeout, self.deadline - clock.lasting())
        run_id = runs.start_attempt(
            self.db, task=self.task.name, slot=self.slot, attempt=attempt, pid=None, log_file=self.log.path
        )
        failpoint.reach("attempt_recorded")
        record_path = self._record_path(run_id)
        child = Attempt(self._command(), self._environ(attempt, limit, record_path, lock_fd), self.log.fd, lock_fd)
        runs.set_pid(self.db, run_id, child.pid)
        from v6.runner import aftermath

        if attempt == 1:
            aftermath.begun(self.known, run_id)
        ending = child.wait(limit)
        failpoint.reach("attempt_ended")
        verdict = aftermath.settle(self.known, run_id, attempt, ending, record_path)
        return run_id, verdict, ending.number is not None

    def _wait_before_retry(self, failed_attempts: int) -> float | None:
        """Seconds until the next attempt, None when it could not end before the deadline."""
        from v6.runner import retry

        wait = retry.delay(self.task, failed_attempts, dice=int.from_bytes(os.urandom(2), "big") / 65_536)
        usual = runs.median_wall_seconds(self.db, self.task.name)
        if retry.worth_starting(self.deadline - clock.lasting(), wait, usual):
            return wait
        self.log.write("ERROR", "no further attempt: it would end after the deadline")
        return None

    def _skip(self, reason: str, detail: str) -> int:
        from v6.runner import aftermath

        aftermath.skip(self.known, reason, detail)
        return exit_codes.SUCCESS

    def _command(self) -> tuple[str, ...]:
        return (sys.executable, f"{places.ROOT}/{self.task.script}", *self.arguments)

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

    def _record_path(self, run_id: int, task: str = "") -> str:
        return f"{places.place(self.home, 'runs')}/{task or self.task.name}-{run_id}.json"


def _may_mend(verdict: "Verdict") -> bool:
    """Whether another attempt can end better."""
    from v6.runner import notices

    return exit_codes.recoverable(verdict.exit_code) and verdict.reason not in notices.NOT_RETRIED


def main(arguments: Sequence[str]) -> int:
    """Supervise one run; its exit code. Whatever keeps the supervisor itself from working is 2, loud and alerted."""
    block_signals()
    home = places.home(os.environ)
    log_directory = f"{home}/logs"
    try:
        schedule = compiled.load(places.place(home, "schedule"))
        log_directory = schedule.settings["log_directory"]
        task = schedule.tasks[arguments[0]]
        os.makedirs(places.place(home, "runs"), exist_ok=True)  # noqa: PTH103 - see v6.places
        os.chdir(home)
        return Supervisor(home, schedule, task, arguments[1:]).run()
    except Exception as error:  # the run's edge
        import traceback

        from v6 import host_faults
        from v6.runner import aftermath, notices

        words = host_faults.words(error, home, places.place(home, "journal"))
        title = f"{' '.join(arguments[:1])}: the supervisor failed"
        aftermath.say(f"{traceback.format_exc()}{title}: {words}")
        notices.dispatch(log_directory, ("--alert", title, words, "--key", f"supervisor:{title}"))
        return exit_codes.FATAL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
