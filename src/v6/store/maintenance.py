"""Upkeep of the tables: one file a partition, checkpoints, removal of dead files, and what is there.

Readers are never disturbed: a compaction is one commit, and the files it replaces stay for the retention, in which a
reader that opened the table before can still finish. Killed half-way, it leaves the old files and an orphan that a
later compaction removes when it is older than the retention.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from v6.store import delta
from v6.store.columns import Partition, Table, partition_of
from v6.store.errors import LakeError
from v6.store.table_lock import table_lock

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from v6.store.lake import Lake


@dataclass(frozen=True, slots=True)
class TableStatus:
    """Active files only. `partition`: what a folder of the table is, and `partitions` how many have rows. The dates are
    trade dates, by the statistics of the files. `last_slot` is UTC, None for a table without slots or rows."""

    name: str
    exists: bool
    partition: Partition
    version: int | None = None
    rows: int = 0
    files: int = 0
    size_bytes: int = 0
    partitions: int = 0
    first_date: date | None = None
    last_date: date | None = None
    last_slot: datetime | None = None
    most_files_a_partition: int = 0


@dataclass(frozen=True, slots=True)
class Compacted:
    """`rewritten`: partitions, trade dates or the first days of months, as `partition` says; files and sizes are of the
    active files of the whole table."""

    table: str
    partition: Partition
    rewritten: tuple[date, ...]
    rows: int
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    removed_files: int


def status(lake: Lake, form: Table) -> TableStatus:
    stored = lake.opened(form.name)
    if stored is None:
        return TableStatus(form.name, False, form.partition)
    files = delta.files(stored)
    if files.is_empty():
        return TableStatus(form.name, True, form.partition, version=stored.version())
    parts = files[f"partition.{form.partition}"]
    last_slot = files["max.slot"].max() if "max.slot" in files.columns else None
    in_months = form.partition == "month"
    first, last = (
        (files["min.trade_date"].min(), files["max.trade_date"].max()) if in_months else (parts.min(), parts.max())
    )
    return TableStatus(
        form.name,
        True,
        form.partition,
        version=stored.version(),
        rows=int(files["num_records"].sum()),
        files=len(files),
        size_bytes=int(files["size_bytes"].sum()),
        partitions=parts.n_unique(),
        first_date=first if isinstance(first, date) else None,
        last_date=last if isinstance(last, date) else None,
        last_slot=last_slot if isinstance(last_slot, datetime) else None,
        most_files_a_partition=max(parts.value_counts()["count"].to_list()),
    )


def partitions(lake: Lake, form: Table) -> list[date]:
    stored = lake.opened(form.name)
    return [] if stored is None else sorted(delta.files(stored)[f"partition.{form.partition}"].unique().to_list())


def compact(lake: Lake, form: Table, trade_date: date | None, retention: timedelta) -> Compacted:
    stored = lake.opened(form.name)
    if stored is None:
        return Compacted(form.name, form.partition, (), 0, 0, 0, 0, 0, 0)
    before = delta.files(stored)
    wanted = trade_date and partition_of(form, trade_date)
    dates = tuple(part for part in _scattered(form, before) if wanted in (None, part))
    for day in dates:
        lake.commit(form, partial(_rewrite, form, day))
    removed = _tidy(lake, form, retention)
    after_table = lake.opened(form.name)
    assert after_table is not None
    after = delta.files(after_table)
    return Compacted(
        form.name,
        form.partition,
        dates,
        rows=int(after["num_records"].sum()),
        files_before=len(before),
        files_after=len(after),
        bytes_before=int(before["size_bytes"].sum()),
        bytes_after=int(after["size_bytes"].sum()),
        removed_files=removed,
    )


def _scattered(form: Table, files: pl.DataFrame) -> list[date]:
    """Partitions with more than one file, oldest first."""
    name = f"partition.{form.partition}"
    counts = files[name].value_counts()
    return sorted(counts.filter(counts["count"] > 1)[name].to_list())


def _rewrite(form: Table, day: date, stored: DeltaTable) -> None:
    where = delta.equals(**{form.partition: day})
    rows = delta.scan(stored, form, where)
    files = delta.files(stored)
    listed = int(files.filter(files[f"partition.{form.partition}"] == day)["num_records"].sum())
    if len(rows) != listed:
        raise LakeError(f"{form.name}: {day}: read {len(rows)} rows where the log lists {listed}: not compacted")
    delta.replace(stored, form, rows, where, delta.DAY_LEVEL)


def _tidy(lake: Lake, form: Table, retention: timedelta) -> int:
    """Checkpoint, drop expired log entries, remove files dead (or orphaned) for longer than the retention."""
    with table_lock(lake.locks, form.name):
        stored = lake.opened(form.name)
        assert stored is not None
        removed = _vacuum(stored, retention, dry_run=False)
        with delta.translated(stored.table_uri):
            stored.create_checkpoint()
            stored.cleanup_metadata()
    return len(removed)


def removable(lake: Lake, form: Table, retention: timedelta) -> list[str]:
    stored = lake.opened(form.name)
    return [] if stored is None else sorted(_vacuum(stored, retention, dry_run=True))


def _vacuum(stored: DeltaTable, retention: timedelta, *, dry_run: bool) -> list[str]:
    with delta.translated(stored.table_uri):
        return stored.vacuum(
            retention_hours=int(retention.total_seconds() // 3600),
            dry_run=dry_run,
            enforce_retention_duration=retention >= timedelta(days=delta.RETENTION_DAYS),
            full=True,
        )
