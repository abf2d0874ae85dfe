"""A day's checksum depends on its values alone."""

import hashlib
import struct
from datetime import UTC, date, datetime

import polars as pl
import pytest

from option_rows import TASK, generated
from v6.store.checksums import sha256_of
from v6.store.frames import fitted
from v6.store.lake import Lake

DAY = date(2026, 1, 30)


def test_the_number_is_what_the_docstring_says() -> None:
    """Two rows of quality_scores, the bytes put together by hand."""
    rows = fitted(
        "quality_scores",
        pl.DataFrame({"rule": ["total", "iv"], "checked": [9, 0], "failed": [1, 0], "weight": [1.0, 2.5]}),
        trade_date=date(1970, 1, 3),
        task="t",
    ).with_columns(score=pl.Series([88.5, None]))

    by_hand = hashlib.sha256(b"v6 1 quality_scores 2\n")
    for name, kind, there, values in (
        ("checked", "long", b"\1\1", struct.pack("<qq", 0, 9)),
        ("failed", "long", b"\1\1", struct.pack("<qq", 0, 1)),
        ("month", "date", b"\1\1", struct.pack("<qq", 0, 0)),
        ("rule", "string", b"\1\1", struct.pack("<qq", 2, 5) + b"ivtotal"),
        ("score", "double", b"\0\1", struct.pack("<dd", 0.0, 88.5)),
        ("task", "string", b"\1\1", struct.pack("<qq", 1, 1) + b"tt"),
        ("trade_date", "date", b"\1\1", struct.pack("<qq", 2, 2)),
        ("weight", "double", b"\1\1", struct.pack("<dd", 2.5, 1.0)),
    ):
        by_hand.update(f"{name} {kind}\n".encode() + there + values)

    assert sha256_of("quality_scores", rows) == by_hand.hexdigest()


def test_compaction_file_layout_and_order_of_writing_do_not_change_it(
    lake: Lake, slots: dict[datetime, pl.DataFrame]
) -> None:
    for slot in sorted(slots, reverse=True):
        lake.write_slot("option_snapshots", task=TASK, slot=slot, frame=slots[slot])
    before = sha256_of("option_snapshots", lake.read("option_snapshots"))
    lake.compact("option_snapshots")

    assert sha256_of("option_snapshots", lake.read("option_snapshots")) == before
    assert sha256_of("option_snapshots", pl.concat(slots.values()).sample(fraction=1.0, shuffle=True)) == before


@pytest.mark.parametrize(
    "change",
    [
        pl.col("bid") + 1e-9,
        pl.col("trading_class") + " ",
        pl.when(pl.col("con_id") == pl.col("con_id").min()).then(None).otherwise("volume").alias("volume"),
        pl.col("received_at").dt.offset_by("1us"),
    ],
    ids=["a price by a billionth", "a space", "one value that is gone", "an instant by a microsecond"],
)
def test_the_smallest_change_changes_it(change: pl.Expr) -> None:
    rows = generated(DAY, slots=2, contracts=12, live=True)
    assert sha256_of("option_snapshots", rows.with_columns(change)) != sha256_of("option_snapshots", rows)


def test_null_and_zero_are_not_the_same() -> None:
    rows = generated(DAY, slots=1, contracts=3, live=True).with_columns(volume=pl.Series([0.0, None, 1.0]))
    other = rows.with_columns(volume=pl.Series([None, 0.0, 1.0], dtype=pl.Float64))
    assert sha256_of("option_snapshots", rows) != sha256_of("option_snapshots", other)


def test_a_day_without_rows_has_a_number_too() -> None:
    rows = generated(DAY, slots=1, contracts=3)
    assert sha256_of("option_snapshots", rows.clear()) == hashlib.sha256(b"v6 1 option_snapshots 0\n").hexdigest()


def test_an_instant_counts_in_utc_whatever_its_zone() -> None:
    rows = generated(DAY, slots=1, contracts=3)
    assert rows["slot"][0].tzinfo is not None
    assert rows["slot"][0].astimezone(UTC) == datetime(2026, 1, 30, 14, 35, tzinfo=UTC)
    local = rows.with_columns(pl.col("slot").dt.convert_time_zone("America/New_York"))
    assert sha256_of("option_snapshots", local) == sha256_of("option_snapshots", rows)
