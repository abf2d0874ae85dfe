"""Cancels of this client's own orders, each confirmed by what TWS says of it, or reported.

Only the client that placed an order can cancel it. TWS says nothing at first, then the status Cancelled, then error
202; an order that is filled, gone or already being cancelled is an error with its own code [recordings, IBKR's codes].
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from v6.gateway import orders
from v6.gateway.connection import Connection
from v6.gateway.errors import Disconnected, GatewayError
from v6.gateway.order_rows import BEING_CANCELLED, CANCELLED, Opened, Status
from v6.gateway.orders import Cancellation, Outcome

STATUSES: dict[str, Outcome] = {
    **dict.fromkeys(sorted(CANCELLED), "cancelled"),
    "Inactive": "cancelled",
    "Filled": "filled",
}
ERRORS: dict[int, Outcome] = {202: "cancelled", 10147: "unknown", 135: "unknown", 321: "refused"}
TOO_LATE = 10148  # "... cannot be cancelled, state: Filled."
NOT_NOW = 161  # "not in a cancellable state": over, or a cancel is under way; the status tells, if one comes
STATE = re.compile(r"state: *(\w+)")


class Cancelling:
    """One order on its way out; `done` holds what came of it."""

    def __init__(self, order_id: int, client_id: int) -> None:
        self.order_id = order_id
        self.client_id = client_id
        self.done: asyncio.Future[Cancellation] = asyncio.get_running_loop().create_future()
        self._otherwise = Cancellation("unconfirmed", "not sent")

    def sent(self) -> None:
        self._otherwise = Cancellation("unconfirmed", "TWS has not said that it is cancelled")

    def end(self, outcome: Outcome, detail: str) -> None:
        if not self.done.done():
            self.done.set_result(Cancellation(outcome, detail))

    def result(self, why: str) -> Cancellation:
        """What is known; `why` it ended if TWS said nothing that decides."""
        if self.done.done():
            return self.done.result()
        if self._otherwise.outcome != "unconfirmed":
            return self._otherwise
        return Cancellation("unconfirmed", f"{self._otherwise.detail}: {why}")

    # what the receiver reports

    def opened(self, row: Opened) -> None:
        pass

    def status(self, row: Status) -> None:
        outcome = STATUSES.get(row.status)
        if outcome is not None:
            part = f" after {row.filled:g} were filled" if outcome == "cancelled" and row.filled else ""
            self.end(outcome, f"{row.status}{part}")
        elif row.status == BEING_CANCELLED and self._otherwise.outcome == "unconfirmed":
            self._otherwise = Cancellation("unconfirmed", f"TWS says {row.status}")

    def error(self, code: int, text: str) -> None:
        words = f"{code}: {text}"
        if code in ERRORS:
            self.end(ERRORS[code], words)
        elif code == TOO_LATE:
            self._too_late(text, words)
        elif code == NOT_NOW:
            self._otherwise = Cancellation("refused", words)

    def _too_late(self, text: str, words: str) -> None:
        found = STATE.search(text)
        state = found.group(1) if found else ""
        if state != BEING_CANCELLED:
            self.end(STATUSES.get(state, "refused"), words)


async def cancel_orders(
    connection: Connection,
    client_id: int,
    order_ids: Iterable[int],
    seconds: float,
    before: Callable[[int], None] | None = None,
    already_sent: Collection[int] = (),
) -> dict[int, Cancellation]:
    """Cancel these orders of this client and return within `seconds` what came of each.

    `before(order_id)` is called immediately before each cancel leaves. Those `already_sent` (by a run that was killed)
    are only awaited; one that TWS no longer lists as open is `unknown`. Never raises for what happens on the wire.
    """
    pending = {order_id: Cancelling(order_id, client_id) for order_id in order_ids}
    watches = connection.receiver.orders
    watches.update(pending)
    why = f"{seconds:g} s were over"
    try:
        async with asyncio.timeout(seconds):
            await _cancel(connection, pending, before, already_sent)
    except TimeoutError:
        pass
    except GatewayError as error:
        why = str(error)
    finally:
        for order_id in pending:
            watches.pop(order_id, None)
    return {order_id: each.result(why) for order_id, each in pending.items()}


async def _cancel(
    connection: Connection,
    pending: dict[int, Cancelling],
    before: Callable[[int], None] | None,
    already_sent: Collection[int],
) -> None:
    """Send what is to be sent, then wait for all. Raises GatewayError when the connection ends or cannot say."""
    new = [each for order_id, each in pending.items() if order_id not in already_sent]
    for each in new:
        await connection.turn(f"cancel of order {each.order_id}", partial(_send, connection, each, before))
    if len(new) < len(pending):
        await _look_for(connection, [each for order_id, each in pending.items() if order_id in already_sent])
    while missing := {each.done for each in pending.values() if not each.done.done()}:
        if not connection.alive:
            raise Disconnected(f"the connection ended: {connection.wire.lost_words}")
        either: set[asyncio.Future[Any]] = {*missing, connection.wire.lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)


def _send(connection: Connection, each: Cancelling, before: Callable[[int], None] | None) -> None:
    if before is not None:
        before(each.order_id)
    connection.client.cancelOrder(each.order_id)
    each.sent()


async def _look_for(connection: Connection, sent: Iterable[Cancelling]) -> None:
    """Those that are open still will be heard of; the others were over before we listened."""
    listed = {order.order_id for order in await orders.own_open_orders(connection)}
    for each in sent:
        each.sent()
        if each.order_id not in listed:
            each.end("unknown", "its cancel was sent earlier, and TWS lists it no more")
