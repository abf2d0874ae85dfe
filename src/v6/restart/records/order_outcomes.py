"""What came of each order that a restart touched: the journal's words, what they mean to a person, and what TWS's own
lists make of them later. Pure.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Protocol

from v6.journal.restarts import OrderStep
from v6.model import OpenOrder

SENT, UNCONFIRMED = "sent", "unconfirmed"
NOT_SENT, UNREACHABLE, REFUSED = "not_sent", "unreachable", "refused"
CANCELLED, FILLED, UNKNOWN, ENDED = "cancelled", "filled", "unknown", "ended"
UNDONE = {
    NOT_SENT: "not cancelled",
    UNREACHABLE: "not cancelled",
    REFUSED: "its cancel was refused",
    SENT: "its cancel is not confirmed",
    UNCONFIRMED: "its cancel is not confirmed",
}
"""Outcomes that leave an order working, or may, as a person reads them."""
DONE = {
    CANCELLED: "cancelled",
    FILLED: "filled before it was cancelled",
    UNKNOWN: "not at TWS any more",
    ENDED: "ended without a cancel of V6",
}
UNHEARD = frozenset({NOT_SENT, UNREACHABLE, REFUSED})
"""No cancel of ours took effect: an end of such an order is somebody else's doing."""


class Named(Protocol):
    """What names an order."""

    @property
    def perm_id(self) -> int: ...
    @property
    def client_id(self) -> int: ...
    @property
    def order_id(self) -> int: ...


def identity(order: Named) -> Hashable:
    """What names an order within one restart: TWS may number it (permId) only later, and one typed in has no other."""
    return (order.client_id, order.order_id) if order.order_id > 0 else order.perm_id


def is_of(order: OpenOrder, step: Named) -> bool:
    """After a restart: TWS may have given the order id of an older order again, so the permId decides."""
    if order.perm_id and step.perm_id:
        return order.perm_id == step.perm_id
    return identity(order) == identity(step)


def ending(completed: OpenOrder | None) -> tuple[str, str]:
    """(outcome, detail) of an order that TWS lists as completed, or not at all."""
    if completed is None:
        return UNKNOWN, "TWS lists it neither as open nor as completed"
    if completed.status == "Filled":
        return FILLED, f"{completed.filled:g} filled"
    return CANCELLED, f"{completed.status}{f' after {completed.filled:g} were filled' if completed.filled else ''}"


def afterwards(
    steps: Iterable[OrderStep], listed: Sequence[OpenOrder], completed: Sequence[OpenOrder] | None
) -> list[tuple[OrderStep, str, str]]:
    """(step, outcome, detail) of every cancel of which TWS's lists say something else than its row. `completed` None:
    they could not be read. What TWS lists as open is not cancelled, whatever was noted."""
    ends = None if completed is None else {order.perm_id: order for order in completed if order.perm_id}
    found = []
    for step in steps:
        outcome, detail = _now(step, next((order for order in listed if is_of(order, step)), None), ends)
        if step.deed == "cancel" and (outcome, detail) != (step.outcome, step.detail):
            found.append((step, outcome, detail))
    return found


def _now(step: OrderStep, order: OpenOrder | None, ends: Mapping[int, OpenOrder] | None) -> tuple[str, str]:
    as_it_was = step.outcome, step.detail
    if order is not None:
        return as_it_was if step.outcome in UNHEARD else (UNCONFIRMED, f"TWS lists it as {order.status}")
    if ends is None or step.outcome not in (*UNDONE, UNKNOWN):
        return as_it_was
    end = ends.get(step.perm_id)
    if end is None:
        return as_it_was
    if step.outcome in UNHEARD and end.status != "Filled":
        return ENDED, f"{end.status}, not by V6"
    return ending(end)
