"""What a backup says of itself: versions, rows, and size and SHA-256 of every file; and how its files are copied."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from v6.model import FatalError
from v6.store import delta, file_check
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

FORMAT = 1
MANIFEST, UNFINISHED = "manifest.json", "manifest.unfinished"
LAKE, JOURNAL = "lake", "v6.db"
CHUNK = 1 << 20
SPARE = 1.05  # of the size: the file system needs some for itself

Fingerprint = tuple[int, str]
"""Size in bytes and SHA-256."""


class BackupError(FatalError):
    """It cannot be made or restored: says what is wrong with which file, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`tables`: name -> version and rows. `files`: path in the backup -> size in bytes and SHA-256."""

    format: int
    made_at: str
    lake: str
    tables: dict[str, dict[str, int]]
    files: dict[str, Fingerprint]

    @property
    def size_bytes(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.tables.values())


@contextmanager
def refused_by_the_disk(place: Path, so: str) -> Iterator[None]:
    """A full disk, a missing permission: BackupError with the file, the system's word for it, and what that means."""
    try:
        yield
    except OSError as error:
        raise BackupError(f"{error.filename or place}: {error.strerror or error}: {so}") from error


def written(target: Path, manifest: Manifest) -> None:
    """Put it there whole, last of all."""
    path = target / f"{MANIFEST}.next"
    with path.open("w") as file:
        file.write(json.dumps(asdict(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    path.replace(target / MANIFEST)
    (target / UNFINISHED).unlink()


def manifest_of(source: Path) -> Manifest:
    """Raises BackupError for what is not a backup, or not a whole one."""
    if not (source / MANIFEST).exists():
        if (source / UNFINISHED).exists():
            raise BackupError(f"{source}: incomplete: its making was ended before its time; make another")
        raise BackupError(f"{source}: not a backup: it has no {MANIFEST} (`v6 lake backup DIR` makes one)")
    try:
        said: dict[str, Any] = json.loads((source / MANIFEST).read_text())
        if said["format"] != FORMAT:
            raise BackupError(f"{source / MANIFEST}: format {said['format']}, allowed: {FORMAT}")
        files = {place: (int(size), str(digest)) for place, (size, digest) in said.pop("files").items()}
        tables = {
            name: {"version": int(one["version"]), "rows": int(one["rows"])} for name, one in said.pop("tables").items()
        }
        manifest = Manifest(**said, tables=tables, files=files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{source / MANIFEST}: cannot be read: {error!r}") from error
    if unknown := sorted(set(tables) - set(TABLES)):
        raise BackupError(f"{source}: tables that this V6 does not know: {', '.join(unknown)}")
    for place in files:
        if place != JOURNAL and not _of_a_table(place, manifest):
            raise BackupError(f"{source / MANIFEST}: {place}: allowed: {JOURNAL}, and files of its tables in {LAKE}/")
    return manifest


def _of_a_table(place: str, manifest: Manifest) -> bool:
    """`lake/TABLE/...`, of a table that is in it, and nothing that leads out of it."""
    parts = PurePosixPath(place).parts
    return len(parts) > 2 and parts[0] == LAKE and parts[1] in manifest.tables and ".." not in parts


def copied(source: Path, target: Path) -> Fingerprint:
    """Of what was written; it is on the disk then."""
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


def fingerprint(file: Path) -> Fingerprint:
    with file.open("rb") as content:
        return file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest()


def verify_tables(folder: Path, manifest: Manifest) -> None:
    """Every table opens at its version, with its schema, and its log lists as many rows as the manifest."""
    for name, said in manifest.tables.items():
        stored = _opened(folder, name, said["version"])
        rows = int(delta.files(stored)["num_records"].sum())
        if rows != said["rows"]:
            raise BackupError(f"{folder / name}: {rows} rows, the manifest says {said['rows']}")


def verify_rows(folder: Path, manifest: Manifest, source: Path) -> None:
    """Every row of every table can be read, and there are as many as its log says, file by file; what cannot is named
    as the file of the backup `source` that it was copied from."""
    for name, said in manifest.tables.items():
        for path, size_bytes, rows in listed(_opened(folder, name, said["version"])):
            if wrong := file_check.wrong(folder / name / path, size_bytes, rows, whole=True):
                raise BackupError(
                    f"{source / LAKE / name / path}: {wrong}: the lake was damaged before this backup was made; "
                    "an earlier one may be whole"
                )


def listed(stored: DeltaTable) -> Iterator[tuple[str, int, int | None]]:
    """Files that are active in the version: path in the table's folder, bytes and rows as the log says."""
    for path, size_bytes, rows in delta.files(stored).select("path", "size_bytes", "num_records").iter_rows():
        yield unquote(path), size_bytes, rows


def _opened(folder: Path, name: str, version: int) -> DeltaTable:
    stored = delta.opened(str(folder / name), TABLES[name], None)
    if stored is None or stored.version() != version:
        raise BackupError(f"{folder / name}: does not open at version {version}")
    return stored


def require_room(place: Path, size: int) -> None:
    free = shutil.disk_usage(place).free
    if free < size * SPARE:
        raise BackupError(f"{place}: disk too small: {size / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free")
