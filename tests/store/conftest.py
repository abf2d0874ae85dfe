"""A private lake per test, and slots of a few generated contracts."""

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

import option_rows
from v6.store.lake import Lake

DAY = date(2026, 1, 30)


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(str(home / "lake"), None, home / "var" / "locks")


@pytest.fixture(scope="session")
def slots() -> dict[datetime, pl.DataFrame]:
    """Twelve slots of 24 contracts on 2026-01-30."""
    return option_rows.by_slot(option_rows.generated(DAY, slots=12, contracts=24, live=True))
