"""Signals of a job's process: SIGTERM and the backstop timer end it through its `finally` clauses."""

import fcntl
import os
import signal
from types import FrameType

from v6.runner import environment

BACKSTOP_GRACE = 5.0  # seconds after the supervisor should have ended the job
LAST_WORD = 10.0  # seconds for the finally clauses before SIGALRM ends the process


class Terminated(SystemExit):
    """Raised where the job happens to be, so that connections are closed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        return f"ended by {signal.Signals(self.number).name}"


def keep_lock_from_children() -> None:
    """The supervisor and its direct job hold the task's lock; nothing the job starts may."""
    descriptor = os.environ.pop(environment.LOCK_FD, None)
    if descriptor is not None:
        fcntl.fcntl(int(descriptor), fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def arm(limit_seconds: float) -> None:
    """SIGTERM and Ctrl-C raise; so does a timer a little after the attempt's limit, should the supervisor be dead."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _terminate)
    if limit_seconds > 0:
        signal.signal(signal.SIGALRM, _terminate)
        signal.setitimer(signal.ITIMER_REAL, limit_seconds + BACKSTOP_GRACE)


def disarm() -> None:
    """The work is over: nothing may interrupt the writing of its result."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, LAST_WORD)
    raise Terminated(number)
