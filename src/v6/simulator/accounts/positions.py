"""Positions as values, and the few invented ones an account begins with."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from v6.simulator.instruments.chains import third_friday
from v6.simulator.instruments.contracts import Contracts
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import DAY

LONGEST = 30 * DAY
ROLL = 8 * DAY
PAID = {"STK": 640.0, "FUT": 6500.0, "OPT": 12.5}


class Holding(NamedTuple):
    """`average_cost`: of one share or contract, multiplier and commissions included. `realized`: today's profit.

    `began`: quantity and average cost before today's first trade. `traded`: whether there was a trade today.
    """

    listing: Listing
    quantity: float
    average_cost: float
    price: float
    realized: float = 0.0
    began: tuple[float, float] = (0.0, 0.0)
    traded: bool = False

    @property
    def factor(self) -> float:
        return float(self.listing.multiplier or 1)

    @property
    def value(self) -> float:
        return self.quantity * self.price * self.factor

    @property
    def profit(self) -> float:
        return self.value - self.quantity * self.average_cost


class Position(NamedTuple):
    """What one model ("" outside any) of an account has of one contract.

    `day` is that of its last trade, to which `realized` and `began` (quantity and average cost before the day's first
    trade) belong.
    """

    listing: Listing
    quantity: float = 0.0
    average_cost: float = 0.0
    realized: float = 0.0
    day: date = date.min
    began: tuple[float, float] = (0.0, 0.0)

    def began_on(self, day: date) -> tuple[float, float]:
        return self.began if self.day == day else (self.quantity, self.average_cost)

    def realized_on(self, day: date) -> float:
        return self.realized if self.day == day else 0.0

    def traded(self, quantity: float, price: float, commission: float, day: date) -> tuple["Position", float | None]:
        """The position after a trade of a signed quantity, and the profit it realized (None: it closed nothing)."""
        factor = float(self.listing.multiplier or 1)
        closing = min(abs(quantity), abs(self.quantity)) if quantity * self.quantity < 0 else 0.0
        share = closing / abs(quantity)
        opening = quantity * (1 - share)
        left = self.quantity + quantity - opening
        realized = None
        if closing:
            sign = 1.0 if self.quantity > 0 else -1.0
            realized = sign * closing * (price * factor - self.average_cost) - commission * share
        cost = left * self.average_cost + opening * price * factor + commission * (1 - share)
        after = round(left + opening, 9)
        return (
            Position(
                self.listing,
                after,
                cost / after if after else 0.0,
                self.realized_on(day) + (realized or 0.0),
                day,
                self.began_on(day),
            ),
            realized,
        )


def together(first: Position, second: Position, day: date) -> Position:
    quantity = first.quantity + second.quantity
    cost = first.quantity * first.average_cost + second.quantity * second.average_cost
    realized = first.realized_on(day) + second.realized_on(day)
    began = [each.began_on(day) for each in (first, second)]
    began_quantity = sum(each for each, _ in began)
    began_cost = sum(each * average for each, average in began)
    return Position(
        first.listing, quantity, cost / quantity if quantity else 0.0, realized, max(first.day, second.day),
        (began_quantity, began_cost / began_quantity if began_quantity else 0.0),
    )  # fmt: skip


def plan(contracts: Contracts, today: date) -> list[tuple[Listing, float]]:
    """100 SPY, one ES of a month that does not expire soon, and the options."""
    stock = contracts.find(Spec(symbol="SPY", sec_type="STK", exchange="SMART"), today)
    futures = contracts.find(Spec(symbol="ES", sec_type="FUT", exchange="CME"), today)
    months = [each for each in futures if each.expiry and each.expiry - today > ROLL]
    return [(stock[0], 100.0), *((month, 1.0) for month in months[:1]), *option_plan(contracts, today)]


def option_plan(contracts: Contracts, today: date) -> list[tuple[Listing, float]]:
    """One SPY call near the middle of its chain and one QQQ put far below it, of a quarterly month far enough away."""
    plan: list[tuple[Listing, float]] = []
    for symbol, right, place, quantity in (("SPY", "C", 0.5, 2.0), ("QQQ", "P", 0.04, -3.0)):
        strikes = _chain(contracts, symbol, right, today)
        if strikes:
            plan.append((strikes[int(place * (len(strikes) - 1))], quantity))
    return plan


def _chain(contracts: Contracts, symbol: str, right: str, today: date) -> list[Listing]:
    """The strikes of the first standard expiry of a quarterly month; without one (recordings) of the first there is."""
    spec = Spec(symbol=symbol, sec_type="OPT", right=right, trading_class=symbol)
    for expiry in _quarterly(today + LONGEST):
        if chain := contracts.find(replace(spec, expiry=f"{expiry:%Y%m%d}"), today):
            return sorted(chain, key=lambda each: each.strike)
    listed = contracts.find(spec, today)
    first = min((each.expiry_text for each in listed), default="")
    return [each for each in listed if each.expiry_text == first]


def _quarterly(after: date) -> Iterator[date]:
    """Third Fridays of quarterly months, and the Thursdays before them in case the Friday is a holiday."""
    for offset in range(12):
        year, month = after.year + (after.month - 1 + offset) // 12, (after.month - 1 + offset) % 12 + 1
        friday = third_friday(year, month)
        if month % 3 == 0 and friday - DAY >= after:
            yield friday
            yield friday - DAY
