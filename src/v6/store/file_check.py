"""Is a file of a table what the table's log says of it? The log's own figures prove nothing about the file."""

from __future__ import annotations

from pathlib import Path


def wrong(file: Path, size_bytes: int, rows: int | None, *, whole: bool = False) -> str:
    """What is wrong with the Parquet file, "" when nothing is. `rows` None: the log does not say.

    Rows are counted by the file's own footer, which lies at its end; `whole`: by decoding every value.
    """
    import polars as pl

    try:
        found = file.stat().st_size
        if found != size_bytes:
            return f"{found} bytes, the log says {size_bytes}"
        content = pl.scan_parquet(file, hive_partitioning=False)
        held = content.collect().height if whole else int(content.select(pl.len()).collect().item())
    except FileNotFoundError:
        return "is not there"
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return f"cannot be read: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return "" if rows is None or held == rows else f"{held} rows, the log says {rows}"
