"""A reader that shares no code with the writer finds the same: DuckDB reads the active files as plain Parquet.

Of every partition of every table: the rows, and of every column how many values it has and a figure over them (doubles:
their sum; whole numbers and truth values: their sum; texts: their lengths; dates and instants: the first and the last).
DuckDB's extension for Delta would have to be downloaded; which files are active is therefore read from the log by us.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from v6.analysis.findings import Finding, could_not_check, of_problems
from v6.audit.tables import REMOTE
from v6.restart.counted import counted
from v6.store import delta
from v6.store.columns import Column, Table
from v6.store.errors import LakeUnavailableError
from v6.store.tables import TABLES

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    from deltalake import DeltaTable

    from v6.store.lake import Lake

LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
ROUNDING = 1e-9
"""Relative: two readers add doubles in another order."""

Figures = tuple[Any, ...]


def agrees(lake: Lake, tables: dict[str, DeltaTable]) -> Finding:
    """Every table, partition by partition."""
    if lake.local is None:
        return could_not_check("second reader", REMOTE)
    import duckdb

    problems: list[str] = []
    rows = 0
    with duckdb.connect(":memory:", config=LIMITS) as reader:
        for name, stored in tables.items():
            form = TABLES[name]
            active = [str(lake.local / name / unquote(path)) for path in delta.files(stored)["path"]]
            if not active:
                continue
            try:
                theirs = _theirs(reader, form, active)
                for day in sorted(theirs):
                    ours = _ours(form, delta.scan(stored, form, delta.equals(**{form.partition: day})))
                    rows += ours[0]
                    if wrong := _difference(form, ours, theirs[day]):
                        problems.append(f"{name}: {day}: {wrong}")
            except (duckdb.Error, LakeUnavailableError) as error:
                problems.append(f"{name}: cannot be read: {str(error).splitlines()[0]}")
                continue
            listed = set(delta.files(stored)[f"partition.{form.partition}"].to_list())
            problems += [f"{name}: {day}: DuckDB finds no rows" for day in sorted(listed - set(theirs))]
    return of_problems("second reader", problems, f"DuckDB {duckdb.__version__} agrees on {counted(rows, 'row')}")


def _columns(form: Table) -> list[Column]:
    """Those inside the files: the partition is the folder's name."""
    return [column for column in form.columns if column.name != form.partition]


def _theirs(reader: duckdb.DuckDBPyConnection, form: Table, active: list[str]) -> dict[date, Figures]:
    parts = ", ".join(f"count({_quoted(column)}), {_figure(column)}" for column in _columns(form))
    found = reader.execute(
        f'SELECT "{form.partition}", count(*), {parts} FROM read_parquet(?, hive_partitioning = true, '  # noqa: S608
        f"hive_types = {{'{form.partition}': DATE}}) GROUP BY 1",
        [active],
    )
    return {row[0]: tuple(row[1:]) for row in found.fetchall()}


def _figure(column: Column) -> str:
    name = _quoted(column)
    return {
        "string": f"sum(strlen({name}))",
        "boolean": f"sum({name}::BIGINT)",
        "date": f"epoch_us(min({name})) + epoch_us(max({name}))",
        "timestamp": f"epoch_us(min({name})) + epoch_us(max({name}))",
    }.get(column.type, f"sum({name})")


def _ours(form: Table, rows: pl.DataFrame) -> Figures:
    import polars as pl

    figures: list[Any] = [len(rows)]
    for column in _columns(form):
        values = rows[column.name]
        figures.append(len(values) - values.null_count())
        if figures[-1] == 0:
            figures.append(None)
        elif column.type == "string":
            figures.append(values.str.len_bytes().cast(pl.Int64).sum())
        elif column.type in ("date", "timestamp"):
            instants = values.cast(pl.Datetime("us")).cast(pl.Int64)
            figures.append(instants.min() + instants.max())  # type: ignore[operator]
        else:
            figures.append(values.cast(pl.Float64 if column.type == "double" else pl.Int64).sum())
    return tuple(figures)


def _difference(form: Table, ours: Figures, theirs: Figures) -> str:
    """The first thing that the two see differently, "" when nothing is."""
    if ours[0] != theirs[0]:
        return f"{counted(ours[0], 'row')}, DuckDB counts {theirs[0]}"
    for place, column in enumerate(_columns(form)):
        filled, seen = ours[1 + 2 * place], theirs[1 + 2 * place]
        if filled != seen:
            return f"{column.name}: {filled} values, DuckDB counts {seen}"
        figure, other = ours[2 + 2 * place], theirs[2 + 2 * place]
        close = figure == other or (
            column.type == "double" and abs(figure - other) <= ROUNDING * max(1.0, abs(figure), abs(other))
        )
        if not close:
            return f"{column.name}: {figure}, DuckDB has {other}"
    return ""


def _quoted(column: Column) -> str:
    return f'"{column.name}"'
