"""Exchange two folders in one step of the kernel: at every moment there is one under each name.

renameat2(2) with RENAME_EXCHANGE, Linux 3.15 and glibc 2.28: https://man7.org/linux/man-pages/man2/rename.2.html
Where the file system cannot (some network and overlay ones), two renames have to do: for microseconds there is none.
"""

import ctypes
import errno
import os
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
CANNOT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def exchange(one: Path, other: Path) -> None:
    """Both must exist on one file system. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
        if done == 0:
            return
        number = ctypes.get_errno()
        if number not in CANNOT:
            raise OSError(number, os.strerror(number), str(other))
    between = other.with_name(f"{other.name}.exchanged")
    other.rename(between)
    one.rename(other)
    between.rename(one)
