"""Locks of files: `flock`, which the kernel holds for the open file, so that a kill leaves nothing stale.

Who holds one is read from the kernel's table: to try the lock could turn away whoever wants it at that moment. Columns:
https://man7.org/linux/man-pages/man5/proc_locks.5.html. Standard library only and no pathlib, the supervisor starts
with it.
"""

import fcntl
import os

from v6 import clock

TABLE = "/proc/locks"
LOOK_EVERY_SECONDS = 0.02

Named = str | os.PathLike[str]


def acquire(path: Named, wait_seconds: float = 0.0) -> int | None:
    """The descriptor that holds the lock of this file, made where it is missing, until it is closed; children do not
    inherit it. None when somebody else has held it for all of `wait_seconds`. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        taken = _taken(descriptor, clock.monotonic() + wait_seconds)
    except BaseException:
        os.close(descriptor)
        raise
    if taken:
        return descriptor
    os.close(descriptor)
    return None


class Held:
    """The kernel's table as it is now. Raises OSError when the kernel does not tell."""

    def __init__(self) -> None:
        with open(TABLE, encoding="ascii") as table:
            lines = table.read().splitlines()
        rows = [line.split() for line in lines if " FLOCK " in line and "->" not in line]  # ->: who waits
        self._by_inode: dict[int, list[tuple[int, int]]] = {}
        for fields in rows:
            major, minor, inode = fields[-3].split(":")
            found = (os.makedev(int(major, 16), int(minor, 16)), int(fields[-4]))
            self._by_inode.setdefault(int(inode), []).append(found)

    def holder(self, path: Named) -> int:
        """The process that took the lock of this file; 0: nobody holds it, or there is no such file."""
        try:
            file = os.stat(path)  # noqa: PTH116 - as light as the rest
        except FileNotFoundError:
            return 0
        found = self._by_inode.get(file.st_ino, ())
        return next((pid for device, pid in found if device == file.st_dev or _may_have_open(pid, file)), 0)


def is_held(path: Named) -> bool:
    """False too for a file that is not there. Raises OSError."""
    return Held().holder(path) != 0


def _taken(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= until:
                return False
            clock.sleep(LOOK_EVERY_SECONDS)
        else:
            return True


def _may_have_open(pid: int, file: os.stat_result) -> bool:
    """An inode is one file system's only, and btrfs and overlays show another device in the table than for the file:
    then the process must have this very file open. One that has ended may have left the lock to a child."""
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)  # noqa: PTH208 - as light as the rest
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    return any(_is(f"{folder}/{descriptor}", file) for descriptor in descriptors)


def _is(entry: str, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(entry), file)  # noqa: PTH116 - as light as the rest
    except OSError:
        return False
