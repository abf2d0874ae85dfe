"""What every recording of quotes gives, whatever its format."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple, Protocol

from v6.simulator.instruments.con_ids import Identity, encode
from v6.simulator.instruments.listings import Listing, occ_symbol
from v6.simulator.instruments.underlyings import OPTION_EXCHANGES, UNDERLYINGS, OptionClass, Underlying
from v6.simulator.market import noise
from v6.simulator.market.hours import new_york

SLOT_SECONDS = 300
UNKNOWN_CLASS = OptionClass("", 0, 0.5, 1.0)


class ReplayError(ValueError):
    """The folder is not a recording, or something in it is not as it must be."""


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


class Contract(NamedTuple):
    """A recorded option."""

    symbol: str
    expiry: date
    strike: float
    right: str


class Recorded(Protocol):
    """`kinds`: the security types of `symbols` that are recorded. `exact`: rows begin at their time, not a slot's.

    `days`: the recorded New York dates, sorted."""

    symbols: frozenset[str]
    days: tuple[date, ...]

    @property
    def exact(self) -> bool: ...

    @property
    def kinds(self) -> frozenset[str]: ...

    @property
    def day(self) -> Callable[[date], Day]: ...

    def contracts(self, day: date) -> list[Contract]:
        """The options of a day; none when it is not recorded."""
        ...

    def span(self, day: date) -> tuple[float, float] | None:
        """From the first to the last recorded quote of an option of a day, epoch seconds."""
        ...


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
