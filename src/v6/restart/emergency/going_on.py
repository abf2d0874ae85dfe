"""After the end: the validation and the market session as cron would start them, through the wrapper, in sessions of
their own, so that they outlive this call and leave their rows in the journal."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from v6 import clock, file_locks
from v6.gateway import detached
from v6.journal import runs
from v6.journal.connections import SESSION, SESSION_LOCK
from v6.restart.emergency.failures import NotDone
from v6.scheduler import upcoming
from v6.scheduler.compiled import Schedule
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

VALIDATION = "post_restart"
BEFORE_OPEN = timedelta(minutes=5)
LOOK_SECONDS = 0.1
START_SECONDS = 30.0  # an interpreter, the libraries, on a busy host
NEXT_SHOWN = 3
DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`output`: the folder of what the started ones print; `environ`: of their processes."""

    path: Path
    output: Path
    environ: Mapping[str, str]

    def start(self, task: str) -> int:
        """The pid of its supervisor. Raises NotDone."""
        command = [os.fspath(self.path), f"scripts/{task}.py"]
        try:
            return detached.spawn(command, self.output_of(task), self.environ)
        except OSError as error:
            raise NotDone(f"{' '.join(command)} cannot be started: {error.strerror}") from error

    def output_of(self, task: str) -> Path:
        return self.output / f"{task}.log"


def validate(wrapper: Wrapper, journal: Callable[[], sqlite3.Connection], seconds: float) -> str:
    """Prove that TWS works as post_restart does after every restart: its journal row tells. Raises NotDone."""
    db = journal()
    before = _latest(db)
    pid = wrapper.start(VALIDATION)
    code = _exit(pid, seconds)
    latest = runs.recent(db, VALIDATION, 1)
    if code is None:
        raise NotDone(f"{VALIDATION} (pid {pid}) is still at work after {seconds:.0f} s: `v6 runs --task {VALIDATION}`")
    if not latest or latest[0].id <= before:
        raise NotDone(f"{VALIDATION} did not run (exit {code}): {detached.last_line(wrapper.output_of(VALIDATION))}")
    run = latest[0]
    words = f"{VALIDATION}: {run.outcome}{f' {run.reason}' if run.reason else ''}: {run.summary or run.note}"
    if run.outcome not in ("success", "skip"):
        raise NotDone(f"{words} (log: {run.log_file}); `v6 restart status` says what to do")
    return words


def begin_session(wrapper: Wrapper, locks: Path) -> str:
    """Start the market session. Raises NotDone when it does not come to work."""
    lock = locks / SESSION_LOCK
    if file_locks.is_held(lock):
        return "the market session is at work already"
    pid = wrapper.start(SESSION)
    code = _exit(pid, START_SECONDS, lambda: file_locks.is_held(lock))
    if file_locks.is_held(lock):
        return f"the market session is at work again (supervisor {pid})"
    said = detached.last_line(wrapper.output_of(SESSION))
    how = f"has not begun within {START_SECONDS:.0f} s" if code is None else f"ended with exit {code}"
    raise NotDone(f"the market session {how}: {said}; cron tries again within five minutes: `v6 runs --task {SESSION}`")


def in_session(calendar: NYSECalendar, at: datetime) -> bool:
    """Whether a market session has work left: from shortly before the open to the close."""
    session = calendar.session(at.astimezone(clock.NEW_YORK).date())
    if session is None:
        return False
    return (session.open - BEFORE_OPEN).timestamp() <= at.timestamp() < session.close.timestamp()


def next_slots(schedule: Schedule, calendar: NYSECalendar, at: datetime) -> str:
    """What cron starts next, in words."""
    tasks = [task for task in schedule.tasks.values() if task.enabled]
    coming: list[upcoming.Planned] = []
    with suppress(CalendarError):
        for days in range(DAYS_AHEAD):
            day = (at + timedelta(days=days)).date()
            planned = upcoming.of_day(tasks, day, calendar, schedule.windows)
            coming += [one for one in planned if one.decision.run and one.slot.timestamp() > at.timestamp()]
            if len(coming) >= NEXT_SHOWN:
                break
    words = ", ".join(f"{one.task} {one.slot:%a %H:%M %Z}" for one in coming[:NEXT_SHOWN])
    return f"cron goes on by itself: {words}" if words else "cron has nothing to start within a week"


def _latest(db: sqlite3.Connection) -> int:
    return max((run.id for run in runs.recent(db, VALIDATION, 1)), default=0)


def _exit(pid: int, seconds: float, enough: Callable[[], bool] = lambda: False) -> int | None:
    until = clock.monotonic() + seconds
    while (code := detached.exit_code(pid)) is None and clock.monotonic() < until and not enough():
        clock.sleep(LOOK_SECONDS)
    return code
