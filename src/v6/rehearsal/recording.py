"""The universe of a recorded day: the contracts that the recording holds, all of them, and no others."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from v6.model import FatalError


def recorded_file(folder: Path, day: date) -> Path:
    """`<folder>/<day>.parquet`. Raises FatalError that names the days there are."""
    path = folder / f"{day}.parquet"
    if path.is_file():
        return path
    there = ", ".join(sorted(file.stem for file in folder.glob("*.parquet"))) or "none"
    raise FatalError(f"{folder}: no recording of {day}; recorded days here: {there}")


def universe_settings(folder: Path, day: date) -> dict[str, Any]:
    """The `universe` section under which every recorded contract is collected, whatever its distance or age."""
    frame = pl.read_parquet(recorded_file(folder, day), columns=["symbol", "expiry", "strike", "right"])
    contracts = frame.unique()
    if contracts.is_empty():
        raise FatalError(f"{folder}: the recording of {day} is empty")
    expiries = [date.fromisoformat(_iso(text)) for text in contracts["expiry"].unique()]
    return {
        "symbols": sorted(contracts["symbol"].unique()),
        "min_dte": max((min(expiries) - day).days - 1, 0),
        "max_dte": (max(expiries) - day).days + 1,
        "strike_band": 0.99,
        "max_contracts": contracts.height,
        "min_expiries": 1,
        "max_expiries": contracts["expiry"].n_unique(),
        "far_expiry_dte": 1,
    }


def _iso(expiry: str) -> str:
    return f"{expiry[:4]}-{expiry[4:6]}-{expiry[6:]}" if expiry.isdecimal() else expiry
