"""One run of a task at a time. The kernel holds the lock for the open file, so a kill leaves nothing stale.
Standard library only."""

import os

from v6 import file_locks


def acquire(directory: str, task: str, wait_seconds: float = 0.0) -> int | None:
    """The descriptor that holds the task's lock (not inheritable until it is shared), None when a run has had it for
    all of `wait_seconds`."""
    os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - pathlib costs the supervisor's start
    return file_locks.acquire(f"{directory}/{task}.lock", wait_seconds)
