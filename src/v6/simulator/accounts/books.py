"""What the accounts hold: an invented portfolio to begin with, and what trades and expiries make of it."""

from collections.abc import Callable
from datetime import date

from v6.simulator.accounts.positions import PAID, Holding, Position, plan, together
from v6.simulator.instruments.contracts import Contracts
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import Hours, new_york_date
from v6.simulator.market.quotes import Feed
from v6.simulator.trading import margins

CASH = 250_000.0
LAST_SECOND = 1.0


class Books:
    def __init__(self, accounts: tuple[str, ...], contracts: Contracts, feed: Feed, hours: Hours) -> None:
        self.accounts = accounts
        self._contracts, self._feed, self._hours = contracts, feed, hours
        self.held: dict[tuple[str, str, int], Position] = {}
        self.cash: dict[tuple[str, str], float] = {}
        self._listeners: list[Callable[[str], None]] = []

    def subscribe(self, callback: Callable[[str], None]) -> None:
        """Have it called with the account after every fill."""
        self._listeners.append(callback)

    def open(self, today: date) -> None:
        """Give every account its opening portfolio, of contracts that exist that day: the stock, the first one all."""
        planned = plan(self._contracts, today)
        for account in self.accounts:
            for listing, quantity in planned if account == self.accounts[0] else planned[:1]:
                cost = PAID[listing.sec_type] * float(listing.multiplier or 1)
                self.held[account, "", listing.con_id] = Position(listing, quantity, cost)

    # positions

    def positions(self, account: str, instant: float, model: str = "") -> list[Position]:
        """Of one model, or for "" of the whole account; what was closed today stays, with quantity 0."""
        today = new_york_date(instant)
        found: dict[int, Position] = {}
        for (owner, part, con_id), position in self.held.items():
            if owner == account and (not model or part == model) and not self._gone(position, instant):
                found[con_id] = together(found[con_id], position, today) if con_id in found else position
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
        return tuple(sorted({part for owner, part, _ in self.held if owner == account and part}))

    def mark(self, listing: Listing, instant: float) -> float:
        """The price a position is valued at: the middle, or the last price there was; 0.0 when there never was one."""
        quote = self._feed.quote(listing, instant)
        if quote is None:
            return 0.0
        bid, ask = quote.bid or -1.0, quote.ask or -1.0
        return (bid + ask) / 2 if bid > 0 and ask > 0 else quote.last or quote.settled or quote.close or 0.0

    # trades

    def settle(self, instant: float) -> list[str]:
        """Turn what has expired into cash: options at what they are worth then, futures at the last price.

        The accounts concerned. There is no exercise and no assignment.
        """
        concerned = []
        for (account, model, con_id), position in list(self.held.items()):
            listing = position.listing
            if position.quantity and 0 < listing.expires_at <= instant:
                worth = self._worth_at_expiry(position)
                settled, realized = position.traded(-position.quantity, worth, 0.0, new_york_date(instant))
                self.held[account, model, con_id] = settled
                value = position.quantity * worth * float(listing.multiplier or 1)
                paid = (realized or 0.0) if listing.sec_type == "FUT" else value
                self.cash[account, model] = self.cash.get((account, model), 0.0) + paid
                concerned.append(account)
        for account in concerned:
            self._tell(account)
        return concerned

    def _worth_at_expiry(self, position: Position) -> float:
        """Without a last price (a day that is not recorded): a future what it cost, an option nothing."""
        listing = position.listing
        last = listing.expires_at - LAST_SECOND
        if listing.sec_type != "OPT":
            return self.mark(listing, last) or position.average_cost / float(listing.multiplier or 1)
        found = self._contracts.find(Spec(con_id=listing.under_con_id), new_york_date(last))
        price = (self.mark(found[0], last) if found else 0.0) or listing.strike
        return max(price - listing.strike if listing.call else listing.strike - price, 0.0)

    def _tell(self, account: str) -> None:
        for callback in list(self._listeners):
            callback(account)

    def fill(
        self, account: str, model: str, listing: Listing, quantity: float, price: float, commission: float,
        instant: float,
    ) -> float | None:  # fmt: skip
        """Book a trade of a signed quantity; the profit it realized, None when it only opened."""
        today = new_york_date(instant)
        key = (account, model, listing.con_id)
        before = self.held.get(key) or Position(listing)
        self.held[key], realized = before.traded(quantity, price, commission, today)
        if listing.sec_type == "FUT":
            paid = -(realized or 0.0)  # a future costs nothing; its profit becomes cash when it is closed
        else:
            paid = quantity * price * float(listing.multiplier or 1) + commission
        self.cash[account, model] = self.cash.get((account, model), 0.0) - paid
        self._tell(account)
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
        "CashBalance": cash,
        "TotalCashValue": cash + futures,  # IBKR's guide: with the futures' profit
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
