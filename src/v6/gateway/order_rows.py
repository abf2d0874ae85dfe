"""Orders and executions as the library decodes them, made into our values.

TWS says what an order is (openOrder) and how it stands (orderStatus) in two messages; a completed order comes in one
that names neither order id nor client id, and whose total is what was left [recordings of real TWS].
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from typing import Any, NamedTuple

from v6.gateway.contracts import from_library
from v6.model import Execution, OpenOrder

UNSET = 1e300
CANCELLED = frozenset({"Cancelled", "ApiCancelled"})
OVER = CANCELLED | {"Filled"}
BEING_CANCELLED = "PendingCancel"
NOT_TOLD = -1  # the client id of a completed order
LIMITED = ("LMT", "LIMIT", "LIT", "LOC", "REL", "MIDPRICE")  # order types with a limit price, found by these words
STOPPED = ("STP", "MIT", "LIT")  # those whose auxiliary price is what triggers them


class Opened(NamedTuple):
    """One openOrder (untyped in the library)."""

    contract: Any
    order: Any
    state: Any


class Status(NamedTuple):
    """One orderStatus, as far as we use it."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: float
    remaining: float


Row = Opened | Status


def open_orders(rows: Iterable[Row]) -> list[OpenOrder]:
    """What is open after these messages, in TWS's order; repeated messages count once, the last one each."""
    found: dict[tuple[int, int, int], OpenOrder] = {}
    for row in rows:
        if isinstance(row, Opened):
            order = open_order(row)
            found.pop((0, order.client_id, order.order_id), None)
            found[_key(order.perm_id, order.client_id, order.order_id)] = order
        else:
            key = _key(row.perm_id, row.client_id, row.order_id)
            if key in found:
                found[key] = with_status(found[key], row)
    return [order for order in found.values() if order.status not in OVER]


def _key(perm_id: int, client_id: int, order_id: int) -> tuple[int, int, int]:
    """The permId alone, once there is one: orders typed into TWS share client and order id 0."""
    return (perm_id, 0, 0) if perm_id else (0, client_id, order_id)


def open_order(row: Opened) -> OpenOrder:
    """As openOrder alone tells it; what was filled comes with the status."""
    order = row.order
    return OpenOrder(
        perm_id=int(order.permId),
        client_id=int(order.clientId),
        order_id=int(order.orderId),
        account=order.account,
        contract=from_library(row.contract),
        action=order.action,
        order_type=order.orderType,
        quantity=float(order.totalQuantity),
        tif=order.tif,
        status=row.state.status,
        remaining=float(order.totalQuantity),
        limit_price=limit_price(order),
        stop_price=stop_price(order),
        parent_id=int(order.parentId),
        oca_group=order.ocaGroup,
        order_ref=order.orderRef,
    )


def with_status(order: OpenOrder, row: Status) -> OpenOrder:
    return replace(order, status=row.status, filled=row.filled, remaining=row.remaining)


def completed_order(row: Opened) -> OpenOrder:
    """`client_id` -1 and `order_id` 0: TWS does not tell them."""
    left = float(row.order.totalQuantity)
    filled = float(row.order.filledQuantity) if abs(row.order.filledQuantity) < UNSET else 0.0
    order = open_order(row)
    return replace(order, client_id=NOT_TOLD, order_id=0, quantity=filled + left, filled=filled, remaining=left)


def limit_price(order: Any) -> float | None:
    """TWS sends 0 for types without one; a combination's limit may really be 0 or less."""
    price = _known(order.lmtPrice)
    return price if price or _is(order, LIMITED) else None


def stop_price(order: Any) -> float | None:
    """What triggers it; of a trailing order where its stop stands, for its auxiliary price is a distance."""
    if order.orderType.startswith("TRAIL"):
        return _known(order.trailStopPrice)
    return _known(order.auxPrice) if _is(order, STOPPED) else None


def _is(order: Any, words: tuple[str, ...]) -> bool:
    return any(word in order.orderType for word in words)


def _known(value: Any) -> float | None:
    return None if value is None or abs(value) >= UNSET else float(value)


def execution(contract: Any, row: Any) -> Execution:
    return Execution(
        exec_id=row.execId,
        perm_id=int(row.permId),
        client_id=int(row.clientId),
        order_id=int(row.orderId),
        account=row.acctNumber,
        contract=from_library(contract),
        side=row.side,
        quantity=float(row.shares),
        price=float(row.price),
        at=row.time.astimezone(UTC),
    )
