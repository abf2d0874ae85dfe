import re
from datetime import date, datetime

import polars as pl
import pytest

from option_rows import TASK
from v6.store.errors import LakeError
from v6.store.lake import Lake

Slots = dict[datetime, pl.DataFrame]


def write(lake: Lake, slot: datetime, frame: pl.DataFrame) -> None:
    lake.write_slot("option_snapshots", task=TASK, slot=slot, frame=frame)


def value(name: str, wrong: object) -> pl.Expr:
    return pl.lit(wrong).alias(name)


REFUSED = [
    (value("right", "PUT"), "right: 'PUT' in 24 rows: must be one of C, P"),
    (value("status", "missing"), "status: 'missing' in 24 rows: must be one of complete, partial"),
    (value("data_type", "LIVE"), "data_type: 'LIVE' in 24 rows: must be one of delayed, delayed_frozen, frozen, live"),
    (value("reason", "because"), "reason: 'because' in 24 rows: must be one of "),
    (value("bid", -1.0), "bid: -1.0 in 24 rows: a price is in the contract's currency, above 0"),
    (value("last", 0.0), "last: 0.0 in 24 rows: a price is"),
    (value("iv", 0.0), "iv: 0.0 in 24 rows: a volatility is annualised"),
    (value("volume", -1.0), "volume: -1.0 in 24 rows: a size is"),
    (value("delta", float("nan")), "delta: nan in 24 rows: must be null"),
    (value("theta", 1.7976931348623157e308), "in 24 rows: must be null"),
    (value("con_id", 0).cast(pl.Int64), "con_id: 0 in 24 rows: the contract is not resolved"),
    (value("con_id", None).cast(pl.Int64), "con_id: null in 24 of 24 rows"),
    (value("con_id", 7).cast(pl.Int64), "con_id 7: twice in one write"),
    (value("implied_vol", 0.2), "implied_vol: unknown column; it has trade_date, slot, task"),
    (value("volume", 3), "volume: type Int32, must be Float64"),
    (value("strike", "635"), "strike: type String, must be Float64"),
    (pl.col("slot").dt.replace_time_zone(None), "slot: type Datetime(time_unit='us', time_zone=None), must be"),
    (value("trade_date", date(2026, 1, 31)), "trade_date: datetime.date(2026, 1, 31) in a write for"),
    (value("task", "final_data_collection"), "task: 'final_data_collection' in a write for"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words[:40] for _, words in REFUSED])
def test_what_does_not_fit_is_refused_by_table_column_and_value(
    lake: Lake, slots: Slots, change: pl.Expr, words: str
) -> None:
    slot, frame = next(iter(slots.items()))
    with pytest.raises(LakeError, match=re.escape(words)) as refusal:
        write(lake, slot, frame.with_columns(change))
    assert str(refusal.value).startswith("option_snapshots: ")
    assert not lake.exists("option_snapshots")


def test_an_absent_column_is_not_the_same_as_null(lake: Lake, slots: Slots) -> None:
    slot, frame = next(iter(slots.items()))
    with pytest.raises(LakeError, match="iv: column is missing"):
        write(lake, slot, frame.drop("iv"))


def test_rows_of_another_slot_are_refused_l15(lake: Lake, slots: Slots) -> None:
    first, second = list(slots)[:2]
    with pytest.raises(LakeError, match=r"slot: .* in a write for"):
        write(lake, first, slots[second])


def test_a_naive_slot_is_refused_l19(lake: Lake, slots: Slots) -> None:
    slot, frame = next(iter(slots.items()))
    with pytest.raises(LakeError, match="must be aware"):
        write(lake, slot.replace(tzinfo=None), frame)
    with pytest.raises(LakeError, match="whole seconds"):
        lake.read("option_snapshots", slot=slot.replace(microsecond=1))


def test_the_trade_date_is_new_yorks_also_when_utc_is_a_day_ahead(lake: Lake, slots: Slots) -> None:
    evening = datetime.fromisoformat("2026-01-30T20:05:00-05:00")
    frame = next(iter(slots.values())).with_columns(pl.lit(evening).dt.convert_time_zone("UTC").alias("slot"))
    write(lake, evening, frame)
    assert lake.read("option_snapshots", slot=evening)["trade_date"].unique().to_list() == [date(2026, 1, 30)]


def test_a_column_that_does_not_exist_cannot_be_read(lake: Lake) -> None:
    with pytest.raises(LakeError, match="option_snapshots: no column impliedVol"):
        lake.read("option_snapshots", columns=["impliedVol"])
