"""Placing an order and following it for a while. V6 places none on its own: this closes positions that are named.

A refusal is an error with the order's id, at times beside the status Inactive. Codes that the table does not know may
be warnings about an order that works, so they count only when TWS says nothing else [ib_insync#430, unverified].
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from v6.gateway import error_codes, order_rows
from v6.gateway.connection import Connection
from v6.gateway.contracts import to_library
from v6.gateway.errors import Disconnected, RequestError, RequestTimeout
from v6.gateway.order_rows import Opened, Status
from v6.model import Contract, OpenOrder

CANCELLED = 202  # comes after the status that says so


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """`quantity` in shares or contracts, above 0. `order_ref` is shown in TWS and in executions."""

    contract: Contract
    action: Literal["BUY", "SELL"]
    quantity: float
    account: str
    order_ref: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.quantity:g} {self.contract} MKT for {self.account}"


class Placed:
    """One order from its placing on; `done` when it is over or refused."""

    def __init__(self, client_id: int, order_id: int, wanted: MarketOrder) -> None:
        self.client_id = client_id
        self.order_id = order_id
        self.wanted = wanted
        self.request = f"order {order_id}, {wanted}"
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error_heard: RequestError | None = None
        self.row: Opened | None = None
        self._status: Status | None = None

    def order(self) -> OpenOrder | None:
        """As far as TWS has told; steps may be left out, the status may come alone [IBKR's documents]."""
        known = order_rows.open_order(self.row) if self.row else None
        if self._status is None:
            return known
        return order_rows.with_status(known or self._as_sent(self._status), self._status)

    def _as_sent(self, status: Status) -> OpenOrder:
        wanted = self.wanted
        return OpenOrder(
            perm_id=status.perm_id, client_id=self.client_id, order_id=self.order_id, account=wanted.account,
            contract=wanted.contract, action=wanted.action, order_type="MKT", quantity=wanted.quantity, tif="DAY",
            status=status.status, order_ref=wanted.order_ref,
        )  # fmt: skip

    # what the receiver reports

    def opened(self, row: Opened) -> None:
        self.row = row
        self._look()

    def status(self, row: Status) -> None:
        self._status = row
        self._look()

    def error(self, code: int, text: str) -> None:
        if code == CANCELLED or not error_codes.lookup(code, text).ends:
            return
        self.error_heard = RequestError(code, text, self.request)
        if code in error_codes.TABLE and not self.done.done():
            self.done.set_exception(self.error_heard)

    def _look(self) -> None:
        order = self.order()
        if order is not None and order.status in order_rows.OVER and not self.done.done():
            self.done.set_result(None)


async def place_market_order(
    connection: Connection, client_id: int, order_id: int, wanted: MarketOrder, seconds: float
) -> OpenOrder:
    """The order as it stands when it is over, or after `seconds`: outside trading hours it waits for the open.

    Raises ValueError (bad quantity, an id this connection uses for a request), RequestError (refused: it does not
    exist), RequestTimeout (TWS said nothing of it), Disconnected (it may have been placed).
    """
    if not wanted.quantity > 0:
        raise ValueError(f"{wanted}: the quantity must be above 0")
    watch = Placed(client_id, order_id, wanted)
    await connection.turn(watch.request, lambda: _send(connection, watch))
    try:
        either: set[asyncio.Future[Any]] = {watch.done, connection.wire.lost}
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        connection.receiver.orders.pop(order_id, None)
    if watch.done.done():
        watch.done.result()
    order = watch.order()
    if order is None or not (watch.done.done() or connection.alive):
        raise _unknown(connection, watch, seconds)
    return order


def _send(connection: Connection, watch: Placed) -> None:
    receiver, order_id, wanted = connection.receiver, watch.order_id, watch.wanted
    if order_id in receiver.orders or order_id in receiver.streams or order_id in receiver.answers:
        raise ValueError(f"{watch.request}: the id is in use by a request of this connection")
    receiver.orders[order_id] = watch
    connection.client.updateReqId(order_id + 1)
    connection.client.placeOrder(order_id, to_library(connection.library, wanted.contract), _order(connection, wanted))


def _order(connection: Connection, wanted: MarketOrder) -> Any:
    """With a tif: without one TWS takes its preset's and says so with an error (10349)."""
    return connection.library.module.Order(
        action=wanted.action, totalQuantity=wanted.quantity, orderType="MKT", tif="DAY", account=wanted.account,
        orderRef=wanted.order_ref,
    )  # fmt: skip


def _unknown(connection: Connection, watch: Placed, seconds: float) -> Exception:
    if not connection.alive:
        return Disconnected(f"{watch.request}: {connection.wire.lost_words}; it may have been placed")
    return watch.error_heard or RequestTimeout(watch.request, seconds)
