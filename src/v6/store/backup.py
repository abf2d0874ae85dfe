"""Backups of lake and journal; `v6.store.restore` is the way back (L33: never a copy over a live table).

A backup is a folder: `lake/TABLE/...` (the log up to one pinned version and the files that are active in it), `v6.db`,
and `manifest.json`, written last: versions, rows, and size and SHA-256 of every file. A file that is not what the log
says of it (size, and the rows of its own footer) is refused: there is no backup of a damaged table. Files of a version
never change and outlive it by delta.RETENTION_DAYS, so writers go on meanwhile; a log entry can expire sooner, then the
table is pinned anew. The journal is copied before the tables: what it says to be stored is.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock, failpoint
from v6.store import delta, file_check
from v6.store.manifest import (
    FORMAT,
    JOURNAL,
    LAKE,
    UNFINISHED,
    BackupError,
    Fingerprint,
    Manifest,
    copied,
    fingerprint,
    listed,
    refused_by_the_disk,
    require_room,
    verify_tables,
    written,
)
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from v6.store.lake import Lake

ATTEMPTS = 3
DAMAGED = (
    "the lake is damaged, this is no backup: scripts/audit_data_integrity.py says what of it, "
    "`v6 lake restore` brings an earlier backup back"
)


def make(lake: Lake, journal: Path, target: Path) -> Manifest:
    """Back up into `target`, a folder that does not exist or is empty. Raises BackupError; what was copied by then
    stays, and says that it is no backup."""
    root = local(lake)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target}: there is something already, allowed: a new or an empty folder")
    if target.resolve().is_relative_to(root.resolve()):
        raise BackupError(f"{target}: lies in the lake ({root}), allowed: a folder outside of it")
    pinned = [stored for name in TABLES if (stored := delta.loaded(lake.uri(name), None)) is not None]
    if not pinned:
        raise BackupError(f"{root}: there is no table to back up: is V6_HOME the right one?")
    size = sum(int(delta.files(stored)["size_bytes"].sum()) for stored in pinned)
    with refused_by_the_disk(target, "this is no backup: remove it and make another"):
        target.mkdir(parents=True, exist_ok=True)
        (target / UNFINISHED).write_text("a backup was begun here and has not ended\n")
        require_room(target, size + (journal.stat().st_size if journal.exists() else 0))
        manifest = _copied_to(lake, journal, target)
        verify_tables(target / LAKE, manifest)
        written(target, manifest)
    return manifest


def _copied_to(lake: Lake, journal: Path, target: Path) -> Manifest:
    files: dict[str, Fingerprint] = {}
    tables: dict[str, dict[str, int]] = {}
    if journal.exists():
        _copy_journal(journal, target / JOURNAL)
        files[JOURNAL] = fingerprint(target / JOURNAL)
    pinned = {name: stored for name in TABLES if (stored := delta.loaded(lake.uri(name), None)) is not None}
    for name, first in pinned.items():
        stored, of_table = _copied_table(lake, name, first, target / LAKE / name)
        files |= {f"{LAKE}/{name}/{place}": found for place, found in of_table.items()}
        tables[name] = {"version": stored.version(), "rows": int(delta.files(stored)["num_records"].sum())}
    failpoint.reach("backup_copied")
    return Manifest(FORMAT, f"{clock.utc_now():%Y-%m-%dT%H:%M:%SZ}", str(local(lake)), tables, files)


def _copied_table(lake: Lake, name: str, pinned: DeltaTable, target: Path) -> tuple[DeltaTable, dict[str, Fingerprint]]:
    """The version that was copied and its files; another one than was pinned when files of that have expired."""
    folder = local(lake) / name
    for attempt in range(ATTEMPTS):
        try:
            places = [file.relative_to(folder) for file in _files_of(folder, pinned)]
            files = {place.as_posix(): copied(folder / place, target / place) for place in places}
            _require_undamaged(folder, pinned, target)
            return pinned, files
        except FileNotFoundError as error:
            shutil.rmtree(target, ignore_errors=True)
            newer = delta.loaded(lake.uri(name), None)
            if newer is None or attempt == ATTEMPTS - 1:
                raise BackupError(
                    f"{error.filename}: is not there, or another program takes files away: {DAMAGED}"
                ) from error
            pinned = newer
    raise AssertionError("the last attempt returns or raises")


def _require_undamaged(folder: Path, pinned: DeltaTable, copy: Path) -> None:
    """What was copied is what the log says of it: the copy is looked at, the file of the lake is named."""
    for path, size_bytes, rows in listed(pinned):
        if wrong := file_check.wrong(copy / path, size_bytes, rows):
            raise BackupError(f"{folder / path}: {wrong}: {DAMAGED}")


def local(lake: Lake) -> Path:
    """The folder of the lake, where it really is."""
    if lake.local is None:
        raise BackupError(f"{lake.root}: an object store keeps its own versions: use those, allowed here: a local path")
    return lake.local.resolve()


def _files_of(folder: Path, stored: DeltaTable) -> list[Path]:
    """The log up to the version, and the files that are active in it."""
    log = [
        file
        for file in sorted((folder / "_delta_log").iterdir())
        if file.name[:20].isdecimal() and int(file.name[:20]) <= stored.version()
    ]
    return [*log, *(folder / path for path, _, _ in listed(stored))]


def _copy_journal(journal: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(journal)) as present, closing(sqlite3.connect(target)) as copy:
            present.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(f"{journal}: cannot be copied to {target}: {error}") from error
    with target.open("rb") as file:
        os.fsync(file.fileno())
