"""What one order's fill or end means for the others of its family or OCA group. Pure: says what to do, does nothing."""

from collections.abc import Iterable
from typing import NamedTuple

from v6.simulator.trading.ticket import CANCELLED, FILLED, Ticket

CANCEL_ALL = 1  # with block; 2: reduce with block, 3: reduce without block


class Consequence(NamedTuple):
    """`quantity`: the new total of that order; None: it ends."""

    ticket: Ticket
    quantity: float | None = None


def same_group(ticket: Ticket, others: Iterable[Ticket]) -> list[Ticket]:
    """The open orders of its OCA group, in its account, without itself."""
    if not ticket.order.oca_group:
        return []
    return [
        each
        for each in others
        if each is not ticket
        and not each.done
        and each.order.oca_group == ticket.order.oca_group
        and each.order.account == ticket.order.account
    ]


def children(ticket: Ticket, others: Iterable[Ticket]) -> list[Ticket]:
    return [
        each
        for each in others
        if each.order.parent_id
        and each.order.parent_id == ticket.order_id
        and each.client_id == ticket.client_id
        and not each.done
    ]


def after_fill(ticket: Ticket, shares: float, others: Iterable[Ticket]) -> list[Consequence]:
    """Types 2 and 3 shrink the others by the share that filled; type 1, or nothing left to do, ends them."""
    remaining_before = ticket.remaining + shares
    found = []
    for each in same_group(ticket, others):
        left = each.remaining * (1 - shares / remaining_before)
        whole = float(int(left + 1e-9))
        if each.order.oca_type == CANCEL_ALL or ticket.remaining <= 0 or whole <= 0:
            found.append(Consequence(each))
        else:
            found.append(Consequence(each, each.filled + whole))
    return found


def after_end(ticket: Ticket, others: Iterable[Ticket]) -> list[Consequence]:
    """A cancel takes the whole OCA group and the children of an unfilled parent with it; a fill leaves the children."""
    others = list(others)
    found: list[Consequence] = []
    if ticket.status == CANCELLED:
        found += [Consequence(each) for each in same_group(ticket, others)]
    if ticket.status != FILLED:
        for child in children(ticket, others):
            found.append(Consequence(child, ticket.filled if ticket.filled else None))
    if ticket.order.auto_cancel_parent and ticket.status == CANCELLED and ticket.order.parent_id:
        found += [
            Consequence(each)
            for each in others
            if each.order_id == ticket.order.parent_id and each.client_id == ticket.client_id and not each.done
        ]
    unique = {id(each.ticket): each for each in found}
    return list(unique.values())


def allowed(ticket: Ticket, family: Iterable[Ticket]) -> float:
    """How much of it may work now: a child only what its parent has filled and its siblings have not used."""
    if not ticket.order.parent_id:
        return ticket.remaining
    family = list(family)
    parent = next((each for each in family if each.order_id == ticket.order.parent_id), None)
    if parent is None or parent.status == FILLED:
        return ticket.remaining
    used = sum(each.filled for each in family if each.order.parent_id == ticket.order.parent_id)
    return max(min(ticket.remaining, parent.filled - used), 0.0)
