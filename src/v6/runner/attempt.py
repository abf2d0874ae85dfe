"""One attempt: the job in its own process group, watched until it ends or its time is up. Standard library only."""

import os
import signal
from collections import namedtuple
from collections.abc import Mapping

from v6 import clock

GRACE_SECONDS = 10.0
LOOK_EVERY_SECONDS = 5.0
"""No timer goes on while the host sleeps: so soon after it has woken up a time that is over is noticed."""
WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# ended_by: 'itself', 'limit' or 'signal'; number: the signal that told the supervisor to stop, else None;
# code: the job's exit code, -n when signal n ended it
Ending = namedtuple("Ending", "code ended_by number wall_seconds cpu_seconds peak_memory_mb")


def block_signals() -> None:
    """Signals wait until `wait_for_signal` takes them: no handler runs at a bad moment."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)


def wait_for_signal(seconds: float) -> int | None:
    """The number of the signal that asks the supervisor to stop, None when the time passed without one."""
    until = clock.lasting() + seconds
    while (left := until - clock.lasting()) > 0:
        received = signal.sigtimedwait(WATCHED, min(left, LOOK_EVERY_SECONDS))
        if received is not None and received.si_signo != signal.SIGCHLD:
            return received.si_signo
    return None


class Attempt:
    """The running job. Its lock descriptor is the supervisor's own open file: killing either alone frees nothing."""

    def __init__(self, command: tuple[str, ...], environ: Mapping[str, str], log_fd: int, lock_fd: int) -> None:
        self._started = clock.monotonic()
        self.pid = os.posix_spawn(
            command[0],
            command,
            environ,
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log_fd, 1),
                (os.POSIX_SPAWN_DUP2, log_fd, 2),
                (os.POSIX_SPAWN_DUP2, lock_fd, lock_fd),
            ),
            setpgroup=0,
            setsigmask=(),
            setsigdef=(*WATCHED, signal.SIGPIPE, signal.SIGALRM),
        )

    def wait(self, limit_seconds: float) -> Ending:
        """Until the job ends; after the limit, or told to stop, its whole group ends: TERM, grace, KILL."""
        number = self._watch(limit_seconds)
        if self._ended():
            ended_by = "itself"
        else:
            ended_by = "limit" if number is None else "signal"
            self._signal_group(signal.SIGTERM)
            self._watch(GRACE_SECONDS)
            self._signal_group(signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        return Ending(
            os.waitstatus_to_exitcode(status),
            ended_by,
            number,
            round(clock.monotonic() - self._started, 3),
            round(usage.ru_utime + usage.ru_stime, 3),
            round(usage.ru_maxrss / 1024, 1),
        )

    def _watch(self, seconds: float) -> int | None:
        """Wait for the job's end; a signal for the supervisor ends the waiting and is returned."""
        until = clock.lasting() + seconds
        while not self._ended() and (left := until - clock.lasting()) > 0:
            received = signal.sigtimedwait(WATCHED, min(left, LOOK_EVERY_SECONDS))
            if received is not None and received.si_signo != signal.SIGCHLD:
                return received.si_signo
        return None

    def _ended(self) -> bool:
        """Whether the direct job has ended; it stays a zombie, so that its group's number is not given away."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return
