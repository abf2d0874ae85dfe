"""From a backup (`v6.store.backup`) back to a lake and a journal.

A restore copies into a new folder beside the lake, verifies it whole (every checksum; every table opens at its version;
every row is read, and the files hold as many as the log and the manifest say), gives it the name that the old lake is
to have, `NAME.before-restore-STAMP`, and exchanges the two in one step of the kernel. Killed at any moment there is one
whole lake in place, the old one or the restored one, and the old one is never under another name than those two:
`NAME.restoring-STAMP` is always a copy that may be removed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock, failpoint
from v6.journal import database
from v6.store.backup import local
from v6.store.exchange import exchange
from v6.store.manifest import (
    JOURNAL,
    LAKE,
    BackupError,
    Fingerprint,
    Manifest,
    copied,
    fingerprint,
    manifest_of,
    refused_by_the_disk,
    require_room,
    verify_rows,
    verify_tables,
)
from v6.store.table_lock import table_lock
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from v6.store.lake import Lake

PATIENCE = timedelta(seconds=30)
SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a journal that is open, or was when its process died."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A restored lake that has been verified and lies beside the one in place."""

    folder: Path
    stamp: str
    manifest: Manifest


def stage(lake: Lake, source: Path) -> Staged:
    """Copy the backup's lake beside the one in place and verify it. Raises BackupError; then nothing is left of it."""
    root = local(lake)
    manifest = manifest_of(source)
    root.parent.mkdir(parents=True, exist_ok=True)
    if root.exists() and root.stat().st_dev != root.parent.stat().st_dev:
        raise BackupError(f"{root}: is a file system of its own and cannot be exchanged: give lake.root a folder in it")
    require_room(root.parent, manifest.size_bytes)
    stamp = _stamp(root)
    folder = root.with_name(f"{root.name}.restoring-{stamp}")
    try:
        with refused_by_the_disk(folder, "nothing was restored"):
            folder.mkdir()
            for place, expected in manifest.files.items():
                _restored(source, place, expected, None if place == JOURNAL else folder / Path(place).relative_to(LAKE))
            failpoint.reach("restore_copied")
            verify_tables(folder, manifest)
            verify_rows(folder, manifest, source)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    failpoint.reach("restore_verified")
    return Staged(folder, stamp, manifest)


def switch(lake: Lake, staged: Staged) -> Path | None:
    """Put the staged lake in the place of the present one, while nobody writes; where that is kept, None: there was
    none. Raises LakeBusyError when a writer does not end."""
    root = local(lake)
    with ExitStack() as locks:
        for name in TABLES:
            locks.enter_context(table_lock(lake.locks, name, PATIENCE))
        if not root.exists():
            staged.folder.rename(root)
            return None
        aside = root.with_name(f"{root.name}.before-restore-{staged.stamp}")
        staged.folder.rename(aside)
        failpoint.reach("restore_named")
        exchange(aside, root)
        failpoint.reach("restore_switched")
        return aside


def require_closed(journal: Path) -> None:
    """Raises BackupError while any process has the journal open. A damaged one cannot be asked, and may be replaced."""
    if not journal.exists():
        return
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        _alone(db, journal)
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.DatabaseError:
            return


def restore_journal(source: Path, manifest: Manifest, journal: Path, stamp: str) -> Path | None:
    """Put the backup's journal in the place of the present one; where that is kept, None: there was none.

    Raises BackupError when it has none, or the present one is open. Numbers of runs go on after those of the present
    one: the lake's export may have runs that the backup's journal does not know.
    """
    if JOURNAL not in manifest.files:
        raise BackupError(f"{source}: has no journal")
    new = journal.with_name(f"{journal.name}.restoring-{stamp}")
    with refused_by_the_disk(journal, "the journal was not restored"):
        _restored(source, JOURNAL, manifest.files[JOURNAL], new)
        try:
            database.connect(new).close()  # migrated, or refused: it may be of a newer V6
        except (database.JournalError, sqlite3.Error) as error:
            new.unlink()
            raise BackupError(f"{source}: its journal is not restored: {error}") from error
        finally:
            new.with_name(f"{new.name}.migrate").unlink(missing_ok=True)
        aside = _set_aside(journal, new, stamp) if journal.exists() else None
        new.replace(journal)
    return aside


def _set_aside(journal: Path, new: Path, stamp: str) -> Path:
    """Copy the present journal beside it; nothing may stay that SQLite would add to the new one."""
    aside = journal.with_name(f"{journal.name}.before-restore-{stamp}")
    with closing(sqlite3.connect(journal, isolation_level=None)) as present:
        if _alone(present, journal):
            with closing(sqlite3.connect(new, isolation_level=None)) as restored:
                for table, number in present.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
                    restored.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table))
    for side in SIDES:
        beside = journal.with_name(journal.name + side)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + side))
    copied(journal, aside)
    return aside


def _alone(db: sqlite3.Connection, journal: Path) -> bool:
    """Write the log of changes back and remove it, which SQLite does for nobody but the only one; False: damaged."""
    try:
        db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(
            f"{journal}: another process has it open ({error}): nothing was restored of it; end it and try again"
        ) from error
    except sqlite3.DatabaseError:
        return False
    return True


def _stamp(root: Path) -> str:
    """Of now; another when a restore of this second has taken it."""
    stamp = f"{clock.now():%Y-%m-%d-%H%M%S}"
    taken = len([*root.parent.glob(f"{root.name}.*{stamp}*")])
    return f"{stamp}-{os.getpid()}" if taken else stamp


def _restored(source: Path, place: str, expected: Fingerprint, target: Path | None) -> None:
    """Copy one file of the backup, or (`target` None) only look at it."""
    if not (source / place).is_file():
        raise BackupError(f"{source}: incomplete: {place} is not there")
    found = copied(source / place, target) if target else fingerprint(source / place)
    if found != expected:
        if target is not None:
            target.unlink()
        raise BackupError(
            f"{source / place}: checksum wrong: {found[0]} bytes, sha256 {found[1][:12]}..., "
            f"the manifest says {expected[0]} bytes, {expected[1][:12]}..."
        )
