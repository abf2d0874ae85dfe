"""What a market data line can say at one instant, whatever it comes from."""

from dataclasses import dataclass
from typing import Protocol

from v6.simulator.listings import Listing
from v6.simulator.surface import Greeks

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Snapshot:
    """None: not sent. -1.0 and NaN are sent as they are. `data_type` is LIVE or FROZEN; sizes below 0: sent empty."""

    data_type: int = LIVE
    bid: float | None = None
    ask: float | None = None
    bid_size: float = 0.0
    ask_size: float = 0.0
    last: float | None = None
    last_size: float = 0.0
    last_at: int = 0
    volume: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    open_interest: int | None = None
    settled: float | None = None  # closing price of the session that is over, outside sessions only
    option_volume: tuple[int, int] | None = None  # calls and puts on a stock
    option_interest: tuple[int, int] | None = None
    model: Greeks | None = None
    bid_greeks: Greeks | None = None
    ask_greeks: Greeks | None = None
    last_greeks: Greeks | None = None


class Feed(Protocol):
    """Where quotes come from: the synthetic market or a recording."""

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        """The quote at that epoch second; FROZEN when it is the last one of something over; None: never any."""
