"""What an error of the disk or of the journal means, in words that say what to do. Standard library only.

SQLite reports a full disk, a read-only one and a missing folder in several ways ("disk I/O error", "unable to open
database file", "attempt to write a readonly database"): the file system itself is asked.
"""

import errno
import os
import sqlite3

ROOM_BYTES = 1 << 20
"""Less is no room to work in: SQLite's shared memory alone takes 32 kB."""
DAMAGED = ("file is not a database", "malformed", "database disk image")
LOCKED = ("locked", "busy")
CLOSED = ("unable to open", "readonly database", "access permission")
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def words(error: BaseException, folder: str, journal: str) -> str:
    """One line about an error that met a process working in `folder`, whose journal is that file."""
    return fault(error, folder, journal) or f"{type(error).__name__}: {error}"


def fault(error: BaseException, folder: str, journal: str) -> str:
    """The same where disk or journal are to blame; empty where they are not."""
    said = str(error)
    if isinstance(error, OSError):
        return _of_the_disk(error, folder) if error.errno in OF_THE_DISK else ""
    if not isinstance(error, sqlite3.Error):
        return ""
    if is_damage(error):
        return f"the journal {journal} is damaged ({said}): v6 journal repair, or v6 lake restore DIR --journal"
    if any(word in said for word in LOCKED):
        return f"the journal {journal} stayed locked by another process ({said}): fuser {journal} names it"
    if blamed := _of_the_disk(error, folder):
        return blamed
    if any(word in said for word in CLOSED):
        place = os.path.dirname(journal)  # noqa: PTH120
        return f"the journal {journal} cannot be opened or written ({said}): whose is it? ls -la {place}"
    return ""


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that what is in the file cannot be its own."""
    return isinstance(error, sqlite3.DatabaseError) and any(word in str(error) for word in DAMAGED)


def _of_the_disk(error: OSError | sqlite3.Error, folder: str) -> str:
    """Of the disk that the folder is on, or would be."""
    place = folder
    while not os.path.isdir(place) and place != os.path.dirname(place):  # noqa: PTH112, PTH120 - light
        place = os.path.dirname(place)  # noqa: PTH120
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    number = getattr(error, "errno", None)
    if disk.f_flag & os.ST_RDONLY or number == errno.EROFS:
        return f"the file system of {place} is read-only ({error}): see dmesg, then mount -o remount,rw"
    if number == errno.EDQUOT:
        return f"the quota at {place} is used up ({error}): make room, V6 goes on by itself"
    if free < ROOM_BYTES or number == errno.ENOSPC:
        return f"the disk of {place} is full, {free / 1e6:.1f} MB are left ({error}): make room, V6 goes on by itself"
    if disk.f_files and not disk.f_favail:
        return f"the file system of {place} has no inode left ({error}): remove files, V6 goes on by itself"
    return ""
