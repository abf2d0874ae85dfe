"""Files of root: written whole under a name that cron ignores, then renamed; what was there is kept elsewhere."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from v6 import clock
from v6.clock import utc_now
from v6.failpoint import reach
from v6.install.refused import RefusedError


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """A reader sees the old file or the new one. The daemon tells files apart by the second they were written in."""
    before = path.lstat().st_mtime if path.exists() else 0.0
    new = temporary(path)
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fchmod(fd, mode)
        if os.geteuid() == 0:
            os.fchown(fd, 0, 0)
        os.fsync(fd)
    reach(f"put {path.name}: written")
    new.rename(path)
    reach(f"put {path.name}: renamed")
    _settle(path.parent)
    if int(path.stat().st_mtime) == int(before):
        clock.sleep(1.0)
        os.utime(path)


def temporary(path: Path) -> Path:
    """Debian's cron reads no name with a dot, no other cron one that begins with it."""
    return path.with_name(f".{path.name}.new")


def as_put(path: Path, text: str, mode: int = 0o644) -> bool:
    """Whether it is there, to the byte, with owner and mode."""
    try:
        found = path.lstat()
        same = path.read_text(encoding="utf-8", errors="surrogateescape") == text
    except (FileNotFoundError, NotADirectoryError):
        return False
    owner = 0 if os.geteuid() == 0 else found.st_uid
    plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1  # Debian's cron ignores what has a second name
    return same and plain and stat.S_IMODE(found.st_mode) == mode and found.st_uid == owner


def remove(path: Path) -> bool:
    """Whether there was one."""
    temporary(path).unlink(missing_ok=True)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _settle(path.parent)
    return True


def keep_replaced(kept: Path, name: str, text: str) -> Path:
    """A copy of what is about to be replaced or removed, under a name of its own."""
    make_folder(kept)
    copy = kept / f"replaced-{utc_now():%Y%m%dT%H%M%SZ}-{name}"
    put(copy, text, 0o600)
    return copy


def make_folder(kept: Path) -> None:
    kept.mkdir(mode=0o755, parents=True, exist_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No second installer at the same time; the folder itself is locked. Raises RefusedError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RefusedError("another installer is at work") from error
    finally:
        os.close(fd)


def _settle(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
