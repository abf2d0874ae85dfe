"""Recorded quotes instead of synthetic ones: the shared format of option chains, or our own lake.

Shared format (shared_format.py): the quote of a slot (5 minutes) is the last recorded one at or before its start;
more than a slot old it is stale and travels as frozen data. Sizes and the underlying's price are not recorded: sizes
are 0, the underlying's quote is derived from put-call parity, and the greeks' underlying price is unset. Lake
(lake.py): the quote of a slot lasts that slot, and what was not collected does not tick. Recorded values travel
unchanged.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from math import ceil, exp, floor
from operator import attrgetter
from pathlib import Path

from v6.simulator.instruments.contracts import Contracts, ParameterRow, underlying_listing
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.instruments.underlyings import OPTION_EXCHANGES, UNDERLYINGS, Underlying
from v6.simulator.market.halts import MarketState
from v6.simulator.market.hours import new_york_date
from v6.simulator.market.quotes import FROZEN, LIVE, Feed, Snapshot
from v6.simulator.market.surface import RATE, YEAR, Greeks
from v6.simulator.replay.recorded import SLOT_SECONDS, Recorded, ReplayError, Row, underlying_of

__all__ = ["RecordedContracts", "RecordedFeed", "ReplayError", "opened"]

LAKE_OF_A_HOME = Path("var", "lake")
NAN = float("nan")
_time_of = attrgetter("at")


def opened(folder: Path) -> Recorded:
    """The lake or the recordings in that folder. Raises ReplayError when it holds neither, or not as it must be."""
    try:
        from v6.simulator.replay.lake import Lake, is_lake
        from v6.simulator.replay.shared_format import Recording
    except ModuleNotFoundError:
        raise ReplayError("--replay needs polars and deltalake: pip install polars deltalake") from None
    if not folder.is_dir():
        wrong = "is a file" if folder.exists() else "does not exist"
        raise ReplayError(f"--replay {folder}: {wrong}, allowed: a folder of DATE.parquet, or a lake of V6")
    if is_lake(folder):
        return Lake(folder)
    if is_lake(folder / LAKE_OF_A_HOME):
        raise ReplayError(f"--replay {folder}: a home of V6; its lake is {folder / LAKE_OF_A_HOME}")
    return Recording(folder)


def not_recorded(recording: Recorded, day: date) -> str:
    """What to say of a day without recorded options; empty when it has some."""
    if day in recording.days:
        return ""
    there = ", ".join(map(str, recording.days)) or "none"
    return f"{day} is not recorded; recorded days: {there}"


class RecordedContracts:
    """Options: those of the recording of the day, and no others. Everything else as recorded, or as synthetic."""

    def __init__(self, recording: Recorded, others: Contracts) -> None:
        self._recording, self._others = recording, others

    def find(self, spec: Spec, today: date, *, expired: bool = False) -> list[Listing]:
        listings = self._recording.day(today).listings
        if spec.con_id and spec.con_id in listings:
            listing = listings[spec.con_id]
            return [listing] if spec.exchange in ("", *listing.exchanges) else []
        if spec.symbol in self._recording.symbols and spec.symbol not in UNDERLYINGS and spec.sec_type == "STK":
            return [each for each in [underlying_listing(underlying_of(spec.symbol))] if spec.fits(each)]
        if spec.sec_type == "OPT":
            found = [listing for listing in listings.values() if spec.fits(listing)] if not spec.con_id else []
            return sorted(found, key=lambda each: (each.expiry_text, each.strike, each.right))
        if not spec.con_id and (found := [each for each in listings.values() if each.sec_type == spec.sec_type]):
            mine = sorted((each for each in found if spec.fits(each)), key=lambda each: each.expiry_text)
            if mine:
                return mine
        return [each for each in self._others.find(spec, today, expired=expired) if each.sec_type != "OPT"]

    def underlying(self, con_id: int) -> Underlying | None:
        mine = (underlying_of(symbol) for symbol in self._recording.symbols)
        return next((each for each in mine if each.con_id == con_id), self._others.underlying(con_id))

    def parameters(self, underlying: Underlying, today: date) -> Iterator[ParameterRow]:
        by_class: dict[str, list[Listing]] = {}
        for each in self._recording.day(today).listings.values():
            if each.symbol == underlying.symbol and each.sec_type == "OPT":
                by_class.setdefault(each.trading_class, []).append(each)
        for name, listed in by_class.items():
            expiries = tuple(sorted({each.expiry for each in listed if each.expiry}))
            strikes = tuple(sorted({each.strike for each in listed}))
            yield ParameterRow(OPTION_EXCHANGES, name, "100", expiries, strikes)


class RecordedFeed:
    """Recorded quotes for recorded symbols, synthetic ones for everything else (futures, indices)."""

    def __init__(self, recording: Recorded, others: Feed, state: MarketState | None = None) -> None:
        self._recording, self._others = recording, others
        self._state = state or MarketState(lambda: 0.0)
        self._implied = lru_cache(maxsize=256)(self._implied_at)

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        at = self._state.effective(listing.symbol, instant)
        slot = int(at) // SLOT_SECONDS * SLOT_SECONDS
        moment = at if self._recording.exact else slot
        rows = self._recording.day(new_york_date(moment)).rows.get(listing.con_id)
        if rows is not None or listing.sec_type == "OPT":
            return self._recorded(rows or [], moment)
        if listing.sec_type == "STK" and listing.symbol in self._recording.symbols:
            return self._implied(listing.symbol, slot)
        return self._others.quote(listing, instant)

    @staticmethod
    def _recorded(rows: list[Row], moment: float) -> Snapshot | None:
        place = bisect_right(rows, moment, key=_time_of)
        row = rows[place - 1] if place else None
        if row is None or (row.until and moment >= row.until):
            return None
        model = None
        if row.iv is not None and row.delta is not None:
            gamma, vega, theta = (_or_unset(value) for value in (row.gamma, row.vega, row.theta))
            model = Greeks(row.iv, row.delta, NAN, gamma, vega, theta, row.underlying)
        stale = row.frozen or (not row.until and moment - row.at > SLOT_SECONDS)
        return Snapshot(
            data_type=FROZEN if stale else LIVE,
            bid=row.bid,
            ask=row.ask,
            bid_size=row.bid_size,
            ask_size=row.ask_size,
            last=row.last,
            volume=row.volume,
            close=row.close,
            open_interest=row.open_interest,
            model=model,
        )

    def _implied_at(self, symbol: str, slot: int) -> Snapshot | None:
        """Put-call parity at the strike where call and put cost about the same: C - P + K exp(-rT), no dividends."""
        pairs: dict[tuple[float, float], dict[str, Snapshot]] = {}
        recorded = self._recording.day(new_york_date(slot))
        for listing in recorded.listings.values():
            if listing.symbol == symbol and listing.sec_type == "OPT":
                quote = self._recorded(recorded.rows[listing.con_id], slot)
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
