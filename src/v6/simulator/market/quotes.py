"""What a market data line can say at one instant, whatever it comes from."""

from typing import NamedTuple, Protocol

from v6.simulator.instruments.listings import Listing
from v6.simulator.market.surface import Greeks

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
SMALLEST_VEGA, SMALLEST_IV = 1e-4, 0.01


class Snapshot(NamedTuple):
    """None: not sent. -1.0 and NaN are sent as they are. `data_type` is LIVE or FROZEN; sizes below 0: sent empty.

    A tuple because thousands are made and compared every second: lines.py compares slices of it, so the order matters.
    """

    data_type: int = LIVE
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    open: float | None = None
    bid_size: float = 0.0
    ask_size: float = 0.0
    last_size: float = 0.0
    last_at: int = 0
    volume: float | None = None
    open_interest: int | None = None
    option_volume: tuple[int, int] | None = None  # calls and puts on a stock
    option_interest: tuple[int, int] | None = None
    settled: float | None = None  # closing price of the session that is over, outside sessions only
    model: Greeks | None = None
    computed: bool = False  # whether TWS computes greeks of the bid, ask and last too


def implied_volatility(model: Greeks, price: float) -> float:
    """Of another price than the model's, to first order."""
    vega = model.vega
    iv = model.iv + (price - model.price) / (vega * 100.0) if vega > SMALLEST_VEGA else model.iv
    return iv if iv > SMALLEST_IV else SMALLEST_IV


class Feed(Protocol):
    """Where quotes come from: the synthetic market or a recording."""

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        """The quote at that epoch second; FROZEN when it is the last one of something over; None: never any."""
