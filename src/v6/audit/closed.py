"""Closed days hold what was sealed when they were closed (`v6.upkeep.closed_sums`).

Days whose rows cleanup_old_data has let go have none, or, when it was killed before, still the sealed ones.
"""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import TYPE_CHECKING

from v6.analysis.findings import Finding, could_not_check, of_problems
from v6.journal import closed_days
from v6.journal.closed_days import Closed
from v6.restart.counted import counted
from v6.store import delta
from v6.store.columns import partition_of
from v6.store.errors import LakeError, LakeUnavailableError
from v6.store.tables import polars_schema, table_of
from v6.upkeep.closed_sums import ARRIVAL, compare

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable


def unchanged(db: sqlite3.Connection, tables: dict[str, DeltaTable], broken: set[str]) -> Finding:
    """Every sealed table and day; those that could not be opened (`broken`) have failed a check of their own."""
    problems: list[str] = []
    looked = added = 0
    same: list[Closed] = []
    gone: list[Closed] = []
    for table in ARRIVAL:
        if table in broken:
            continue
        held = _partitions(tables.get(table), table)
        for sealed in closed_days.of_table(db, table):
            looked += 1
            try:
                rows = _rows(tables.get(table), held, sealed)
            except (LakeError, LakeUnavailableError) as error:
                problems.append(f"{table}: {sealed.day}: cannot be read: {str(error).splitlines()[0]}")
                continue
            if sealed.removed_at is not None and rows.is_empty():
                gone.append(sealed)
                continue
            same.append(sealed)
            found = compare(sealed, rows)
            added += found.added
            if found.change:
                problems.append(found.change)
    if not looked:
        return could_not_check("closed days", "no day was closed yet: validate_data_quality closes them")
    parts = [
        f"{_words(same)} as sealed" if same else "",
        f"{_words(gone)} let go by the clean-up" if gone else "",
        f"{counted(added, 'row')} added since" if added else "",
    ]
    return of_problems("closed days", problems, ", ".join(part for part in parts if part))


def _words(sealed: list[Closed]) -> str:
    """`12 checksums (5 tables, 3 days)`."""
    tables, days = {one.table for one in sealed}, {one.day for one in sealed}
    return f"{counted(len(sealed), 'checksum')} ({counted(len(tables), 'table')}, {counted(len(days), 'day')})"


def _partitions(stored: DeltaTable | None, table: str) -> set[date]:
    """Those that the log lists a file of."""
    name = f"partition.{table_of(table).partition}"
    return set() if stored is None else set(delta.files(stored)[name].to_list())


def _rows(stored: DeltaTable | None, held: set[date], sealed: Closed) -> pl.DataFrame:
    import polars as pl

    form = table_of(sealed.table)
    part = partition_of(form, sealed.day)
    if stored is None or part not in held:
        return pl.DataFrame(schema=polars_schema(sealed.table))
    return delta.scan(stored, form, delta.equals(**{"trade_date": sealed.day, form.partition: part}))
