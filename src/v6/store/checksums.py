"""A number for what a table holds of a trade date: SHA-256 of its values in the order of its key.

It depends on the values alone: not on how they lie in files, on compression, on the order rows were written in, or on
the version of any library. What is hashed is spelt out here and uses nothing of polars but its values:

    header   `v6 1 TABLE ROWS` and a newline
    columns  in the alphabet's order, each: `NAME TYPE` and a newline (Delta's word for the type); one byte a row,
             1 for a value and 0 for null; then the values, null as 0 or the empty text:
             integer, long, boolean (0, 1), date (days since 1970), timestamp (microseconds since 1970 UTC): 8 bytes,
             little-endian, signed; double: IEEE 754, little-endian; string: the length of each in bytes of UTF-8,
             as 8 bytes, then all texts one after the other

A column that is null in every row is left out: a column that is added to a table changes no earlier day's number.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from v6.store.columns import Type
from v6.store.tables import table_of

if TYPE_CHECKING:
    import polars as pl

VERSION = 1


def sha256_of(table: str, rows: pl.DataFrame) -> str:
    """The number of these rows, in hexadecimal; they have all columns of the table, in any order of rows."""
    import polars as pl

    form = table_of(table)
    order = rows.select(pl.arg_sort_by([*form.key]).alias("place"))["place"] if len(rows) else None
    digest = hashlib.sha256(f"v6 {VERSION} {table} {len(rows)}\n".encode())
    for column in sorted(form.columns, key=lambda one: one.name):
        values = rows[column.name]
        if order is None or values.null_count() == len(values):
            continue
        digest.update(f"{column.name} {column.type}\n".encode())
        for part in _bytes(values.gather(order), column.type):
            digest.update(part)
    return digest.hexdigest()


def _bytes(values: pl.Series, kind: Type) -> tuple[bytes, ...]:
    import polars as pl

    there = values.is_not_null().cast(pl.UInt8).to_numpy().tobytes()
    if kind == "string":
        texts = values.fill_null("")
        lengths = texts.str.len_bytes().cast(pl.Int64).to_numpy().astype("<i8").tobytes()
        return there, lengths, "".join(texts.to_list()).encode()
    if kind == "double":
        return there, values.fill_null(0.0).to_numpy().astype("<f8").tobytes()
    return there, values.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes()
