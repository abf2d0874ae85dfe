"""What positions require and what orders cost. Percentages of the kind IB's Reg T pages give, simplified."""

from typing import TYPE_CHECKING, NamedTuple

from v6.simulator.instruments.listings import Listing
from v6.simulator.orders.order import Order

if TYPE_CHECKING:
    from v6.simulator.server import Server

# share of the value: initial and maintenance
LONG_STOCK, SHORT_STOCK, FUTURE = (0.25, 0.25), (0.30, 0.30), (0.06, 0.054)
SHORT_OPTION = 0.15  # of the strike's value, on top of the option's own
STOCK_A_SHARE, STOCK_LEAST, STOCK_MOST = 0.005, 1.0, 0.01  # IB's fixed pricing: dollars, and a share of the value
OPTION_A_CONTRACT, OPTION_LEAST = 0.65, 1.0
FUTURE_A_CONTRACT = 2.25


class Requirement(NamedTuple):
    """In dollars."""

    initial: float
    maintenance: float


class Standing(NamedTuple):
    """An account's margins and equity with loan value, in dollars."""

    initial: float
    maintenance: float
    equity: float


class Change(NamedTuple):
    """What an order would do to an account, if it filled as a whole at the market's price."""

    before: Standing
    after: Standing
    commission: float


def requirement(listing: Listing, quantity: float, price: float) -> Requirement:
    """Of one position on its own: no spreads, no portfolio margin. Long options are paid in full and lend nothing."""
    factor = float(listing.multiplier or 1)
    value = abs(quantity) * price * factor
    if listing.sec_type == "FUT":
        return Requirement(value * FUTURE[0], value * FUTURE[1])
    if listing.sec_type == "OPT":
        if quantity >= 0:
            return Requirement(0.0, 0.0)
        risk = abs(quantity) * listing.strike * factor * SHORT_OPTION
        return Requirement(risk + value, risk + value)
    rates = LONG_STOCK if quantity >= 0 else SHORT_STOCK
    return Requirement(value * rates[0], value * rates[1])


def commission(listing: Listing, quantity: float, value: float) -> float:
    """Of a whole order so far, in dollars: the least is charged once, with its first execution."""
    if quantity <= 0:
        return 0.0
    if listing.sec_type == "FUT":
        return FUTURE_A_CONTRACT * quantity
    if listing.sec_type == "OPT":
        return max(OPTION_A_CONTRACT * quantity, OPTION_LEAST)
    least = min(STOCK_LEAST, STOCK_MOST * value)
    return min(max(STOCK_A_SHARE * quantity, least), max(STOCK_MOST * value, least))


def change(server: "Server", listing: Listing, order: Order, quantity: float) -> Change:
    """Of one order on its own: other working orders take no margin here."""
    now, factor = server.epoch(), float(listing.multiplier or 1)
    before = server.books.margin(order.account, now)
    held = server.books.quantity(order.account, listing.con_id, now)
    price = server.books.mark(listing, now) or order.limit_price or 0.0
    signed = quantity if order.action == "BUY" else -quantity
    old, new = requirement(listing, held, price), requirement(listing, held + signed, price)
    cost = commission(listing, quantity, quantity * price)
    paid = signed * price * factor if listing.sec_type == "OPT" else 0.0
    after = Standing(
        before.initial - old.initial + new.initial,
        before.maintenance - old.maintenance + new.maintenance,
        before.equity - paid - cost,
    )
    return Change(before, after, cost)
