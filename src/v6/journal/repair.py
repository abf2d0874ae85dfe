"""A damaged journal: what can still be read of it goes into a new one, and the old one is kept beside it.

SQLite reads a damaged table up to the first bad page: it is read from both ends, so that one bad page costs the rows of
that page and not all that came after it.
"""

import fcntl
import os
import sqlite3
from collections import namedtuple
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from v6 import clock, file_locks, host_faults
from v6.journal import database
from v6.model import FatalError

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a journal that is open, or was when its process died."""
NOT_ROWS = ("sqlite_sequence",)
SHARED_BYTES = (0x40000002, 510)
"""First byte and number of those that whoever has a journal open holds a lock of: https://www.sqlite.org/src/file/src/os.h"""

Table = namedtuple("Table", "name kept complete")
"""`kept`: rows that were saved. `complete`: whether the table could be read from one end to the other."""
Repaired = namedtuple("Repaired", "tables aside")


class RepairError(FatalError):
    """The journal is not repaired; the message says why, and nothing was changed."""


def flaws(path: Path) -> list[str]:
    """What SQLite's own check finds wrong with the journal; empty when it is whole. Raises RepairError where there is
    none, and where it cannot be looked at: that is no damage."""
    if not path.exists():
        raise RepairError(
            f"{path} does not exist: the next run makes a new one, "
            "`v6 lake restore DIR --journal` brings back an old one"
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            found = [str(row[0]) for row in db.execute("PRAGMA quick_check(20)")]
    except sqlite3.DatabaseError as error:
        _require_damage(path, error)
        return [str(error)]
    return [] if found == ["ok"] else found


def repair(path: Path, locks: Path) -> Repaired:
    """Put a new journal with everything that can be read of the damaged one into its place. Raises RepairError when it
    is not damaged, or while anything uses it."""
    if not flaws(path):
        raise RepairError(f"{path} is not damaged: nothing to repair")
    stamp = f"{clock.now():%Y%m%d-%H%M%S}"
    new = path.with_name(f"{path.name}.repairing-{stamp}")
    with _alone(path, locks):
        try:
            tables = _saved(path, new)
            with closing(sqlite3.connect(new)) as db:
                db.execute("PRAGMA journal_mode = DELETE")  # all of it in one file, which can be renamed
            _require_closed(path)
            aside = _exchange(path, new, stamp)
        except (OSError, sqlite3.Error) as error:
            raise RepairError(f"{path}: the new journal cannot be written: {error}") from error
        finally:
            for left in (new, *(new.with_name(new.name + side) for side in (*BESIDE, ".migrate"))):
                left.unlink(missing_ok=True)
    return Repaired(tables, aside)


def _require_damage(path: Path, error: sqlite3.DatabaseError) -> None:
    """Raises RepairError for an error that tells nothing of what is in the file: locked, not ours, the disk full."""
    words = host_faults.fault(error, str(path.parent), str(path))
    if words and not host_faults.is_damage(error):
        raise RepairError(f"whether {path} is damaged cannot be told: {words}")


@contextmanager
def _alone(path: Path, locks: Path) -> Generator[None]:
    """Nothing of V6 is at work, and nothing begins: it would write into what is put aside."""
    files = sorted(locks.glob("*.lock"))
    held = file_locks.Held()
    running = [lock.stem for lock in files if held.holder(lock)]
    with ExitStack() as ours:
        for lock in files if not running else ():
            descriptor = file_locks.acquire(lock)
            if descriptor is None:
                running.append(lock.stem)
            else:
                ours.callback(os.close, descriptor)
        if running:
            raise RepairError(
                f"{path}: in use by {', '.join(running)}: wait for their end, or end them, then try again"
            )
        _require_closed(path)
        yield


def _require_closed(path: Path) -> None:
    """Raises RepairError while another process has the journal open: it would end by removing the new one's log."""
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_BYTES[1], SHARED_BYTES[0])
        except BlockingIOError as error:
            raise RepairError(
                f"{path}: another process has it open, `fuser {path}` names it: end it, then try again"
            ) from error


def _saved(damaged: Path, new: Path) -> list[Table]:
    """Fill a new journal. A table that cannot be read at all stays empty."""
    with closing(database.connect(new)) as target:
        names = [
            name
            for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rootpage")
            if name not in NOT_ROWS
        ]
        triggers = list(target.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name, _ in triggers:  # what they keep is copied as a table of its own
            target.execute(f'DROP TRIGGER "{name}"')
        with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as source:
            tables = [_copied(source, target, name) for name in names]
        for _, sql in triggers:
            target.execute(sql)
    return tables


def _copied(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> Table:
    old = {row[1] for row in _columns(source, table)}
    columns = [row[1] for row in target.execute(f'PRAGMA table_info("{table}")') if not old or row[1] in old]
    keys = [row[1] for row in target.execute(f'PRAGMA table_info("{table}")') if row[5]] or ["rowid"]
    complete = _read(source, target, table, columns, ", ".join(keys))
    if not complete:
        _read(source, target, table, columns, ", ".join(f"{key} DESC" for key in keys))
    kept = target.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608
    return Table(table, kept, complete)


def _columns(source: sqlite3.Connection, table: str) -> list[tuple[int, str]]:
    """An older V6's journal may have fewer; none where even that cannot be read."""
    try:
        return source.execute(f'PRAGMA table_info("{table}")').fetchall()
    except sqlite3.DatabaseError:
        return []


def _read(source: sqlite3.Connection, target: sqlite3.Connection, table: str, columns: list[str], order: str) -> bool:
    """Whether all of it could be read in that order."""
    shared = ", ".join(columns)
    places = ", ".join("?" * len(columns))
    insert = f'INSERT OR IGNORE INTO "{table}" ({shared}) VALUES ({places})'  # noqa: S608
    with database.transaction(target):
        try:
            rows = source.execute(f'SELECT {shared} FROM "{table}" ORDER BY {order}')  # noqa: S608
        except sqlite3.DatabaseError:
            return False
        while True:
            try:
                row = next(rows, None)
            except sqlite3.DatabaseError:
                return False
            if row is None:
                return True
            target.execute(insert, row)


def _exchange(path: Path, new: Path, stamp: str) -> Path:
    """Killed at any moment the damaged journal is whole, with what is beside it, under one of its two names; never is
    its log beside the new one."""
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for side in ("", *BESIDE):
        if (file := path.with_name(path.name + side)).exists():
            aside.with_name(aside.name + side).hardlink_to(file)
    _sync(path.parent)
    for side in BESIDE:
        path.with_name(path.name + side).unlink(missing_ok=True)
    _sync(path.parent)
    new.replace(path)
    _sync(path.parent)
    return aside


def _sync(place: Path) -> None:
    folder = os.open(place, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def said(repaired: Repaired) -> str:
    lost = [table.name for table in repaired.tables if not table.complete]
    rows = sum(table.kept for table in repaired.tables)
    words = f"{rows} rows saved, the damaged journal is kept as {repaired.aside}"
    return words + (f"; not read to the end: {', '.join(lost)}" if lost else "")
