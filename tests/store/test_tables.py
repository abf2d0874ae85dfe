from datetime import date, datetime
from pathlib import Path

import deltalake
import polars as pl
import pytest

from v6.store.columns import UNITS, Table
from v6.store.errors import LakeError
from v6.store.lake import Lake
from v6.store.tables import TABLES, delta_schema, polars_schema, table_of


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_number_of_a_table_has_a_meaning_and_measured_ones_a_unit(table: Table) -> None:
    for column in table.columns:
        assert column.meaning
        if column.type == "double" and column.name != "multiplier":
            assert column.unit in UNITS


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_keys_order_and_statistics_name_columns_of_the_table(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert {*table.key, *table.order, *table.statistics} <= set(table.names)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_back_with_the_types_it_is_written_with(name: str, tmp_path: Path) -> None:
    stored = deltalake.DeltaTable.create(str(tmp_path / name), delta_schema(name))
    assert dict(pl.DataFrame(stored.scan()).schema) in ({}, polars_schema(name))
    assert pl.Schema(stored.schema()) == pl.Schema(polars_schema(name))


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(LakeError, match="option_snapshot: no such table; there are option_contracts"):
        table_of("option_snapshot")


def test_tables_are_partitioned_by_trade_date_alone_l17(lake: Lake, slots: dict[datetime, pl.DataFrame]) -> None:
    slot, frame = next(iter(slots.items()))
    lake.write_slot("option_snapshots", task=frame["task"][0], slot=slot, frame=frame)
    stored = deltalake.DeltaTable(lake.uri("option_snapshots"))
    assert stored.metadata().partition_columns == ["trade_date"]
    assert stored.file_uris()[0].split("/")[-2] == "trade_date=2026-01-30"


def test_a_stored_table_with_another_schema_is_refused_not_adapted_l19(lake: Lake) -> None:
    other = pl.DataFrame({"trade_date": [date(2026, 1, 30)], "slot": ["10:00"]})
    deltalake.write_deltalake(lake.uri("option_snapshots"), other, partition_by=["trade_date"])
    with pytest.raises(LakeError, match=r"option_snapshots: slot: stored as .*string.* must be .*timestamp.*migrate"):
        lake.read("option_snapshots")
