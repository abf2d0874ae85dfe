"""One restart job at a time: pre_restart and every variant of post_restart hold the same lock. The kernel holds it for
the open file, so a kill leaves nothing stale."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from v6 import file_locks

LOCK = "restart.lock"


class Busy(Exception):  # noqa: N818 - it names what happened
    """Another restart job holds the lock. `holder`: what its file says, `pid 123 pre_restart`."""

    def __init__(self, holder: str, seconds: float) -> None:
        super().__init__(f"another restart job ({holder}) is at work, waited {seconds:g} s for it")
        self.holder = holder


@contextmanager
def alone(locks: Path, wait_seconds: float = 0.0, task: str = "") -> Iterator[None]:
    """Hold the lock of the restart jobs; waits at most `wait_seconds` for it, then raises Busy."""
    locks.mkdir(parents=True, exist_ok=True)
    descriptor = file_locks.acquire(locks / LOCK, wait_seconds)
    if descriptor is None:
        raise Busy(_words(locks) or "pid unknown", wait_seconds)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} {task}".strip().encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(locks: Path) -> str | None:
    """Who is at work, `pid 123 post_restart`; None: nobody. Read from /proc: taking the lock to see would turn away a
    job that begins just then."""
    try:
        words = _words(locks)
        file = (locks / LOCK).stat()
        opened = Path("/proc", words.split()[1], "fd")
        held = any(os.path.samestat(file, entry.stat()) for entry in opened.iterdir() if entry.exists())
    except (OSError, IndexError):
        return None
    return words if held else None


def _words(locks: Path) -> str:
    """What the holder, or the last one, has written. Raises OSError."""
    return (locks / LOCK).read_text(errors="replace").strip()
