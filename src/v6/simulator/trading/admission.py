"""What IB's servers refuse of an order that TWS has sent on; the first refusal wins."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from v6.simulator.trading import margins, refusals
from v6.simulator.trading.refusals import Refusal
from v6.simulator.trading.ticket import FILLED, Ticket

if TYPE_CHECKING:
    from v6.simulator.trading.engine import Trading


def _expired(trading: "Trading", ticket: Ticket) -> Refusal | None:
    over = 0 < ticket.listing.expires_at <= trading.server.epoch()
    return refusals.EXPIRED if over else None


def parent(trading: "Trading", ticket: Ticket) -> Refusal | None:
    """A child must come with its parent, or while that still works."""
    if not ticket.order.parent_id:
        return None
    found = trading.blotter.find(ticket.client_id, ticket.order.parent_id)
    return refusals.PARENT_GONE if found is None or found.done or found.cancelling else None


def _group(trading: "Trading", ticket: Ticket) -> Refusal | None:
    """A group one of whose orders has filled takes no more."""
    group = ticket.order.oca_group
    if not group:
        return None
    filled = any(
        each.order.oca_group == group and each.status == FILLED and each.order.account == ticket.order.account
        for each in trading.archive.orders
    )
    return refusals.GROUP_FILLED if filled else None


def _others(trading: "Trading", ticket: Ticket) -> list[Ticket]:
    return [
        each
        for each in trading.blotter.open
        if each is not ticket
        and each.received
        and each.listing.con_id == ticket.listing.con_id
        and each.order.account == ticket.order.account
    ]


def _number(trading: "Trading", ticket: Ticket) -> Refusal | None:
    most = trading.server.options.orders_a_side
    same = [each for each in _others(trading, ticket) if each.order.action == ticket.order.action]
    return refusals.too_many(most) if most and len(same) >= most else None


def _both_sides(trading: "Trading", ticket: Ticket) -> Refusal | None:
    """US options only; a bracket's own orders do not meet while its children wait for their parent."""
    if ticket.listing.sec_type != "OPT" or ticket.order.parent_id:
        return None
    against = [each for each in _others(trading, ticket) if each.order.action != ticket.order.action]
    return refusals.BOTH_SIDES if against else None


def _shorting(trading: "Trading", ticket: Ticket) -> Refusal | None:
    server = trading.server
    if ticket.buys or ticket.listing.sec_type != "STK" or ticket.listing.symbol not in server.options.no_shorting:
        return None
    held = server.books.quantity(ticket.order.account, ticket.listing.con_id, server.epoch())
    selling = sum(each.remaining for each in _others(trading, ticket) if not each.buys and not _together(each, ticket))
    return refusals.NO_SHORTING if ticket.remaining + selling > held else None


def _together(one: Ticket, other: Ticket) -> bool:
    return bool(one.order.oca_group) and one.order.oca_group == other.order.oca_group


def _means(trading: "Trading", ticket: Ticket) -> Refusal | None:
    """The margin afterwards must not exceed the equity, unless the order lowers it."""
    if not trading.server.options.margins or ticket.order.parent_id:
        return None
    change = margins.change(trading.server, ticket.listing, ticket.order, ticket.remaining)
    if change.after.initial <= change.before.initial or change.after.initial <= change.after.equity:
        return None
    return refusals.margin(change.after.equity, change.after.initial)


CHECKS: tuple[Callable[["Trading", Ticket], Refusal | None], ...] = (
    _expired, _group, _number, _both_sides, _shorting, _means,
)  # fmt: skip


def check(trading: "Trading", ticket: Ticket) -> Refusal | None:
    """What IB refuses, None when it takes the order."""
    return next((refusal for test in CHECKS if (refusal := test(trading, ticket)) is not None), None)
