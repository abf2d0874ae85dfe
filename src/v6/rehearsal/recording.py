"""What a rehearsal takes from a recording: which contracts its universe has, and when it has quotes."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from v6.clock import NEW_YORK
from v6.model import FatalError


class RecordedDay(NamedTuple):
    """`universe`: the section under which every recorded contract is collected, whatever its distance or age.
    `first`, `last`: from when until when quotes were recorded."""

    universe: dict[str, Any]
    first: datetime
    last: datetime

    def covers(self, slot: datetime) -> bool:
        return self.first <= slot <= self.last


def recorded_day(folder: Path, day: date) -> RecordedDay:
    """Of a folder of DATE.parquet or a lake. Raises FatalError: what is wrong with it, or which days it has."""
    from v6.simulator.replay.feed import ReplayError, not_recorded, opened

    try:
        recording = opened(folder)
    except ReplayError as error:
        raise FatalError(str(error)) from error
    if missing := not_recorded(recording, day):
        raise FatalError(f"{folder}: {missing}")
    contracts, span = set(recording.contracts(day)), recording.span(day)
    if not contracts or span is None:
        raise FatalError(f"{folder}: the recording of {day} is empty")
    expiries = sorted({contract.expiry for contract in contracts})
    universe = {
        "symbols": sorted({contract.symbol for contract in contracts}),
        "min_dte": max((expiries[0] - day).days - 1, 0),
        "max_dte": (expiries[-1] - day).days + 1,
        "strike_band": 0.99,
        "max_contracts": len(contracts),
        "min_expiries": 1,
        "max_expiries": len(expiries),
        "far_expiry_dte": 1,
    }
    return RecordedDay(universe, *(datetime.fromtimestamp(instant, NEW_YORK) for instant in span))
