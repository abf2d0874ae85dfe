"""Does a frame fit its table? Everything that must never reach the lake is refused here, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from v6.store.columns import ABOVE_ZERO, AT_MOST, NOT_BELOW_ZERO, UNITS, Column, Table
from v6.store.errors import LakeError
from v6.store.tables import polars_schema

if TYPE_CHECKING:
    import polars as pl


def fitting(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its columns in the table's order; LakeError names the table, the column and the value."""
    _columns(table, frame)
    for column in table.columns:
        _values(table, column, frame.get_column(column.name))
    _keys(table, frame)
    return frame.select(table.names)


def constant(table: Table, frame: pl.DataFrame, **stamps: object) -> None:
    """Refuse a frame whose stamped columns hold anything but the value the write is for."""
    for name, expected in stamps.items():
        found = frame.get_column(name).unique().to_list()
        if found and found != [expected]:
            wrong = next(value for value in found if value != expected)
            raise LakeError(f"{table.name}: {name}: {wrong!r} in a write for {expected!r}")


def _columns(table: Table, frame: pl.DataFrame) -> None:
    schema = polars_schema(table.name)
    for name in frame.columns:
        if name not in schema:
            raise LakeError(f"{table.name}: {name}: unknown column; it has {', '.join(schema)}")
    for name, expected in schema.items():
        if name not in frame.columns:
            raise LakeError(f"{table.name}: {name}: column is missing (null is a value, absence is not)")
        if frame.schema[name] != expected:
            raise LakeError(f"{table.name}: {name}: type {frame.schema[name]}, must be {expected}")


def _values(table: Table, column: Column, values: pl.Series) -> None:
    import polars as pl

    if column.required and values.null_count():
        raise LakeError(f"{table.name}: {column.name}: null in {values.null_count()} of {len(values)} rows")
    if column.allowed is not None:
        wrong = values.drop_nulls().filter(~values.drop_nulls().is_in(sorted(column.allowed)))
        _refuse(table, column, wrong, f"must be one of {', '.join(sorted(column.allowed))}")
    if column.type == "double":
        numbers = values.drop_nulls()
        # 1.797e308 is TWS's word for "unset"
        _refuse(table, column, numbers.filter(~numbers.is_finite() | (numbers.abs() >= 1e300)), "must be null")
    if column.name == "con_id":
        _refuse(table, column, values.filter(values <= 0), "the contract is not resolved")
    if column.unit is not None:
        low = pl.Series(dtype=pl.Float64)
        if column.unit in ABOVE_ZERO:
            low = values.filter(values <= 0)
        elif column.unit in NOT_BELOW_ZERO:
            low = values.filter(values < 0)
        if (most := AT_MOST.get(column.unit)) is not None:
            low = pl.concat([low, values.filter(values > most)])
        _refuse(table, column, low, f"a {column.unit} is {UNITS[column.unit]}")


def _refuse(table: Table, column: Column, wrong: pl.Series, rule: str) -> None:
    if len(wrong):
        raise LakeError(f"{table.name}: {column.name}: {wrong[0]!r} in {len(wrong)} rows: {rule}")


def _keys(table: Table, frame: pl.DataFrame) -> None:
    doubled = frame.filter(frame.select(table.key).is_duplicated())
    if len(doubled):
        key = ", ".join(f"{name} {doubled[name][0]}" for name in table.key)
        raise LakeError(f"{table.name}: {key}: twice in one write")
