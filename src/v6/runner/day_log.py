"""The supervisor's lines in the task's log of the day and in the log of everything, in the jobs' own layout.
Standard library only."""

import os

from v6 import clock


class DayLog:
    """Appends to both files, a line a write. `fd` is what the job's stdout and stderr go to."""

    def __init__(self, log_directory: str, task: str) -> None:
        self._task = task
        self.path = f"{log_directory}/tasks/{task}-{clock.now():%Y-%m-%d}.log"
        self.fd = _append_to(self.path)
        self._unified = _append_to(f"{log_directory}/scheduler/unified_scheduler.log")

    def write(self, level: str, text: str) -> None:
        stamp = f"{clock.now():%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"{clock.now(): %Z}"
        line = f"{stamp} | {level:<7} | {self._task} | {text}\n".encode("utf-8", "backslashreplace")
        for descriptor in (self.fd, self._unified):
            try:
                os.write(descriptor, line)
            except OSError as error:  # a full disk must not end the run; the journal still tells
                os.write(2, f"{self._task}: cannot write its log: {error.strerror}: {text}\n".encode())


def _append_to(path: str) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib costs start-up time
        return os.open(path, flags, 0o644)
