"""The one module that speaks to deltalake: open, create, append, replace, scan. Its exceptions leave as ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from v6 import failpoint
from v6.store.columns import Table, partition_of
from v6.store.errors import LakeError, LakeUnavailableError
from v6.store.tables import delta_schema, polars_schema

if TYPE_CHECKING:
    import polars as pl
    from deltalake import CommitProperties, DeltaTable, WriterProperties

RETENTION_DAYS = 7
CONFIGURATION = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": f"interval {RETENTION_DAYS} days",
    "delta.deletedFileRetentionDuration": f"interval {RETENTION_DAYS} days",
    "delta.enableExpiredLogCleanup": "true",
}
SLOT_LEVEL = 3  # zstd; 258 rows gain nothing from more
DAY_LEVEL = 12
ONE_FILE = 1 << 40  # bytes; a date is never split


class Conflict(Exception):  # noqa: N818 - an expected turn of events, retried by the lake
    """Another writer committed first: read again and redo."""


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """deltalake's exceptions as Conflict, LakeError or LakeUnavailableError."""
    from deltalake.exceptions import CommitFailedError, DeltaError, DeltaProtocolError, SchemaMismatchError

    try:
        yield
    except CommitFailedError as error:
        raise Conflict(f"{uri}: {error}") from error
    except (SchemaMismatchError, DeltaProtocolError) as error:
        raise LakeError(f"{uri}: {error}") from error
    except (DeltaError, OSError) as error:
        raise LakeUnavailableError(f"{uri}: {error}") from error


def opened(uri: str, table: Table, options: dict[str, str] | None) -> DeltaTable | None:
    """The stored table at its newest version, or None if nothing was ever written. LakeError if its schema differs."""
    stored = loaded(uri, options)
    if stored is not None and (wrong := differences(table, stored)):
        raise LakeError(f"{uri}: {wrong[0]}")
    return stored


def loaded(uri: str, options: dict[str, str] | None, version: int | None = None) -> DeltaTable | None:
    """The same whatever its schema is; of an older version too."""
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    with translated(uri):
        try:
            return DeltaTable(uri, version, storage_options=options)
        except TableNotFoundError:
            return None


def differences(table: Table, stored: DeltaTable) -> list[str]:
    """Where the stored schema is not the declared one, in words."""
    found = {field.name: field.type for field in stored.schema().fields}
    wanted = {field.name: field.type for field in delta_schema(table.name).fields}
    wrong = [
        f"{name}: stored as {found.get(name)}, must be {wanted.get(name)}: migrate it"
        for name in dict.fromkeys([*wanted, *found])
        if found.get(name) != wanted.get(name)
    ]
    if (partitions := stored.metadata().partition_columns) != [table.partition]:
        wrong.append(f"partitioned by {partitions}, must be by {table.partition} alone")
    return wrong


def created(uri: str, table: Table, options: dict[str, str] | None) -> DeltaTable:
    """A new, empty table."""
    from deltalake import DeltaTable

    with translated(uri):
        return DeltaTable.create(
            uri,
            delta_schema(table.name),
            mode="ignore",
            partition_by=[table.partition],
            description=table.meaning,
            configuration=CONFIGURATION | {"delta.dataSkippingStatsColumns": ",".join(table.statistics)},
            storage_options=options,
        )


def append(stored: DeltaTable, table: Table, frame: pl.DataFrame) -> None:
    _write(stored, table, frame, None, SLOT_LEVEL)


def replace(stored: DeltaTable, table: Table, frame: pl.DataFrame, where: str, level: int = SLOT_LEVEL) -> None:
    """Put the frame in the place of the rows `where`, in one commit."""
    _write(stored, table, frame, where, level)


def remove(stored: DeltaTable, where: str) -> None:
    """Take whole partitions out of the table, in one commit; `where` names nothing but the partition."""
    failpoint.reach("before_commit")
    with translated(stored.table_uri):
        stored.delete(where, commit_properties=_optimistic(stored))
    failpoint.reach("after_commit")


def dead_files(stored: DeltaTable) -> set[str]:
    """Files (relative) that the log remembers to have taken out and that are still to be removed."""
    with translated(stored.table_uri):
        return set(stored.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False))


def scan(stored: DeltaTable, table: Table, where: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows `where`, in no particular order."""
    import polars as pl

    names = list(columns or table.names)
    with translated(stored.table_uri):
        try:
            rows = pl.DataFrame(stored.scan(columns=names, predicate=where or None))
        except pl.exceptions.ComputeError as error:  # how a file that is gone or damaged shows while it is streamed
            raise LakeUnavailableError(f"{stored.table_uri}: {error}") from error
    if not rows.width:
        return pl.DataFrame(schema={name: polars_schema(table.name)[name] for name in names})
    return rows.select(names)


def lazy(stored: DeltaTable, table: Table, start: date, end: date) -> pl.LazyFrame:
    """The rows of these trade dates, read by polars; files of other partitions are not opened."""
    import polars as pl

    rows = pl.scan_delta(stored).filter(pl.col("trade_date").is_between(start, end))
    if table.partition == "month":
        return rows.filter(pl.col("month").is_between(partition_of(table, start), end))
    return rows


def may_hold(stored: DeltaTable, where: str) -> bool:
    """False when the statistics of every file rule the rows out; True proves nothing."""
    with translated(stored.table_uri):
        return bool(stored.file_uris(file_pruning_predicate=where))


def files(stored: DeltaTable) -> pl.DataFrame:
    """Active files: path (relative), size_bytes, num_records, partition.NAME, max.slot where there is one."""
    import polars as pl

    with translated(stored.table_uri):
        return pl.DataFrame(stored.get_add_actions(flatten=True))


def literal(value: str | int | date | datetime) -> str:
    """A value as SQL. Datetimes must be aware."""
    if isinstance(value, int):
        return str(value).lower()  # also true and false
    if isinstance(value, datetime):
        return f"'{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def any_of(name: str, values: Iterable[str | int | date | datetime]) -> str:
    """`a IN (1, 2)`; `false` where there is none."""
    listed = ", ".join(literal(value) for value in values)
    return f"{name} IN ({listed})" if listed else "false"


def equals(**values: str | int | date | datetime) -> str:
    """`a = 1 AND b = 'x'`."""
    return " AND ".join(f"{name} = {literal(value)}" for name, value in values.items())


def _write(stored: DeltaTable, table: Table, frame: pl.DataFrame, where: str | None, level: int) -> None:
    from deltalake import write_deltalake

    rows = frame.sort(table.order)
    failpoint.reach("before_commit")
    with translated(stored.table_uri):
        if where is None:
            write_deltalake(
                stored,
                rows,
                mode="append",
                writer_properties=_parquet(table, level),
                commit_properties=_optimistic(stored),
            )
        else:
            write_deltalake(
                stored,
                rows,
                mode="overwrite",
                predicate=where,
                target_file_size=ONE_FILE,
                writer_properties=_parquet(table, level),
                commit_properties=_optimistic(stored),
            )
    failpoint.reach("after_commit")


def _optimistic(stored: DeltaTable) -> CommitProperties:
    """Make two V6 writers that read the same version conflict, appends included: the loser must look again whether
    its rows are there. (delta-rs itself accepts the same transaction twice, one after the other.)"""
    from deltalake import CommitProperties, Transaction

    return CommitProperties(app_transactions=[Transaction("v6", stored.version() + 1)])


def _parquet(table: Table, level: int) -> WriterProperties:
    """Greeks never repeat: a dictionary only costs. Byte stream split saves a fifth of a compacted day (measured)."""
    from deltalake import ColumnProperties, WriterProperties

    split = ColumnProperties(dictionary_enabled=False, encoding="BYTE_STREAM_SPLIT")
    plain = ColumnProperties(dictionary_enabled=False)
    special = {
        column.name: split if column.unit == "greek" else plain
        for column in table.columns
        if column.unit == "greek" or column.name == "received_at"
    }
    return WriterProperties(compression="ZSTD", compression_level=level, column_properties=special)
