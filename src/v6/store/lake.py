"""The lake: Delta tables under one root, a local path or an object-store URI.

A write belongs to a (task, slot) and may be repeated, come late, or complete an earlier partial one: the rows of the
slot are united by contract, and of two rows for one contract the complete one stays, else the older. So neither a retry
nor a kill at any moment loses a committed row or doubles one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from v6 import clock
from v6.store import check, delta
from v6.store.columns import Table, partition_of
from v6.store.errors import LakeBusyError, LakeError
from v6.store.table_lock import table_lock
from v6.store.tables import TABLES, polars_schema, table_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

    from v6.config.settings import Lake as LakeSettings
    from v6.paths import Paths
    from v6.store.maintenance import Compacted, TableStatus

COMMIT_ATTEMPTS = 8
RETENTION = timedelta(days=delta.RETENTION_DAYS)

Result = TypeVar("Result")


class Lake:
    """`locks` is this host's folder of lock files (`Paths.locks`), also when the root is an object store."""

    def __init__(self, root: str, storage_options: dict[str, str] | None, locks: Path) -> None:
        self.root = root.rstrip("/")
        self.storage_options = dict(storage_options) if storage_options else None
        self.locks = locks

    @classmethod
    def at(cls, settings: LakeSettings, paths: Paths) -> Lake:
        """The lake of this installation; a relative root lies under home."""
        root = settings.root if "://" in settings.root else str(paths.home / settings.root)
        return cls(root, settings.storage_options, paths.locks)

    @property
    def local(self) -> Path | None:
        """The folder of the lake; None when it is an object store."""
        return None if "://" in self.root else Path(self.root)

    def uri(self, table: str) -> str:
        return f"{self.root}/{table_of(table).name}"

    def exists(self, table: str) -> bool:
        """Was anything ever written to it?"""
        return self.opened(table) is not None

    def write_slot(self, table: str, *, task: str, slot: datetime, frame: pl.DataFrame) -> int:
        """Store the rows of one (task, slot); returns how many the slot holds now. LakeError if the frame does not fit.

        `frame` has all columns of the table (see tables.py); its trade_date, slot and task must be those of the write.
        """
        form = table_of(table)
        _check_slot(form, slot)
        rows = check.fitting(form, frame)
        day = slot.astimezone(clock.NEW_YORK).date()
        check.constant(form, rows, trade_date=day, slot=slot, task=task)
        where = delta.equals(trade_date=day, task=task, slot=slot)

        def change(stored: DeltaTable) -> int:
            old = delta.scan(stored, form, where) if delta.may_hold(stored, where) else rows.clear()
            if old.is_empty():
                if len(rows):
                    delta.append(stored, form, rows)
                return len(rows)
            united = _better(old, rows)
            if not united.equals(old.sort("con_id")):
                delta.replace(stored, form, united, where)
            return len(united)

        return self.commit(form, change)

    def slot_rows(self, table: str, task: str, slot: datetime) -> pl.DataFrame:
        """What is stored for one (task, slot), in the table's order; empty if nothing."""
        day = slot.astimezone(clock.NEW_YORK).date()
        return self._rows(table_of(table), delta.equals(trade_date=day, task=task, slot=slot), None)

    def read(
        self,
        table: str,
        *,
        trade_date: date | None = None,
        start: date | None = None,
        end: date | None = None,
        slot: datetime | None = None,
        symbols: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        **values: str | int | bool,
    ) -> pl.DataFrame:
        """Rows in the table's order; `start` and `end` are trade dates, both inclusive. Empty if never written.

        `values`: columns that must have these values, such as `bar_size="1 day"`.
        """
        form = table_of(table)
        tests = [delta.equals(**{name: value}) for name, value in values.items() if form.column(name)]
        if slot is not None:
            _check_slot(form, slot)
            trade_date = slot.astimezone(clock.NEW_YORK).date()
            tests.append(delta.equals(slot=slot))
        if trade_date is not None:
            tests.append(delta.equals(**_with_partition(form, {"trade_date": trade_date})))
        if start is not None:
            tests.append(f"trade_date >= {delta.literal(start)}")
            tests.append(f"{form.partition} >= {delta.literal(partition_of(form, start))}")
        if end is not None:
            tests.append(f"trade_date <= {delta.literal(end)}")
            tests.append(f"{form.partition} <= {delta.literal(end)}")
        if symbols is not None:
            tests.append(f"symbol IN ({', '.join(map(delta.literal, symbols))})" if symbols else "false")
        return self._rows(form, " AND ".join(tests), columns)

    def scan(self, table: str, start: date, end: date, columns: Sequence[str]) -> pl.LazyFrame:
        """These columns of the rows of these trade dates, both inclusive, in no order; read when it is collected, each
        file once and only the columns that are asked for. For passes over many days; one day is `read`'s."""
        import polars as pl

        form = table_of(table)
        names = [form.column(name).name for name in columns]
        if (stored := self.opened(table)) is None:
            return pl.LazyFrame(schema={name: polars_schema(table)[name] for name in names})
        return delta.lazy(stored, form, start, end).select(names)

    def write_universe(self, trade_date: date, version: int, frame: pl.DataFrame) -> pl.DataFrame:
        """Freeze a version of the day's universe and return what is stored under it.

        The first commit of a version stands: a later write of the same one changes nothing and gets the stored rows
        back, so a retry after a kill goes on with what other runs may already have used.
        """
        form = table_of("option_contracts")
        rows = check.fitting(form, frame)
        check.constant(form, rows, trade_date=trade_date, version=version)
        if rows.is_empty():
            raise LakeError(f"{form.name}: version {version} of {trade_date} has no contracts")
        where = delta.equals(trade_date=trade_date, version=version)

        def change(stored: DeltaTable) -> pl.DataFrame:
            old = delta.scan(stored, form, where) if delta.may_hold(stored, where) else rows.clear()
            if old.is_empty():
                delta.append(stored, form, rows)
                old = rows
            return old.sort(form.order)

        return self.commit(form, change)

    def replace(self, table: str, frame: pl.DataFrame, **scope: str | int | date | datetime) -> bool:
        """Put the frame in the place of every row that has the values of `scope` (a trade date, say), in one commit.

        The frame must have those values in all its rows; it may be empty. False, and no commit, when the rows are the
        same already. What is recomputed is written so: a repeat changes nothing.
        """
        form = table_of(table)
        rows = check.fitting(form, frame)
        check.constant(form, rows, **scope)
        where = delta.equals(**_with_partition(form, scope))

        def change(stored: DeltaTable) -> bool:
            old = delta.scan(stored, form, where) if delta.may_hold(stored, where) else rows.clear()
            if old.sort(form.key).equals(rows.sort(form.key)):
                return False
            if old.is_empty():
                delta.append(stored, form, rows)
            else:
                delta.replace(stored, form, rows, where)
            return True

        return self.commit(form, change)

    def unite(self, table: str, frame: pl.DataFrame, final: str | None = None) -> int:
        """Add rows by key, in one commit; returns how many of the table's rows changed or are new.

        A new row takes the place of the stored one with its key, except of one whose column `final` is true. A table
        whose key has no date must say so: its rows are looked for in the frame's own partitions only.
        """
        form = table_of(table)
        rows = check.fitting(form, frame)
        if rows.is_empty():
            return 0
        parts = sorted(rows[form.partition].unique().to_list())
        where = delta.any_of(form.partition, parts)

        def change(stored: DeltaTable) -> int:
            old = delta.scan(stored, form, where) if delta.may_hold(stored, where) else rows.clear()
            fresh = _changing(old, rows, form, final)
            if fresh.is_empty():
                return 0
            untouched = old.join(fresh, on=form.key, how="anti", nulls_equal=True)
            if len(untouched) == len(old):
                delta.append(stored, form, fresh)
            else:
                delta.replace(stored, form, untouched.vstack(fresh), where)
            return len(fresh)

        return self.commit(form, change)

    def universe(self, trade_date: date, version: int | None = None) -> pl.DataFrame:
        """A version of the day's universe, by default the newest; empty if there is none."""
        import polars as pl

        chosen = pl.col("version").max() if version is None else pl.lit(version)
        return self.read("option_contracts", trade_date=trade_date).filter(pl.col("version") == chosen)

    def status(self) -> list[TableStatus]:
        """One entry per table, in the order of tables.py."""
        from v6.store import maintenance

        return [maintenance.status(self, form) for form in TABLES.values()]

    def partitions(self, table: str) -> list[date]:
        """Partitions (trade dates, or first days of months) that have rows, oldest first."""
        from v6.store import maintenance

        return maintenance.partitions(self, table_of(table))

    def remove(self, table: str, partitions: Sequence[date]) -> None:
        """Take whole partitions out, in one commit; their files go with a compaction after the retention."""
        form = table_of(table)
        if partitions:
            self.commit(form, lambda stored: delta.remove(stored, delta.any_of(form.partition, partitions)))

    def compact(self, table: str, trade_date: date | None = None, *, retention: timedelta = RETENTION) -> Compacted:
        """One file a partition (or only this date's), a checkpoint, and files dead for longer than `retention` gone."""
        from v6.store import maintenance

        return maintenance.compact(self, table_of(table), trade_date, retention)

    def dead_files(self, table: str, *, retention: timedelta = RETENTION) -> list[str]:
        """Files that a compaction would remove now, relative to the table."""
        from v6.store import maintenance

        return maintenance.removable(self, table_of(table), retention)

    def opened(self, table: str) -> DeltaTable | None:
        return delta.opened(self.uri(table), table_of(table), self.storage_options)

    def commit(self, form: Table, change: Callable[[DeltaTable], Result]) -> Result:
        """Run a read-modify-write as this host's only writer; again, from the read, when another host's came between.

        `change` commits at most once, as its last step.
        """
        with table_lock(self.locks, form.name):
            for attempt in range(COMMIT_ATTEMPTS):
                try:
                    stored = self.opened(form.name) or delta.created(self.uri(form.name), form, self.storage_options)
                    return change(stored)
                except delta.Conflict:
                    clock.sleep(0.05 * 2**attempt)
        raise LakeBusyError(f"{form.name}: other writers committed first {COMMIT_ATTEMPTS} times")

    def _rows(self, form: Table, where: str, columns: Sequence[str] | None) -> pl.DataFrame:
        import polars as pl

        wanted = list(columns or form.names)
        for name in wanted:
            form.column(name)
        stored = self.opened(form.name)
        if stored is None:
            return pl.DataFrame(schema={name: polars_schema(form.name)[name] for name in wanted})
        needed = [*wanted, *(name for name in form.order if name not in wanted)]
        return delta.scan(stored, form, where, needed).sort(form.order).select(wanted)


def _check_slot(form: Table, slot: datetime) -> None:
    if slot.tzinfo is None or slot.microsecond:
        raise LakeError(f"{form.name}: slot: {slot!r} must be aware and in whole seconds")
    if "slot" not in form.names:
        raise LakeError(f"{form.name}: has no slots")


def _with_partition(form: Table, scope: Mapping[str, str | int | date | datetime]) -> dict[str, Any]:
    """The scope with the partition that its trade date lies in, so that no other file is opened."""
    day = scope.get("trade_date")
    if form.partition == "month" and isinstance(day, date):
        return {**scope, "month": partition_of(form, day)}
    return dict(scope)


def _changing(old: pl.DataFrame, new: pl.DataFrame, form: Table, final: str | None) -> pl.DataFrame:
    """Those of the new rows that are not there yet, or differ and may take the place of what is."""
    import polars as pl

    settled = old.filter(pl.col(final)) if final else old.clear()
    wanted = new.join(settled, on=form.key, how="anti", nulls_equal=True)
    return wanted.join(old, on=form.names, how="anti", nulls_equal=True)


def _better(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """United by con_id: a complete row before a partial one, an older before a newer."""
    import polars as pl

    worse = (pl.col("status") != "complete").alias("worse")
    return (
        pl.concat([old.with_columns(worse), new.with_columns(worse)])
        .sort("worse", maintain_order=True)
        .unique("con_id", keep="first", maintain_order=True)
        .drop("worse")
        .sort("con_id")
    )
