"""One execution: reported, booked, paid for, and passed on to the orders it concerns."""

from typing import TYPE_CHECKING

from v6.simulator.market import noise
from v6.simulator.orders.execution import CommissionReport, Execution
from v6.simulator.trading import margins
from v6.simulator.trading.archive import Done
from v6.simulator.trading.depth import Fill
from v6.simulator.trading.ticket import FILLED, Ticket

if TYPE_CHECKING:
    from v6.simulator.trading.engine import Trading

ADDED, REMOVED = 1, 2  # lastLiquidity


def execute(trading: "Trading", ticket: Ticket, fill: Fill, liquidity: int) -> None:
    """execDetails, the statuses, the books, the commission report, and then what it means for other orders."""
    server = trading.server
    now = server.epoch()
    ticket.book(fill.shares, fill.price)
    execution = _execution(trading, ticket, fill, liquidity, now)
    trading.reports.execution(ticket, execution)
    charged = _charge(ticket)
    if ticket.remaining <= 0:
        ticket.status, ticket.why_held = FILLED, ""
    trading.reports.standing(ticket)
    realized = server.books.fill(
        ticket.order.account,
        ticket.order.model_code,
        ticket.listing,
        ticket.sign * fill.shares,
        fill.price,
        charged,
        now,
    )
    report = CommissionReport(execution.exec_id, charged, ticket.listing.currency, realized)
    trading.archive.executions.append(Done(ticket.listing, execution, report))
    trading.later(server.options.commission_seconds, lambda: trading.reports.commission(ticket, report))
    trading.after_fill(ticket, fill.shares)


def _charge(ticket: Ticket) -> float:
    """What this execution adds to the commission of the whole order."""
    cost = margins.commission(ticket.listing, ticket.filled, ticket.filled * ticket.average_price)
    charged = round(max(cost - ticket.commission, 0.0), 6)
    ticket.commission += charged
    return charged


def _execution(trading: "Trading", ticket: Ticket, fill: Fill, liquidity: int, now: float) -> Execution:
    order, listing = ticket.order, ticket.listing
    venues = [each for each in listing.exchanges if each != "SMART"] or [listing.exchange]
    draw = noise.uniform(noise.key(trading.server.options.seed, "venue", ticket.perm_id), ticket.fills)
    return Execution(
        exec_id=trading.ids.execution(ticket.perm_id), time=now, account=order.account,
        exchange=venues[int(draw * len(venues))], side="BOT" if ticket.buys else "SLD", shares=fill.shares,
        price=fill.price, perm_id=ticket.perm_id, client_id=ticket.client_id, order_id=ticket.order_id,
        cumulative=ticket.filled, average_price=round(ticket.average_price, 8), order_ref=order.order_ref,
        model_code=order.model_code, last_liquidity=liquidity,
    )  # fmt: skip
