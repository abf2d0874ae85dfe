"""What an option is worth at the close: the market's word, or nothing."""

import polars as pl
import pytest

from v6.analysis.closing_marks import with_marks

SCHEMA = {"bid": pl.Float64, "ask": pl.Float64, "last": pl.Float64, "volume": pl.Float64}


@pytest.mark.parametrize(
    ("bid", "ask", "last", "volume", "mark", "source"),
    [
        (4.0, 4.2, 3.0, 10.0, 4.1, "mid"),
        (0.05, 0.25, None, None, 0.15, "mid"),
        (4.0, 4.0, None, None, 4.0, "mid"),
        (3.5, 4.5, 3.6, 10.0, 4.0, "mid"),
        (1.0, 9.0, 4.0, 10.0, 4.0, "last"),
        (1.0, 9.0, 4.0, 0.0, None, None),
        (1.0, 9.0, 4.0, None, None, None),
        (1.0, 9.0, 9.5, 10.0, None, None),
        (1.0, 9.0, None, None, None, None),
        (5.0, 4.0, 4.5, 10.0, None, None),
        (2.0, None, 2.5, 10.0, 2.5, "last"),
        (2.0, None, 1.5, 10.0, 2.0, "one_sided"),
        (2.0, None, None, None, 2.0, "one_sided"),
        (None, 0.05, 0.03, 10.0, 0.03, "last"),
        (None, 0.05, None, None, 0.025, "one_sided"),
        (None, 3.0, None, None, None, None),
        (None, None, 4.0, 10.0, None, None),
    ],
    ids=["the middle", "a nickel beside a quarter", "locked", "a quarter of it wide", "wide, traded inside today",
         "wide, traded another day", "wide, nobody knows when", "wide, traded outside", "wide, never traded", "crossed",
         "only a bid, traded above", "only a bid, traded below", "only a bid", "only an ask, traded below",
         "only a small ask", "only an ask", "no quote"],
)  # fmt: skip
def test_the_mark_is_what_the_quote_allows_l21(
    bid: float | None, ask: float | None, last: float | None, volume: float | None,
    mark: float | None, source: str | None,
) -> None:  # fmt: skip
    row = pl.DataFrame({"bid": [bid], "ask": [ask], "last": [last], "volume": [volume]}, schema=SCHEMA)

    found = with_marks(row).row(0, named=True)

    assert found["mark_source"] == source
    assert found["mark"] == (pytest.approx(mark) if mark is not None else None)
