"""Who holds a `flock`, read from the kernel's table: to try the lock could turn away whoever wants it at that moment.

Standard library only. Columns: https://man7.org/linux/man-pages/man5/proc_locks.5.html.
"""

import os
from pathlib import Path

TABLE = Path("/proc/locks")


def held() -> dict[int, int]:
    """Inode of each file under a `flock` -> the process that took it. Raises OSError when the kernel does not tell."""
    lines = TABLE.read_text(encoding="ascii").splitlines()
    rows = [line.split() for line in lines if " FLOCK " in line and "->" not in line]  # ->: who waits
    return {int(fields[-3].rpartition(":")[2]): int(fields[-4]) for fields in rows}


def is_held(path: Path) -> bool:
    """False too for a file that is not there. Raises OSError."""
    try:
        inode = os.stat(path).st_ino  # noqa: PTH116 - as light as the rest
    except FileNotFoundError:
        return False
    return inode in held()
