"""Locks of the kernel on single bytes of an open file (OFD locks): a death frees them, two holders in one process count
as two, and there is nothing to sweep. The byte need not exist."""

import fcntl
import os
import struct

FLOCK = "hhqqi4x"  # struct flock of Linux: type, whence, start, length, pid


def lock(descriptor: int, byte: int) -> bool:
    """Whether it is ours now; also when it already was."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, byte))
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int, byte: int) -> None:
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, byte))


def taken_by_another(descriptor: int, byte: int) -> bool:
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, byte))
    return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


def any_taken_by_another(descriptor: int) -> bool:
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, 0, 0))  # 0 bytes: to the end
    return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


def _flock(kind: int, byte: int, count: int = 1) -> bytes:
    return struct.pack(FLOCK, kind, os.SEEK_SET, byte, count, 0)
