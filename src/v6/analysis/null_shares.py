"""How much of a column is null. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MOST = 0.5


def mostly_null(frame: "pl.DataFrame", columns: Sequence[str]) -> list[str]:
    """`iv 100 %` for each of the columns in which more than half of the rows have no value."""
    shares = {name: frame[name].null_count() / frame.height for name in columns} if frame.height else {}
    return [f"{name} {100 * share:.0f} %" for name, share in shares.items() if share > MOST]
