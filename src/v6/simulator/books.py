"""What the accounts hold: a few invented positions, always with options that really exist on the clock's day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from v6.simulator.chains import third_friday
from v6.simulator.contracts import Contracts
from v6.simulator.hours import DAY, Hours, new_york_date
from v6.simulator.listings import Listing, Spec
from v6.simulator.quotes import Feed

CASH = 250_000.0
LONGEST = 30 * DAY
ROLL = 8 * DAY
PAID = {"STK": 640.0, "FUT": 6500.0, "OPT": 12.5}


class Holding(NamedTuple):
    listing: Listing
    quantity: float
    average_cost: float
    price: float

    @property
    def factor(self) -> float:
        return float(self.listing.multiplier or 1)

    @property
    def value(self) -> float:
        return self.quantity * self.price * self.factor

    @property
    def profit(self) -> float:
        return self.value - self.quantity * self.average_cost


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

    def _plan(self, today: date) -> list[tuple[Listing, float]]:
        if today not in self._plans:
            stock = self._contracts.find(Spec(symbol="SPY", sec_type="STK", exchange="SMART"), today)
            futures = self._contracts.find(Spec(symbol="ES", sec_type="FUT", exchange="CME"), today)
            month = next(listing for listing in futures if listing.expiry and listing.expiry - today > ROLL)
            self._plans = {today: [(stock[0], 100.0), (month, 1.0), *option_plan(self._contracts, today)]}
        return self._plans[today]

    def holdings(self, account: str, instant: float) -> list[Holding]:
        """Every account after the first holds only the stock."""
        plan = self._plan(new_york_date(instant))
        if account != self.accounts[0]:
            plan = plan[:1]
        return [self._mark(listing, quantity, instant) for listing, quantity in plan]

    def _mark(self, listing: Listing, quantity: float, instant: float) -> Holding:
        quote = self._feed.quote(listing, instant)
        price = 0.0
        if quote is not None:
            bid, ask = quote.bid or -1.0, quote.ask or -1.0
            price = (bid + ask) / 2 if bid > 0 and ask > 0 else quote.last or quote.settled or quote.close or 0.0
        cost = PAID[listing.sec_type] * float(listing.multiplier or 1)
        return Holding(listing, quantity, cost, price)

    def values(self, account: str, instant: float) -> dict[str, str]:
        """Account tags in US dollars, as texts with two decimals."""
        holdings = self.holdings(account, instant)
        owned = sum(holding.value for holding in holdings if holding.listing.sec_type != "FUT")
        gain = sum(holding.profit for holding in holdings)
        worth = CASH + owned
        margin = sum(abs(holding.value) * (0.06 if holding.listing.sec_type == "FUT" else 0.25) for holding in holdings)
        numbers = {
            "NetLiquidation": worth,
            "TotalCashValue": CASH,
            "SettledCash": CASH,
            "AccruedCash": 0.0,
            "EquityWithLoanValue": worth,
            "GrossPositionValue": sum(abs(holding.value) for holding in holdings),
            "StockMarketValue": sum(holding.value for holding in holdings if holding.listing.sec_type == "STK"),
            "OptionMarketValue": sum(holding.value for holding in holdings if holding.listing.sec_type == "OPT"),
            "UnrealizedPnL": gain,
            "RealizedPnL": 0.0,
            "InitMarginReq": margin,
            "MaintMarginReq": margin * 0.9,
            "FullInitMarginReq": margin,
            "FullMaintMarginReq": margin * 0.9,
            "AvailableFunds": worth - margin,
            "ExcessLiquidity": worth - margin * 0.9,
            "Cushion": (worth - margin * 0.9) / worth,
            "BuyingPower": 4 * (worth - margin),
        }
        return {"AccountType": "INDIVIDUAL"} | {tag: f"{number:.2f}" for tag, number in numbers.items()}
