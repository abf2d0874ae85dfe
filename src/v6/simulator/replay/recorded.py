"""A recording of quotes: the shared format, a folder of DATE.parquet, and what every recording gives.

Columns: naive New York `timestamp`, symbol, expiry (yyyymmdd), strike, right, bid, ask, last, volume, open_interest,
iv, delta, gamma, theta, vega.
"""

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from v6.simulator.instruments.con_ids import Identity, encode
from v6.simulator.instruments.listings import Listing, occ_symbol
from v6.simulator.instruments.underlyings import OPTION_EXCHANGES, UNDERLYINGS, OptionClass, Underlying
from v6.simulator.market import noise
from v6.simulator.market.hours import new_york

SLOT_SECONDS = 300
VALUES = ("bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "theta", "vega")
UNKNOWN_CLASS = OptionClass("", 0, 0.5, 1.0)


class ReplayError(ValueError):
    """The folder is not a recording."""


class Row(NamedTuple):
    """`at`, `until`: from when until when it is the quote (epoch seconds); `until` 0.0: the next one, or staleness."""

    at: float
    bid: float | None
    ask: float | None
    last: float | None
    volume: float | None
    open_interest: int | None
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    bid_size: float = 0.0
    ask_size: float = 0.0
    close: float | None = None
    underlying: float | None = None
    until: float = 0.0
    frozen: bool = False


class Day(NamedTuple):
    """One recorded day: listings by contract id, and each one's rows, oldest first."""

    listings: dict[int, Listing]
    rows: dict[int, list[Row]]


def underlying_of(symbol: str) -> Underlying:
    """The known one, or a plain stock for a symbol that the synthetic world does not have."""
    if symbol in UNDERLYINGS:
        return UNDERLYINGS[symbol]
    return Underlying(symbol, "STK", noise.key("recorded", symbol) >> 33 | 1, "NYSE", symbol, 0.0)


class Recorded(Protocol):
    """`kinds`: the security types of `symbols` that are recorded. `exact`: rows begin at their time, not a slot's."""

    symbols: frozenset[str]

    @property
    def exact(self) -> bool: ...

    @property
    def kinds(self) -> frozenset[str]: ...

    @property
    def day(self) -> Callable[[date], Day]: ...


class Recording:
    """Raises ReplayError for a folder without recordings. Days are read when they are first asked for."""

    exact = False
    kinds = frozenset({"OPT", "STK"})

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
        if not self._files:
            raise ReplayError(f"{folder}: no DATE.parquet in it")
        scan = pl.concat([pl.scan_parquet(path).select("symbol") for path in self._files.values()])
        self.symbols = frozenset(scan.unique().collect()["symbol"].to_list())
        self.day = lru_cache(maxsize=3)(self._read)

    def _read(self, day: date) -> Day:
        path = self._files.get(day.isoformat())
        if path is None:
            return Day({}, {})
        frame = pl.read_parquet(path).with_columns(
            pl.col("timestamp")
            .dt.replace_time_zone("America/New_York", ambiguous="earliest", non_existent="null")
            .dt.epoch("us")
            .alias("at")
        )
        listings: dict[int, Listing] = {}
        rows: dict[int, list[Row]] = {}
        keys = ["symbol", "expiry", "strike", "right"]
        for key, group in frame.sort("at", maintain_order=True).group_by(keys, maintain_order=True):
            symbol, expiry, strike, right = key
            listing = recorded_listing(str(symbol), str(expiry), float(str(strike)), str(right), listings)
            listings[listing.con_id] = listing
            rows[listing.con_id] = [
                Row(at / 1e6, *values) for at, *values in group.select("at", *VALUES).iter_rows() if at is not None
            ]
        return Day(listings, rows)


def recorded_listing(symbol: str, expiry: str, strike: float, right: str, taken: Iterable[int]) -> Listing:
    underlying = underlying_of(symbol)
    option_class = underlying.classes[0] if underlying.classes else UNKNOWN_CLASS
    day = date.fromisoformat(expiry)
    units = strike / option_class.unit
    if option_class.index and units == round(units) and units < 4096:
        con_id = encode(Identity(option_class.index, day, round(units), right == "P"))
    else:
        con_id = noise.key("recorded", symbol, expiry, strike, right) >> 33
        while con_id in taken:
            con_id += 1
    return Listing(
        con_id=con_id,
        symbol=symbol,
        sec_type="OPT",
        exchange="SMART",
        primary_exchange="",
        local_symbol=occ_symbol(symbol, day, right, strike),
        trading_class=symbol,
        name=underlying.name,
        min_tick=0.01,
        exchanges=OPTION_EXCHANGES,
        multiplier="100",
        expiry=day,
        expires_at=new_york(day, 16),
        strike=strike,
        right=right,
        under_con_id=underlying.con_id,
        market_name=symbol,
    )
