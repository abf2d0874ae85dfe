"""The shared format of option chains: a folder with a file a New York day, YYYY-MM-DD.parquet, of these COLUMNS.

A row is a quote as it arrived; `timestamp` is naive New York time, `expiry` yyyymmdd, `right` C or P.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from v6 import clock
from v6.simulator.instruments.listings import Listing
from v6.simulator.replay.recorded import Contract, Day, ReplayError, Row, recorded_listing

VALUES = ("bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "theta", "vega")
KEY = ("symbol", "expiry", "strike", "right")
TEXTS = ("symbol", "expiry", "right")
COLUMNS = ("timestamp", *KEY, *VALUES)


class Recording:
    """Raises ReplayError for a folder without recordings, or with one that is not in the format.

    Days are read when they are first asked for.
    """

    exact = False
    kinds = frozenset({"OPT", "STK"})

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise ReplayError(f"{folder}: no DATE.parquet in it, and no lake of V6")
        self._files = {_date(path): path for path in files}
        self.days = tuple(self._files)
        self.symbols = frozenset(symbol for path in files for symbol in _checked(path))
        self.day = lru_cache(maxsize=3)(self._read)

    def contracts(self, day: date) -> list[Contract]:
        if day not in self._files:
            return []
        rows = pl.scan_parquet(self._files[day]).select(KEY).unique().collect().iter_rows()
        return [Contract(symbol, _expiry(expiry), float(strike), right) for symbol, expiry, strike, right in rows]

    def span(self, day: date) -> tuple[float, float] | None:
        if day not in self._files:
            return None
        times = pl.read_parquet(self._files[day], columns=["timestamp"]).get_column("timestamp").drop_nulls()
        if times.is_empty():
            return None
        first, last = (time.replace(tzinfo=clock.NEW_YORK).timestamp() for time in times.sort().gather([0, -1]))
        return first, last

    def _read(self, day: date) -> Day:
        path = self._files.get(day)
        if path is None:
            return Day({}, {})
        frame = pl.read_parquet(path, columns=list(COLUMNS)).with_columns(
            pl.col("timestamp")
            .dt.replace_time_zone("America/New_York", ambiguous="earliest", non_existent="null")
            .dt.epoch("us")
            .alias("at")
        )
        listings: dict[int, Listing] = {}
        rows: dict[int, list[Row]] = {}
        for key, group in frame.sort("at", maintain_order=True).group_by(KEY, maintain_order=True):
            symbol, expiry, strike, right = key
            listing = recorded_listing(str(symbol), str(expiry), float(str(strike)), str(right), listings)
            listings[listing.con_id] = listing
            rows[listing.con_id] = [
                Row(at / 1e6, *values) for at, *values in group.select("at", *VALUES).iter_rows() if at is not None
            ]
        return Day(listings, rows)


def _date(path: Path) -> date:
    """The day of a file. Raises ReplayError."""
    try:
        day = date.fromisoformat(path.stem)
        if path.stem != day.isoformat():
            raise ValueError(path.stem)
    except ValueError:
        raise ReplayError(f"{path}: the name is no date, allowed: YYYY-MM-DD.parquet") from None
    return day


def _expiry(text: str) -> date:
    """Raises ValueError."""
    if len(text) != 8 or not text.isdecimal():
        raise ValueError(text)
    return date.fromisoformat(text)


def _checked(path: Path) -> set[str]:
    """The symbols of a file. Raises ReplayError when it is not in the format."""
    try:
        schema = pl.read_parquet_schema(path)
        _check_columns(path, schema)
        keys = pl.scan_parquet(path).select(KEY).unique().collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReplayError(f"{path}: not readable as Parquet: {reason}") from None
    for contract in keys.iter_rows():
        _check_contract(path, *contract)
    return set(keys.get_column("symbol"))


def _check_columns(path: Path, schema: Mapping[str, pl.DataType]) -> None:
    if missing := [name for name in COLUMNS if name not in schema]:
        raise ReplayError(f"{path}: no column {', '.join(missing)}; it must have {', '.join(COLUMNS)}")
    for name in COLUMNS:
        kind = schema[name]
        if name == "timestamp":
            good, allowed = isinstance(kind, pl.Datetime) and kind.time_zone is None, "a time without a zone (New York)"
        elif name in TEXTS:
            good, allowed = kind == pl.String, "text"
        else:
            good, allowed = kind.is_numeric() or (kind == pl.Null and name != "strike"), "a number"
        if not good:
            raise ReplayError(f"{path}: column {name} is {kind}, allowed: {allowed}")


def _check_contract(
    path: Path, symbol: str | None, expiry: str | None, strike: float | None, right: str | None
) -> None:
    try:
        _expiry(expiry or "")
    except ValueError:
        raise ReplayError(f"{path}: expiry {expiry!r}, allowed: yyyymmdd") from None
    if right not in ("C", "P"):
        raise ReplayError(f"{path}: right {right!r}, allowed: C P")
    if not symbol or strike is None or not 0 < strike < float("inf"):
        raise ReplayError(f"{path}: a row without a symbol or a strike: {symbol!r} {strike!r}")
