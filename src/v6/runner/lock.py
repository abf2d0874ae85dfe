"""One run of a task at a time. The kernel holds the lock for the open file, so a kill leaves nothing stale.
Standard library only."""

import fcntl
import os


def acquire(directory: str, task: str) -> int | None:
    """The descriptor that holds the task's lock (not inheritable until it is shared), None when a run has it."""
    os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - pathlib costs the supervisor's start
    descriptor = os.open(f"{directory}/{task}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
