"""Profit and loss since the previous close, as reqPnL and reqPnLSingle give it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from v6.simulator.accounts.positions import Holding
from v6.simulator.instruments.listings import Listing

Closes = Callable[[Listing], float | None]


class Profit(NamedTuple):
    """In dollars; None where TWS has none. `value` is that of a single position."""

    daily: float | None = None
    unrealized: float | None = None
    realized: float | None = None
    value: float | None = None


def daily(holding: Holding, close: float) -> float:
    """What it has gained since that close: open and realized profit now, less the open profit it had then."""
    quantity, cost = holding.began
    return holding.profit + holding.realized - quantity * (close * holding.factor - cost)


def single(holding: Holding, close: float | None) -> Profit:
    """Realized profit is unset until something has been traded today; everything without a price is unset."""
    realized = holding.realized if holding.traded else None
    if not holding.price or close is None:
        return Profit(realized=realized)
    return Profit(daily(holding, close), holding.profit, realized, holding.value)


def total(holdings: Iterable[Holding], closes: Closes) -> Profit:
    """Of an account or model, from everything it has or has closed today."""
    gained = opened = realized = 0.0
    for holding in holdings:
        realized += holding.realized
        close = closes(holding.listing)
        if holding.price and close is not None:
            gained += daily(holding, close)
            opened += holding.profit
    return Profit(gained, opened, realized)
