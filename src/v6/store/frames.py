"""From what TWS said to rows of a table: null where it said nothing, in any of its ways of saying nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from v6 import clock
from v6.model import Quote, QuoteStatus
from v6.store.columns import ABOVE_ZERO, NOT_BELOW_ZERO, Column, Unit
from v6.store.errors import LakeError
from v6.store.tables import polars_schema, table_of

if TYPE_CHECKING:
    import polars as pl

UNSET = 1e300  # TWS sends 1.797e308 for a value it does not have
SIDE = {"bid_size": "bid", "ask_size": "ask"}


def known(value: float | None, unit: Unit | None) -> float | None:
    """The value, or None for NaN, infinities and 1.797e308, for a price or volatility of 0 or -1, for a size of -1."""
    if value is None or not math.isfinite(value) or abs(value) >= UNSET:
        return None
    if (unit in ABOVE_ZERO and value <= 0) or (unit in NOT_BELOW_ZERO and value < 0):
        return None
    return float(value)


def rows_to_frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of the table's exact columns and types. A key that is no column is refused; an absent one is null.

    Numbers with a unit lose TWS's stand-ins for "unknown" (see `known`); enums become their text. A month follows from
    the trade date.
    """
    import polars as pl

    form = table_of(table)
    columns = {column.name: column for column in form.columns}
    values: dict[str, list[Any]] = {name: [] for name in columns}
    for row in rows:
        for name in row:
            form.column(name)
        for name, column in columns.items():
            values[name].append(_cell(column, row["trade_date"].replace(day=1) if name == "month" else row.get(name)))
    try:
        return pl.DataFrame(values, schema=polars_schema(table), strict=True)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise LakeError(f"{table}: {error}") from error


def fitted(table: str, frame: pl.DataFrame, **constants: Any) -> pl.DataFrame:
    """A computed frame with the table's exact columns and types: `constants` and the month are added, what is absent is
    null, NaN is null. A column that the table does not have is refused."""
    import polars as pl

    form = table_of(table)
    for name in (*frame.columns, *constants):
        form.column(name)
    schema = polars_schema(table)
    rows = frame.with_columns(pl.lit(value, dtype=schema[name]).alias(name) for name, value in constants.items())
    if "month" in schema:
        rows = rows.with_columns(pl.col("trade_date").cast(pl.Date).dt.truncate("1mo").alias("month"))
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in rows.columns]
    try:
        cast = rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
    except pl.exceptions.PolarsError as error:
        raise LakeError(f"{table}: {error}") from error
    return cast.with_columns(pl.col(pl.Float64).fill_nan(None))


def quotes_to_frame(
    quotes: Iterable[Quote],
    *,
    table: str,
    task: str,
    slot: datetime,
    extra: Mapping[int, Mapping[str, float | None]] | None = None,
) -> pl.DataFrame:
    """Quotes of one slot as rows of `option_snapshots`, `underlying_snapshots` or `futures_snapshots`.

    A missing quote is no row: its place is the slot ledger. `extra` gives columns that a quote does not have, by con_id
    (the changes of futures). A size at a side without a price is null, a volume or open interest of 0 stays 0.
    """
    form = table_of(table)
    stamp = {"trade_date": slot.astimezone(clock.NEW_YORK).date(), "slot": slot.astimezone(UTC), "task": task}
    given = extra or {}
    rows = [
        stamp | _quote_cells(form.names, quote) | dict(given.get(quote.contract.con_id, {}))
        for quote in quotes
        if quote.status is not QuoteStatus.MISSING
    ]
    return rows_to_frame(table, rows)


def _quote_cells(names: Collection[str], quote: Quote) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name in names:
        if hasattr(quote, name):
            cells[name] = getattr(quote, name)
        elif hasattr(quote.contract, name):
            cells[name] = getattr(quote.contract, name)
    for size, price in SIDE.items():
        if known(cells.get(price), "price") is None:
            cells[size] = None
    return cells


def _cell(column: Column, value: Any) -> Any:
    if value is None or value == "":
        return None
    if column.type == "double":
        return known(value, column.unit)
    if column.type == "timestamp":
        if value.tzinfo is None:
            raise LakeError(f"{column.name}: {value!r} has no time zone")
        return value.astimezone(UTC)
    if column.type == "string":
        return str(value)
    return value
