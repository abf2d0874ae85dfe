"""What an order would require and cost: openOrder with margins, and nothing placed."""

from typing import TYPE_CHECKING

from v6.simulator.instruments.listings import Listing
from v6.simulator.orders.order import Order, OrderState
from v6.simulator.trading import margins, refusals
from v6.simulator.trading.refusals import Refusal
from v6.simulator.trading.ticket import PRE_SUBMITTED, Ticket

if TYPE_CHECKING:
    from v6.simulator.session import Session
    from v6.simulator.trading.engine import Trading

LEAST, MOST = 0.9, 1.25  # the range around the estimated commission of orders that may fill in parts


def preview(trading: "Trading", session: "Session", order_id: int, listing: Listing, order: Order) -> Refusal | None:
    """Answer with the margins; an order beyond the means gets them too, and then error 201, as recorded."""
    if not order.transmit:
        return refusals.WHAT_IF_TRANSMIT
    change = margins.change(trading.server, listing, order, order.total_quantity)
    assert session.client_id is not None
    ticket = Ticket(order_id, session.client_id, trading.ids.perm(trading.server.epoch()), listing, order)
    ticket.status = PRE_SUBMITTED
    session.send(trading.reports.open_order_frame(session, ticket, _state(change)))
    refused = trading.server.options.margins and change.after.initial > max(change.after.equity, change.before.initial)
    return refusals.margin(change.after.equity, change.after.initial) if refused else None


def _state(change: margins.Change) -> OrderState:
    before, after = change.before, change.after
    return OrderState(
        PRE_SUBMITTED,
        init_margin_before=_money(before.initial),
        maint_margin_before=_money(before.maintenance),
        equity_with_loan_before=_money(before.equity),
        init_margin_change=_money(after.initial - before.initial),
        maint_margin_change=_money(after.maintenance - before.maintenance),
        equity_with_loan_change=_money(after.equity - before.equity),
        init_margin_after=_money(after.initial),
        maint_margin_after=_money(after.maintenance),
        equity_with_loan_after=_money(after.equity),
        commission=round(change.commission, 2) if change.commission else None,
        min_commission=round(change.commission * LEAST, 2),
        max_commission=round(change.commission * MOST, 2),
        commission_currency="USD",
    )


def _money(amount: float) -> str:
    return f"{amount:.2f}"
