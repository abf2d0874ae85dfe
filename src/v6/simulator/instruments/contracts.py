"""Finding the instruments a request means: by contract id or by description, on the day the clock shows."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple, Protocol

from v6.simulator.instruments.chains import Chains
from v6.simulator.instruments.con_ids import decode
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.instruments.underlyings import FUTURES, STOCK_EXCHANGES, UNDERLYINGS, Underlying
from v6.simulator.market.hours import DAY

FUTURES_BY_INDEX = {future.index: future for future in FUTURES.values()}
CLASSES = {each.index: (underlying, each) for underlying in UNDERLYINGS.values() for each in underlying.classes}
BY_CON_ID = {underlying.con_id: underlying for underlying in UNDERLYINGS.values()}


class ParameterRow(NamedTuple):
    """One option class as reqSecDefOptParams gives it, the same for each of its exchanges."""

    exchanges: tuple[str, ...]
    trading_class: str
    multiplier: str
    expiries: tuple[date, ...]
    strikes: tuple[float, ...]


class Contracts(Protocol):
    def find(self, spec: Spec, today: date, *, expired: bool = False) -> list[Listing]:
        """Every listing that fits, in the order TWS lists them; empty when nothing does."""

    def parameters(self, underlying: Underlying, today: date) -> Iterable[ParameterRow]:
        """The option classes of an underlying."""

    def underlying(self, con_id: int) -> Underlying | None:
        """The stock or index with that id."""


def underlying_listing(underlying: Underlying) -> Listing:
    stock = underlying.sec_type == "STK"
    return Listing(
        con_id=underlying.con_id,
        symbol=underlying.symbol,
        sec_type=underlying.sec_type,
        exchange="SMART" if stock else underlying.primary_exchange,
        primary_exchange=underlying.primary_exchange if stock else "",
        local_symbol=underlying.symbol,
        trading_class=underlying.market if stock else underlying.symbol,
        name=underlying.name,
        min_tick=0.01,
        exchanges=STOCK_EXCHANGES if stock else (underlying.primary_exchange,),
        market_name=underlying.market if stock else underlying.symbol,
        stock_type=underlying.stock_type if stock else "",
    )


class SyntheticContracts:
    def __init__(self, chains: Chains) -> None:
        self._chains = chains

    def find(self, spec: Spec, today: date, *, expired: bool = False) -> list[Listing]:
        if spec.con_id:
            listing = self.by_con_id(spec.con_id, today, expired=expired)
            return [listing] if listing and (not spec.exchange or spec.exchange in listing.exchanges) else []
        return [listing for listing in self._candidates(spec, today, expired) if spec.fits(listing)]

    def _candidates(self, spec: Spec, today: date, expired: bool) -> Iterator[Listing]:
        if spec.sec_type in ("STK", "IND"):
            symbol = spec.symbol or spec.local_symbol
            if symbol in UNDERLYINGS:
                yield underlying_listing(UNDERLYINGS[symbol])
        elif spec.sec_type == "FUT":
            for future in FUTURES.values():
                if spec.symbol == future.symbol or (not spec.symbol and spec.local_symbol.startswith(future.symbol)):
                    first, count = (today - 370 * DAY, 9) if expired else (today, 5)
                    yield from self._chains.futures(future, first, count)
        elif spec.sec_type == "OPT":
            yield from self.options(spec, today)

    def options(self, spec: Spec, today: date) -> Iterator[Listing]:
        """Candidates among the options; a full description is looked up instead of searched for."""
        symbol = spec.symbol or spec.local_symbol[:6].strip()
        underlying = UNDERLYINGS.get(symbol)
        if underlying is None:
            return
        expiry = spec.expiry
        if not expiry and len(spec.local_symbol) == 21:
            expiry = "20" + spec.local_symbol[6:12]
        for option_class in underlying.classes:
            if spec.trading_class not in ("", option_class.name):
                continue
            for day in self._chains.expiries(option_class, underlying.dailies, today):
                if not f"{day:%Y%m%d}".startswith(expiry):
                    continue
                strikes: Iterable[float] = self._chains.strikes(underlying, option_class, day, today)
                if spec.strike:
                    strikes = [spec.strike] if spec.strike in strikes else []
                for strike in strikes:
                    for right in spec.right or "CP":
                        yield self._chains.option(underlying, option_class, day, strike, right)

    def by_con_id(self, con_id: int, today: date, *, expired: bool = False) -> Listing | None:
        if con_id in BY_CON_ID:
            return underlying_listing(BY_CON_ID[con_id])
        index, expiry, units, put = decode(con_id)
        if expiry < today and not expired:
            return None
        if index in FUTURES_BY_INDEX and not units and not put:
            future = FUTURES_BY_INDEX[index]
            listed = self._chains.futures(future, min(expiry, today), 9)
            return next((listing for listing in listed if listing.con_id == con_id), None)
        if index not in CLASSES:
            return None
        underlying, option_class = CLASSES[index]
        strike = units * option_class.unit
        if expiry not in self._chains.expiries(option_class, underlying.dailies, today):
            return None
        if strike not in self._chains.strikes(underlying, option_class, expiry, today):
            return None
        return self._chains.option(underlying, option_class, expiry, strike, "P" if put else "C")

    def underlying(self, con_id: int) -> Underlying | None:
        return BY_CON_ID.get(con_id)

    def parameters(self, underlying: Underlying, today: date) -> Iterator[ParameterRow]:
        for option_class in underlying.classes:
            expiries = tuple(sorted(self._chains.expiries(option_class, underlying.dailies, today)))
            grids = [self._chains.strikes(underlying, option_class, day, today) for day in expiries]
            strikes = {strike for grid in grids for strike in grid}
            yield ParameterRow(option_class.exchanges, option_class.name, "100", expiries, tuple(sorted(strikes)))
