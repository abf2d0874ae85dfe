"""What the accounts hold: a few invented positions, always with options that really exist on the clock's day, and
whatever has been traded since.

A contract that has been traded leaves the invented plan: from then on its own position counts, so that the plan may go
on to other months without changing what somebody bought.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from v6.simulator.chains import third_friday
from v6.simulator.contracts import Contracts
from v6.simulator.hours import DAY, Hours, new_york_date
from v6.simulator.listings import Listing, Spec
from v6.simulator.quotes import Feed
from v6.simulator.trading import margins

CASH = 250_000.0
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
        """The position after a trade of a signed quantity, and the profit that it realized (None: it closed nothing)."""
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


def option_plan(contracts: Contracts, today: date) -> list[tuple[Listing, float]]:
    """One SPY call near the middle of its chain and one QQQ put far below it, of a quarterly month far enough away."""
    plan: list[tuple[Listing, float]] = []
    for symbol, right, place, quantity in (("SPY", "C", 0.5, 2.0), ("QQQ", "P", 0.04, -3.0)):
        strikes = _chain(contracts, symbol, right, today)
        if strikes:
            plan.append((strikes[int(place * (len(strikes) - 1))], quantity))
    return plan


def _chain(contracts: Contracts, symbol: str, right: str, today: date) -> list[Listing]:
    """The strikes of the first standard expiry of a quarterly month, which stays the same for weeks."""
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


class Books:
    def __init__(self, accounts: tuple[str, ...], contracts: Contracts, feed: Feed, hours: Hours) -> None:
        self.accounts = accounts
        self._contracts, self._feed, self._hours = contracts, feed, hours
        self._plans: dict[date, list[tuple[Listing, float]]] = {}
        self.traded: dict[tuple[str, str, int], Position] = {}
        self.cash: dict[tuple[str, str], float] = {}
        self._listeners: list[Callable[[str], None]] = []

    def subscribe(self, callback: Callable[[str], None]) -> None:
        """Have it called with the account after every fill."""
        self._listeners.append(callback)

    def unsubscribe(self, callback: Callable[[str], None]) -> None:
        if callback in self._listeners:
            self._listeners.remove(callback)

    # positions

    def _plan(self, today: date) -> list[tuple[Listing, float]]:
        if today not in self._plans:
            stock = self._contracts.find(Spec(symbol="SPY", sec_type="STK", exchange="SMART"), today)
            futures = self._contracts.find(Spec(symbol="ES", sec_type="FUT", exchange="CME"), today)
            month = next(listing for listing in futures if listing.expiry and listing.expiry - today > ROLL)
            self._plans = {today: [(stock[0], 100.0), (month, 1.0), *option_plan(self._contracts, today)]}
        return self._plans[today]

    def _planned(self, account: str, today: date) -> list[Position]:
        """Every account after the first holds only the stock."""
        plan = self._plan(today)
        if account != self.accounts[0]:
            plan = plan[:1]
        return [
            Position(listing, quantity, PAID[listing.sec_type] * float(listing.multiplier or 1))
            for listing, quantity in plan
        ]

    def positions(self, account: str, instant: float, model: str = "") -> list[Position]:
        """Of one model, or for "" of the whole account; what was closed today stays, with quantity 0."""
        today = new_york_date(instant)
        found: dict[int, Position] = {}
        if not model:
            found = {
                each.listing.con_id: each
                for each in self._planned(account, today)
                if (account, "", each.listing.con_id) not in self.traded
            }
        for (owner, part, con_id), position in self.traded.items():
            if owner == account and (not model or part == model) and not self._gone(position, instant):
                found[con_id] = _together(found[con_id], position, today) if con_id in found else position
        return list(found.values())

    @staticmethod
    def _gone(position: Position, instant: float) -> bool:
        closed_before = not position.quantity and position.day != new_york_date(instant)
        return closed_before or 0 < position.listing.expires_at <= instant

    def holdings(self, account: str, instant: float, model: str = "", *, closed: bool = False) -> list[Holding]:
        """Of one model, or for "" of the whole account. `closed`: also what was closed today, with quantity 0."""
        today = new_york_date(instant)
        return [
            Holding(each.listing, each.quantity, each.average_cost, self.mark(each.listing, instant),
                    each.realized_on(today), each.began_on(today), each.day == today)
            for each in self.positions(account, instant, model)
            if closed or each.quantity
        ]  # fmt: skip

    def quantity(self, account: str, con_id: int, instant: float) -> float:
        """What the whole account has of a contract, signed."""
        return sum(each.quantity for each in self.positions(account, instant) if each.listing.con_id == con_id)

    def models(self, account: str) -> tuple[str, ...]:
        """The models that have traded in that account."""
        return tuple(sorted({part for owner, part, _ in self.traded if owner == account and part}))

    def mark(self, listing: Listing, instant: float) -> float:
        """The price a position is valued at: the middle, or the last price there was; 0.0 when there never was one."""
        quote = self._feed.quote(listing, instant)
        if quote is None:
            return 0.0
        bid, ask = quote.bid or -1.0, quote.ask or -1.0
        return (bid + ask) / 2 if bid > 0 and ask > 0 else quote.last or quote.settled or quote.close or 0.0

    # trades

    def fill(
        self, account: str, model: str, listing: Listing, quantity: float, price: float, commission: float,
        instant: float,
    ) -> float | None:  # fmt: skip
        """Book a trade of a signed quantity; the profit it realized, None when it only opened."""
        today = new_york_date(instant)
        key = (account, model, listing.con_id)
        before = self.traded.get(key)
        if before is None:
            planned = self._planned(account, today) if not model else []
            same = (each for each in planned if each.listing.con_id == listing.con_id)
            before = next(same, Position(listing))
        self.traded[key], realized = before.traded(quantity, price, commission, today)
        if listing.sec_type == "FUT":
            paid = -(realized or 0.0)  # a future costs nothing; its profit becomes cash when it is closed
        else:
            paid = quantity * price * float(listing.multiplier or 1) + commission
        self.cash[account, model] = self.cash.get((account, model), 0.0) - paid
        for callback in list(self._listeners):
            callback(account)
        return realized

    # values

    def total_cash(self, account: str, model: str = "") -> float:
        """In dollars; a model has what its trades have left, the whole account also what it began with."""
        own = sum(
            amount for (owner, part), amount in self.cash.items() if owner == account and (not model or part == model)
        )
        return own if model else CASH + own

    def values(self, account: str, instant: float, model: str = "") -> dict[str, str]:
        """Account tags in US dollars, as texts with two decimals."""
        holdings = self.holdings(account, instant, model, closed=True)
        numbers = _numbers(holdings, self.total_cash(account, model))
        return {"AccountType": "INDIVIDUAL"} | {tag: f"{number:.2f}" for tag, number in numbers.items()}

    def margin(self, account: str, instant: float) -> margins.Standing:
        numbers = _numbers(self.holdings(account, instant), self.total_cash(account))
        return margins.Standing(numbers["InitMarginReq"], numbers["MaintMarginReq"], numbers["EquityWithLoanValue"])


def _together(first: Position, second: Position, day: date) -> Position:
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


def _numbers(holdings: list[Holding], cash: float) -> dict[str, float]:
    def value(sec_type: str) -> float:
        return sum(holding.value for holding in holdings if holding.listing.sec_type == sec_type)

    futures = sum(holding.profit for holding in holdings if holding.listing.sec_type == "FUT")
    worth = cash + value("STK") + value("OPT") + futures
    equity = worth - max(value("OPT"), 0.0)
    required = [margins.requirement(each.listing, each.quantity, each.price) for each in holdings]
    initial, maintenance = sum(each.initial for each in required), sum(each.maintenance for each in required)
    available, excess = equity - initial, equity - maintenance
    return {
        "NetLiquidation": worth,
        "TotalCashValue": cash,
        "SettledCash": cash,
        "AccruedCash": 0.0,
        "EquityWithLoanValue": equity,
        "GrossPositionValue": sum(abs(each.value) for each in holdings if each.listing.sec_type != "FUT"),
        "StockMarketValue": value("STK"),
        "OptionMarketValue": value("OPT"),
        "FuturesPNL": futures,
        "UnrealizedPnL": sum(holding.profit for holding in holdings),
        "RealizedPnL": sum(holding.realized for holding in holdings),
        "InitMarginReq": initial,
        "MaintMarginReq": maintenance,
        "FullInitMarginReq": initial,
        "FullMaintMarginReq": maintenance,
        "AvailableFunds": available,
        "ExcessLiquidity": excess,
        "Cushion": excess / worth if worth else 0.0,
        "BuyingPower": max(4 * available, 0.0),
    }
