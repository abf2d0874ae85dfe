"""Backups of lake and journal, and the way back (L33: never a copy over a live table).

A backup is a folder: `lake/TABLE/...` (the log up to one pinned version and the files that are active in it), `v6.db`,
and `manifest.json`, written last: versions, rows, and size and SHA-256 of every file. The files of a version never
change and outlive it by delta.RETENTION_DAYS, so writers go on meanwhile. The journal is copied before the tables: what
it says to be stored is.

A restore copies into a new folder beside the lake, verifies it whole (every checksum; every table opens at its version
with its rows), and only then exchanges the two in one step of the kernel. The old lake stays as
`NAME.before-restore-STAMP`. Killed at any moment there is one whole lake in place, the old one or the restored one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from v6 import clock, failpoint
from v6.journal import database
from v6.model import FatalError
from v6.store import delta
from v6.store.exchange import exchange
from v6.store.table_lock import table_lock
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from v6.store.lake import Lake

FORMAT = 1
MANIFEST, UNFINISHED = "manifest.json", "manifest.unfinished"
LAKE, JOURNAL = "lake", "v6.db"
CHUNK = 1 << 20
SPARE = 1.05  # of the size: the file system needs some for itself
PATIENCE = timedelta(seconds=30)


class BackupError(FatalError):
    """It cannot be made or restored: says what is wrong with which file, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`tables`: name -> version and rows. `files`: path in the backup -> size in bytes and SHA-256."""

    format: int
    made_at: str
    lake: str
    tables: dict[str, dict[str, int]]
    files: dict[str, tuple[int, str]]

    @property
    def size_bytes(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class Staged:
    """A restored lake that has been verified and lies beside the one in place."""

    folder: Path
    stamp: str
    manifest: Manifest


def make(lake: Lake, journal: Path, target: Path) -> Manifest:
    """Back up into `target`, a folder that does not exist or is empty. Raises BackupError."""
    root = _local(lake)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target}: there is something already, allowed: a new or an empty folder")
    if target.resolve().is_relative_to(root.resolve()):
        raise BackupError(f"{target}: lies in the lake ({root}), allowed: a folder outside of it")
    target.mkdir(parents=True, exist_ok=True)
    (target / UNFINISHED).write_text("a backup was begun here and has not ended\n")
    files: dict[str, tuple[int, str]] = {}
    if journal.exists():
        _copy_journal(journal, target / JOURNAL)
        files[JOURNAL] = _fingerprint(target / JOURNAL)
    pinned = {name: stored for name in TABLES if (stored := delta.loaded(lake.uri(name), None)) is not None}
    _require_room(target, sum(int(delta.files(stored)["size_bytes"].sum()) for stored in pinned.values()))
    tables = {}
    for name, stored in pinned.items():
        for file in _files_of(root / name, stored):
            place = f"{LAKE}/{name}/{file.relative_to(root / name)}"
            files[place] = _copied(file, target / place)
        tables[name] = {"version": stored.version(), "rows": int(delta.files(stored)["num_records"].sum())}
    failpoint.reach("backup_copied")
    manifest = Manifest(FORMAT, f"{clock.utc_now():%Y-%m-%dT%H:%M:%SZ}", str(root), tables, files)
    _verify_tables(target / LAKE, manifest)
    _write_whole(target / MANIFEST, json.dumps(asdict(manifest), indent=1))
    (target / UNFINISHED).unlink()
    return manifest


def manifest_of(source: Path) -> Manifest:
    """Raises BackupError for what is not a backup, or not a whole one."""
    if not (source / MANIFEST).exists():
        if (source / UNFINISHED).exists():
            raise BackupError(f"{source}: incomplete: its making was ended before its time; make another")
        raise BackupError(f"{source}: not a backup: it has no {MANIFEST} (`v6 lake backup DIR` makes one)")
    try:
        written: dict[str, Any] = json.loads((source / MANIFEST).read_text())
        if written["format"] != FORMAT:
            raise BackupError(f"{source / MANIFEST}: format {written['format']}, allowed: {FORMAT}")
        files = {place: (int(size), str(digest)) for place, (size, digest) in written.pop("files").items()}
        return Manifest(**written, files=files)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source / MANIFEST}: cannot be read: {error!r}") from error


def stage(lake: Lake, source: Path) -> Staged:
    """Copy the backup's lake beside the one in place and verify it. Raises BackupError; then nothing is left of it."""
    root = _local(lake)
    manifest = manifest_of(source)
    if unknown := sorted(set(manifest.tables) - set(TABLES)):
        raise BackupError(f"{source}: tables that this V6 does not know: {', '.join(unknown)}")
    stamp = f"{clock.now():%Y-%m-%d-%H%M%S}"
    folder = root.with_name(f"{root.name}.restoring-{stamp}")
    root.parent.mkdir(parents=True, exist_ok=True)
    _require_room(root.parent, manifest.size_bytes)
    folder.mkdir()
    try:
        for place, expected in manifest.files.items():
            _restore(source, place, expected, folder if place != JOURNAL else None)
        failpoint.reach("restore_copied")
        _verify_tables(folder, manifest)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    failpoint.reach("restore_verified")
    return Staged(folder, stamp, manifest)


def switch(lake: Lake, staged: Staged) -> Path | None:
    """Put the staged lake in the place of the present one, while nobody writes; where that is kept, None: there was
    none. Raises LakeBusyError when a writer does not end."""
    root = _local(lake)
    with ExitStack() as locks:
        for name in TABLES:
            locks.enter_context(table_lock(lake.locks, name, PATIENCE))
        if not root.exists():
            staged.folder.rename(root)
            return None
        exchange(staged.folder, root)
        failpoint.reach("restore_switched")
        aside = root.with_name(f"{root.name}.before-restore-{staged.stamp}")
        staged.folder.rename(aside)
        return aside


def restore_journal(source: Path, manifest: Manifest, journal: Path, stamp: str) -> Path | None:
    """Put the backup's journal in the place of the present one, which nobody may have open; where that is kept."""
    if JOURNAL not in manifest.files:
        raise BackupError(f"{source}: has no journal")
    new = journal.with_name(f"{journal.name}.restoring-{stamp}")
    _restore(source, JOURNAL, manifest.files[JOURNAL], None, new)
    aside = None
    if journal.exists():
        aside = journal.with_name(f"{journal.name}.before-restore-{stamp}")
        _copy_journal(journal, aside)  # closes the last connection: SQLite removes the write-ahead log then
    new.replace(journal)
    database.connect(journal).close()
    return aside


def _local(lake: Lake) -> Path:
    if lake.local is None:
        raise BackupError(f"{lake.root}: an object store keeps its own versions: use those, allowed here: a local path")
    return lake.local


def _files_of(folder: Path, stored: DeltaTable) -> list[Path]:
    """The log up to the version, and the files that are active in it."""
    log = [
        file
        for file in sorted((folder / "_delta_log").iterdir())
        if file.name[:20].isdecimal() and int(file.name[:20]) <= stored.version()
    ]
    return [*log, *(folder / unquote(path) for path in delta.files(stored)["path"])]


def _copy_journal(journal: Path, target: Path) -> None:
    with closing(sqlite3.connect(journal)) as present, closing(sqlite3.connect(target)) as copy:
        present.backup(copy)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _restore(
    source: Path, place: str, expected: tuple[int, str], folder: Path | None, target: Path | None = None
) -> None:
    """Copy one file of the backup, or (`folder` None and no `target`) only look at it."""
    if folder is not None:
        target = folder / Path(place).relative_to(LAKE)
    try:
        found = _copied(source / place, target) if target else _fingerprint(source / place)
    except FileNotFoundError as error:
        raise BackupError(f"{source}: incomplete: {place} is not there") from error
    if found != expected:
        raise BackupError(
            f"{source / place}: checksum wrong: {found[0]} bytes, sha256 {found[1][:12]}..., "
            f"the manifest says {expected[0]} bytes, {expected[1][:12]}..."
        )


def _copied(source: Path, target: Path) -> tuple[int, str]:
    """Size and SHA-256 of what was written."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as old, target.open("wb") as new:
        while chunk := old.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            new.write(chunk)
        new.flush()
        os.fsync(new.fileno())
    return size, digest.hexdigest()


def _fingerprint(file: Path) -> tuple[int, str]:
    with file.open("rb") as content:
        return file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest()


def _verify_tables(folder: Path, manifest: Manifest) -> None:
    """Every table opens at its version, with its schema, rows and files."""
    for name, said in manifest.tables.items():
        stored = delta.opened(str(folder / name), TABLES[name], None)
        if stored is None or stored.version() != said["version"]:
            raise BackupError(f"{folder / name}: does not open at version {said['version']}")
        files = delta.files(stored)
        rows = int(files["num_records"].sum())
        if rows != said["rows"]:
            raise BackupError(f"{folder / name}: {rows} rows, the manifest says {said['rows']}")
        for path in files["path"]:
            if not (folder / name / unquote(path)).exists():
                raise BackupError(f"{folder / name}: incomplete: {path} is not there")


def _require_room(place: Path, size: int) -> None:
    free = shutil.disk_usage(place).free
    if free < size * SPARE:
        raise BackupError(f"{place}: disk too small: {size / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free")


def _write_whole(path: Path, text: str) -> None:
    written = path.with_name(f"{path.name}.next")
    with written.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
