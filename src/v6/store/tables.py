"""The lake's tables: every column with its type, unit and meaning, in this place and the three it is made of.

A table is partitioned by the New York date of its slot (or by that date's month) and by nothing finer. Timestamps are
UTC with microseconds. A value that is not known is null: never -1, 0 or NaN. Types are Delta's own names. Changing a
column here is a migration: a stored table whose schema differs is refused, not silently adapted.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from v6.store import account_tables, market_tables, result_tables
from v6.store.columns import Table, Type
from v6.store.errors import LakeError

if TYPE_CHECKING:
    import deltalake
    import polars as pl

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        market_tables.OPTION_CONTRACTS,
        market_tables.OPTION_SNAPSHOTS,
        market_tables.UNDERLYING_SNAPSHOTS,
        market_tables.FUTURES_SNAPSHOTS,
        market_tables.CLOSING_MARKS,
        market_tables.BARS,
        result_tables.INTRADAY_STATISTICS,
        result_tables.DAILY_STATISTICS,
        result_tables.OPTION_GREEKS,
        result_tables.QUALITY_FINDINGS,
        result_tables.QUALITY_SCORES,
        result_tables.SLOT_LEDGER,
        result_tables.TASK_RUNS,
        account_tables.POSITIONS,
        account_tables.OPEN_ORDERS,
        account_tables.EXECUTIONS,
        account_tables.RECONCILIATION,
    )
}


def table_of(name: str) -> Table:
    if name not in TABLES:
        raise LakeError(f"{name}: no such table; there are {', '.join(TABLES)}")
    return TABLES[name]


@cache
def polars_schema(name: str) -> dict[str, pl.DataType]:
    """Column -> polars type, in the table's order."""
    import polars as pl

    types: dict[Type, pl.DataType] = {
        "string": pl.String(),
        "integer": pl.Int32(),
        "long": pl.Int64(),
        "double": pl.Float64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "timestamp": pl.Datetime("us", "UTC"),
    }
    return {column.name: types[column.type] for column in table_of(name).columns}


@cache
def delta_schema(name: str) -> deltalake.Schema:
    """Every field is nullable in Delta, whose null check other writers lack; `required` is checked before a write."""
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    return Schema([Field(column.name, PrimitiveType(column.type)) for column in table_of(name).columns])
