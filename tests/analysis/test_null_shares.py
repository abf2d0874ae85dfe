"""A column that nobody fills is seen (L13)."""

import polars as pl

from v6.analysis.null_shares import mostly_null


def test_l13_a_column_without_values_is_named_with_its_share() -> None:
    frame = pl.DataFrame({"bid": [1.0, 2.0, None, 1.0], "iv": [None] * 4, "delta": [None, None, None, 0.5]})

    assert mostly_null(frame, ("bid", "iv", "delta")) == ["iv 100 %", "delta 75 %"]


def test_no_rows_say_nothing_about_columns() -> None:
    assert mostly_null(pl.DataFrame({"iv": []}), ("iv",)) == []
