"""What is recomputed takes the place of what was computed before: once, whole, and only there (L18)."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from v6.store.errors import LakeError
from v6.store.frames import fitted
from v6.store.lake import Lake

DAY, NEXT = date(2026, 1, 29), date(2026, 1, 30)
SCORES = "quality_scores"
WRITER = Path(__file__).with_name("writer.py")


def scores(day: date, *scored: tuple[str, float]) -> pl.DataFrame:
    """One row a rule."""
    frame = pl.DataFrame(
        {
            "rule": [rule for rule, _ in scored],
            "checked": [100] * len(scored),
            "failed": [round(100 - score) for _, score in scored],
            "weight": [1.0] * len(scored),
            "score": [score for _, score in scored],
        },
        schema={"rule": pl.String, "checked": pl.Int64, "failed": pl.Int64, "weight": pl.Float64, "score": pl.Float64},
    )
    return fitted(SCORES, frame, trade_date=day, task="validate_data_quality")


def version(lake: Lake, table: str) -> int:
    stored = lake.opened(table)
    assert stored is not None
    return stored.version()


def test_l18_the_same_rows_again_are_no_commit(lake: Lake) -> None:
    assert lake.replace(SCORES, scores(DAY, ("total", 98.0), ("duplicates", 100.0)), trade_date=DAY)
    first = version(lake, SCORES)

    assert not lake.replace(SCORES, scores(DAY, ("duplicates", 100.0), ("total", 98.0)), trade_date=DAY)

    assert version(lake, SCORES) == first
    assert lake.read(SCORES)["rule"].to_list() == ["duplicates", "total"]


def test_a_recomputed_day_leaves_the_other_days_of_its_month_alone(lake: Lake) -> None:
    lake.replace(SCORES, scores(DAY, ("total", 98.0)), trade_date=DAY)
    lake.replace(SCORES, scores(NEXT, ("total", 97.0)), trade_date=NEXT)

    lake.replace(SCORES, scores(DAY, ("total", 50.0)), trade_date=DAY)

    assert lake.read(SCORES).select("trade_date", "score").rows() == [(DAY, 50.0), (NEXT, 97.0)]


def test_rows_that_are_no_longer_computed_are_gone(lake: Lake) -> None:
    lake.replace(SCORES, scores(DAY, ("total", 98.0), ("duplicates", 100.0)), trade_date=DAY)

    lake.replace(SCORES, scores(DAY, ("total", 98.0)), trade_date=DAY)
    assert lake.read(SCORES)["rule"].to_list() == ["total"]
    lake.replace(SCORES, scores(DAY), trade_date=DAY)
    assert lake.read(SCORES).is_empty()


def test_a_row_of_another_day_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"quality_scores: trade_date: .*29.* in a write for .*30"):
        lake.replace(SCORES, scores(DAY, ("total", 98.0)), trade_date=NEXT)
    assert not lake.exists(SCORES) or lake.read(SCORES).is_empty()


@pytest.mark.integration
@pytest.mark.parametrize(("failpoint", "stored"), [("before_commit", 98.0), ("after_commit", 50.0)])
def test_l18_killed_in_the_middle_it_is_the_old_day_or_the_new_one(
    lake: Lake, home: Path, failpoint: str, stored: float
) -> None:
    lake.replace(SCORES, scores(DAY, ("total", 98.0), ("duplicates", 98.0)), trade_date=DAY)
    new = scores(DAY, ("total", 50.0), ("duplicates", 50.0))
    new.write_parquet(home / f"{SCORES}.parquet")
    command = [sys.executable, str(WRITER), lake.root, str(lake.locks), "replace", str(home / f"{SCORES}.parquet")]

    died = subprocess.run(command, env=os.environ | {"V6_FAILPOINT": failpoint}, capture_output=True, check=False)

    assert died.returncode == -9
    assert lake.read(SCORES)["score"].to_list() == [stored, stored]
    lake.replace(SCORES, new, trade_date=DAY)
    assert_frame_equal(lake.read(SCORES), new.sort("rule"))


def test_a_computed_frame_is_fitted_without_inventing_anything() -> None:
    rows = pl.DataFrame(
        {"trade_date": [NEXT], "rule": ["total"], "checked": [7], "failed": [0], "weight": [1], "score": [float("nan")]}
    )

    frame = fitted(SCORES, rows, task="validate_data_quality")

    assert frame.rows(named=True) == [
        {
            "month": date(2026, 1, 1),
            "trade_date": NEXT,
            "task": "validate_data_quality",
            "rule": "total",
            "checked": 7,
            "failed": 0,
            "weight": 1.0,
            "score": None,
        }
    ]
    assert frame.schema["checked"] == pl.Int64


def test_fitting_names_a_column_that_the_table_does_not_have() -> None:
    with pytest.raises(LakeError, match="quality_scores: no column points; it has month, trade_date"):
        fitted(SCORES, pl.DataFrame({"points": [1]}))


def test_fitting_refuses_a_value_that_has_no_place_in_its_column() -> None:
    with pytest.raises(LakeError, match="quality_scores"):
        fitted(SCORES, pl.DataFrame({"trade_date": [NEXT], "checked": ["many"]}))


def test_a_timestamp_keeps_its_instant(lake: Lake) -> None:
    slot = datetime(2026, 1, 30, 15, 35, tzinfo=UTC)
    rows = pl.DataFrame({"trade_date": [NEXT], "slot": [slot]})
    assert fitted("intraday_statistics", rows)["slot"].to_list() == [slot]


def test_no_version_that_a_reader_can_open_is_without_the_day_l09(lake: Lake) -> None:
    """A table that was emptied and then filled again lost a task to a reader in between."""
    lake.replace(SCORES, scores(DAY, ("total", 98.0), ("duplicates", 100.0)), trade_date=DAY)
    first = version(lake, SCORES)
    lake.replace(SCORES, scores(DAY, ("total", 91.0), ("duplicates", 93.0)), trade_date=DAY)

    seen = [
        pl.scan_delta(lake.uri(SCORES), version=number).collect().sort("rule")["score"].to_list()
        for number in range(first, version(lake, SCORES) + 1)
    ]

    assert seen == [[100.0, 98.0], [93.0, 91.0]]
