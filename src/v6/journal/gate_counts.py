"""What the gate turned away, counted from its log: each line once, however the log is rotated.

The mark is the file (inode) and how far it was read. A log that was renamed meanwhile is read to its end first; one
that was cut off is read from its beginning.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from v6.journal import marks
from v6.journal.database import transaction

MARK = "gate_log"
SKIP = b"skip"
AT_ONCE = 4 << 20


class _Place(NamedTuple):
    inode: int
    offset: int


def count(db: sqlite3.Connection, log: Path) -> int:
    """Add what is new in the log to `gate_skips`; how many skips that was. Raises OSError."""
    with transaction(db):
        begun = _mark(db)
        found: Counter[tuple[str, str]] = Counter()
        place = begun
        for file, start in _unread(log, begun):
            with file.open("rb") as lines:
                place = _Place(os.fstat(lines.fileno()).st_ino, start)
                place = place._replace(offset=_read(lines, start, found))
        if place != begun:
            _store(db, place, found)
    return found.total()


def totals(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(task, reason, skips)."""
    return [tuple(row) for row in db.execute("SELECT task, reason, skips FROM gate_skips ORDER BY task, reason")]


def _unread(log: Path, begun: _Place | None) -> Iterator[tuple[Path, int]]:
    """Files with something to read, the oldest first, and where to begin."""
    rotated = sorted(log.parent.glob(f"{log.stem}.*{log.suffix}"), key=lambda path: (path.stat().st_mtime_ns, path))
    files = [*rotated, log] if log.exists() else rotated
    inodes = [file.stat().st_ino for file in files]
    first = inodes.index(begun.inode) if begun and begun.inode in inodes else 0
    if begun and begun.inode not in inodes:
        files = files[-1:] if log.exists() else []  # the file that was read is gone: of the others nothing is known
    for file in files[first:]:
        start = begun.offset if begun and file.stat().st_ino == begun.inode else 0
        yield file, (start if start <= file.stat().st_size else 0)


def _read(file: BinaryIO, start: int, found: "Counter[tuple[str, str]]") -> int:
    """Count the whole lines from there on; where the next look begins."""
    file.seek(start)
    while block := file.read(AT_ONCE):
        whole, newline, _ = block.rpartition(b"\n")
        if not newline:
            break
        for line in whole.split(b"\n"):
            fields = line.split(b"|", 5)
            if len(fields) >= 5 and fields[3] == SKIP:
                found[fields[1].decode(errors="replace"), fields[4].decode(errors="replace")] += 1
        start += len(whole) + 1
        file.seek(start)
    return start


def _mark(db: sqlite3.Connection) -> _Place | None:
    mark = marks.read(db, MARK)
    return _Place(*map(int, mark.split())) if mark else None


def _store(db: sqlite3.Connection, place: _Place | None, found: "Counter[tuple[str, str]]") -> None:
    if place is None:
        return
    db.executemany(
        "INSERT INTO gate_skips VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET skips = skips + excluded.skips",
        [(task, reason, number) for (task, reason), number in found.items()],
    )
    marks.write(db, MARK, f"{place.inode} {place.offset}")
