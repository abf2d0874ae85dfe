"""Recorded option chains instead of synthetic ones.

A recording is a folder of DATE.parquet with naive New York `timestamp`, symbol, expiry (yyyymmdd), strike, right, bid,
ask, last, volume, open_interest, iv, delta, gamma, theta, vega. The quote of a slot (5 minutes) is the last recorded
one at or before the slot's start; more than a slot old it is stale and travels as frozen data. Recorded values travel
unchanged. Sizes and the underlying's price are not recorded: sizes are 0, the underlying's quote is derived from
put-call parity, and the greeks' underlying price is unset.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from math import ceil, exp, floor
from pathlib import Path
from typing import NamedTuple

import polars as pl

from v6.simulator import noise
from v6.simulator.con_ids import Identity, encode
from v6.simulator.contracts import Contracts, ParameterRow, underlying_listing
from v6.simulator.hours import new_york, new_york_date
from v6.simulator.listings import Listing, Spec, occ_symbol
from v6.simulator.quotes import FROZEN, LIVE, Feed, Snapshot
from v6.simulator.surface import RATE, YEAR, Greeks
from v6.simulator.underlyings import OPTION_EXCHANGES, UNDERLYINGS, OptionClass, Underlying

SLOT_SECONDS = 300
NAN = float("nan")
VALUES = ("bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "theta", "vega")
UNKNOWN_CLASS = OptionClass("", 0, 0.5, 1.0)


class ReplayError(ValueError):
    """The folder is not a recording."""


class Row(NamedTuple):
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


def _time_of(row: Row) -> float:
    return row.at


class Day(NamedTuple):
    """One recorded day: listings by contract id, and each one's rows, oldest first."""

    listings: dict[int, Listing]
    rows: dict[int, list[Row]]


def underlying_of(symbol: str) -> Underlying:
    """The known one, or a plain stock for a symbol that the synthetic world does not have."""
    if symbol in UNDERLYINGS:
        return UNDERLYINGS[symbol]
    return Underlying(symbol, "STK", noise.key("recorded", symbol) >> 33 | 1, "NYSE", symbol, 0.0)


class Recording:
    """Raises ReplayError for a folder without recordings. Days are read when they are first asked for."""

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


class RecordedContracts:
    """Options: those of the recording of the day, and no others. Everything else as in the synthetic world."""

    def __init__(self, recording: Recording, others: Contracts) -> None:
        self._recording, self._others = recording, others

    def find(self, spec: Spec, today: date, *, expired: bool = False) -> list[Listing]:
        listings = self._recording.day(today).listings
        if spec.con_id and spec.con_id in listings:
            return [listings[spec.con_id]] if spec.exchange in ("", *OPTION_EXCHANGES) else []
        if spec.symbol in self._recording.symbols and spec.symbol not in UNDERLYINGS and spec.sec_type == "STK":
            return [each for each in [underlying_listing(underlying_of(spec.symbol))] if spec.fits(each)]
        if spec.sec_type == "OPT":
            found = [listing for listing in listings.values() if spec.fits(listing)] if not spec.con_id else []
            return sorted(found, key=lambda each: (each.expiry_text, each.strike, each.right))
        return [each for each in self._others.find(spec, today, expired=expired) if each.sec_type != "OPT"]

    def underlying(self, con_id: int) -> Underlying | None:
        mine = (underlying_of(symbol) for symbol in self._recording.symbols)
        return next((each for each in mine if each.con_id == con_id), self._others.underlying(con_id))

    def parameters(self, underlying: Underlying, today: date) -> Iterator[ParameterRow]:
        mine = [each for each in self._recording.day(today).listings.values() if each.symbol == underlying.symbol]
        if mine:
            expiries = tuple(sorted({each.expiry for each in mine if each.expiry}))
            strikes = tuple(sorted({each.strike for each in mine}))
            yield ParameterRow(OPTION_EXCHANGES, underlying.symbol, "100", expiries, strikes)


class RecordedFeed:
    """Recorded quotes for recorded symbols, synthetic ones for everything else (futures, indices)."""

    def __init__(self, recording: Recording, others: Feed) -> None:
        self._recording, self._others = recording, others
        self._implied = lru_cache(maxsize=256)(self._implied_at)

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        slot = int(instant) // SLOT_SECONDS * SLOT_SECONDS
        if listing.sec_type == "OPT":
            return self._recorded(listing, slot)
        if listing.sec_type == "STK" and listing.symbol in self._recording.symbols:
            return self._implied(listing.symbol, slot)
        return self._others.quote(listing, instant)

    def _row(self, con_id: int, slot: int) -> Row | None:
        rows = self._recording.day(new_york_date(slot)).rows.get(con_id, [])
        place = bisect_right(rows, float(slot), key=_time_of)
        return rows[place - 1] if place else None

    def _recorded(self, listing: Listing, slot: int) -> Snapshot | None:
        row = self._row(listing.con_id, slot)
        if row is None:
            return None
        model = None
        if row.iv is not None and row.delta is not None:
            gamma, vega, theta = (_or_unset(value) for value in (row.gamma, row.vega, row.theta))
            model = Greeks(row.iv, row.delta, NAN, gamma, vega, theta, None)
        return Snapshot(
            data_type=FROZEN if slot - row.at > SLOT_SECONDS else LIVE,
            bid=row.bid,
            ask=row.ask,
            last=row.last,
            volume=row.volume,
            open_interest=row.open_interest,
            model=model,
        )

    def _implied_at(self, symbol: str, slot: int) -> Snapshot | None:
        """Put-call parity at the strike where call and put cost about the same: C - P + K exp(-rT), no dividends."""
        pairs: dict[tuple[float, float], dict[str, Snapshot]] = {}
        for listing in self._recording.day(new_york_date(slot)).listings.values():
            if listing.symbol == symbol:
                quote = self._recorded(listing, slot)
                if quote is not None and (quote.bid or -1.0) > 0 and (quote.ask or -1.0) > 0:
                    pairs.setdefault((listing.strike, listing.expires_at), {})[listing.right] = quote
        candidates = []
        for (strike, expires_at), pair in pairs.items():
            if len(pair) == 2:
                gap = _middle(pair["C"]) - _middle(pair["P"])
                kind = max(pair["C"].data_type, pair["P"].data_type)
                candidates.append((kind, abs(gap), gap + strike * exp(-RATE * (expires_at - slot) / YEAR)))
        if not candidates:
            return None
        kind, _, value = min(candidates)
        cents = value * 100
        return Snapshot(
            data_type=kind, bid=floor(cents) / 100, ask=ceil(cents) / 100, last=round(value, 2), close=round(value, 2)
        )


def _or_unset(value: float | None) -> float:
    return NAN if value is None else value


def _middle(quote: Snapshot) -> float:
    assert quote.bid is not None
    assert quote.ask is not None
    return (quote.bid + quote.ask) / 2
