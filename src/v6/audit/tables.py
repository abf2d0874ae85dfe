"""Do the tables stand as they were written: they open, have the declared schema, and their files are what the log says.

A file that the log does not know (a writer was killed, or somebody put it there) is an orphan. It is one to report when
it is older than what the nightly vacuum leaves (`delta.RETENTION_DAYS`) and a day more; a younger one may be a write
that is under way, and is only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from v6.analysis.findings import Finding, could_not_check, of_problems
from v6.journal.audits import Versions
from v6.restart.counted import counted
from v6.store import delta, file_check
from v6.store.errors import LakeError, LakeUnavailableError
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from v6.store.lake import Lake

ORPHAN_AGE = timedelta(days=delta.RETENTION_DAYS + 1)
REMOTE = "the lake is an object store: its files are not looked at from here"


def opened(lake: Lake) -> tuple[list[Finding], dict[str, DeltaTable], set[str]]:
    """Findings `tables open` and `schema`, every table that can be looked at further, and the names of those that are
    there and cannot."""
    tables: dict[str, DeltaTable] = {}
    unusable: set[str] = set()
    broken: list[str] = []
    different: list[str] = []
    for name, form in TABLES.items():
        try:
            stored = delta.loaded(lake.uri(name), lake.storage_options)
        except (LakeError, LakeUnavailableError) as error:
            broken.append(f"{name}: {error}")
            unusable.add(name)
            continue
        if stored is None and lake.local is not None and (lake.local / name).exists():
            broken.append(f"{name}: there is a folder {lake.local / name} without a log")
            unusable.add(name)
        if stored is None:
            continue
        if wrong := delta.differences(form, stored):
            different += [f"{name}: {what}" for what in wrong]
            unusable.add(name)
        else:
            tables[name] = stored
    away = broken and lake.local is None
    opening = could_not_check("tables open", "; ".join(broken)) if away else None
    schema = of_problems("schema", different, f"the declared columns in {counted(len(tables), 'table')}")
    if not tables and not different:
        schema = could_not_check("schema", "no table could be opened")
    there = len(tables) + len(unusable)
    return [opening or of_problems("tables open", broken, counted(there, "table")), schema], tables, unusable


def versions(tables: dict[str, DeltaTable], before: Versions, unusable: set[str]) -> Finding:
    """No table is older than an earlier audit found it: a log only grows, whoever writes, compacts or cleans up."""
    now = {name: stored.version() for name, stored in tables.items()}
    fallen = [
        f"{name}: version {now[name]}, on {before.at:%Y-%m-%d} it was {version}"
        if name in now
        else f"{name}: is gone, on {before.at:%Y-%m-%d} it was there"
        for name, version in before.of.items()
        if name not in unusable and now.get(name, -1) < version
    ]
    return of_problems("versions", fallen, f"{counted(len(now), 'table')}, none older than on {before.at:%Y-%m-%d}")


def files(lake: Lake, tables: dict[str, DeltaTable]) -> Finding:
    """Every active file is there, with the size and the rows that the log says."""
    if lake.local is None:
        return could_not_check("files", REMOTE)
    problems: list[str] = []
    count = size = 0
    for name, stored in tables.items():
        for path, size_bytes, rows in delta.files(stored).select("path", "size_bytes", "num_records").iter_rows():
            count, size = count + 1, size + size_bytes
            if wrong := file_check.wrong(lake.local / name / unquote(path), size_bytes, rows):
                problems.append(f"{name}: {path}: {wrong}")
    return of_problems("files", problems, f"{counted(count, 'file')}, {size / 1e6:.1f} MB, as the log says")


def orphans(lake: Lake, now: datetime) -> Finding:
    """Every old file is one that the log knows."""
    if lake.local is None:
        return could_not_check("orphans", REMOTE)
    old: list[str] = []
    young = 0
    for name in TABLES:
        for file, written in _unknown(lake, name):
            if now.astimezone(UTC) - written > ORPHAN_AGE:
                old.append(
                    f"{name}: {file.relative_to(lake.local / name)}: not in the log, of {written:%Y-%m-%d %H:%M} UTC"
                )
            else:
                young += 1
    known = f"no old file that the log does not know, and {counted(young, 'young one')}" if young else "none"
    return of_problems("orphans", old, known)


def _unknown(lake: Lake, name: str) -> Iterator[tuple[Path, datetime]]:
    """Files that are neither active nor taken out by a commit, and when they were written; the folder is read before
    the log, so that a commit in between makes none of them unknown."""
    assert lake.local is not None
    folder = lake.local / name
    found = [file for file in folder.rglob("*") if file.is_file() and "_delta_log" not in file.parts]
    try:
        stored = delta.loaded(lake.uri(name), None)
    except (LakeError, LakeUnavailableError):
        return  # `tables open` says so
    if stored is None:
        return
    known = {folder / unquote(path) for path in delta.files(stored)["path"]}
    known |= {folder / unquote(path) for path in delta.dead_files(stored)}
    for file in found:
        if file not in known and file.exists():
            yield file, datetime.fromtimestamp(file.stat().st_mtime, UTC)
