"""What TWS knows of orders: open, completed, executed; and the cancel of all of them.

Open and completed orders are answered without an id: one such question at a time, and none on a connection whose
earlier answer is overdue (L26). An answer in which the library could not read a message is refused, not shortened:
an order that is not listed would be an order that nobody cancels.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from v6.gateway import order_rows
from v6.gateway.connection import Connection
from v6.gateway.errors import RequestError
from v6.model import Execution, OpenOrder

OPEN, COMPLETED = "openOrders", "completedOrders"
VALIDATION = 321
READ_ONLY = "read-only"  # the refusal names no request: "The API interface is currently in Read-Only mode."

Outcome = Literal["cancelled", "filled", "unknown", "refused", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What came of one cancel, `detail` in TWS's words where it said any.

    `cancelled`: it is not working any more (Cancelled, ApiCancelled, Inactive). `filled`: too late. `unknown`: TWS has
    no open order with this id of this client. `refused`: it is still working. `unconfirmed`: nobody knows (yet).
    """

    outcome: Outcome
    detail: str = ""


async def open_orders(connection: Connection) -> list[OpenOrder]:
    """Of every client, and those typed into TWS."""
    return await _listed(connection, "all open orders", lambda: connection.client.reqAllOpenOrders())


async def own_open_orders(connection: Connection) -> list[OpenOrder]:
    """Of this client id; client 0 also takes over those typed into TWS."""
    return await _listed(connection, "this client's open orders", lambda: connection.client.reqOpenOrders())


async def _listed(connection: Connection, request: str, send: Callable[[], None]) -> list[OpenOrder]:
    rows = await _unnumbered(connection, request, send, OPEN)
    return order_rows.open_orders(rows)


async def completed_orders(connection: Connection) -> list[OpenOrder]:
    """Today's of every client. TWS tells neither client id nor order id (-1 and 0): the perm_id names them."""
    rows = await _unnumbered(
        connection, "completed orders", lambda: connection.client.reqCompletedOrders(False), COMPLETED
    )
    orders = map(order_rows.completed_order, rows)
    return list({order.perm_id: order for order in orders}.values())


async def executions(connection: Connection) -> list[Execution]:
    """Every client's since midnight (or as many days as TWS is set to keep); of a corrected one the correction.

    Before server version 174 TWS's times carry no zone and are taken as the host's.
    """
    everything = connection.library.module.ExecutionFilter()
    with connection.readable("executions"):
        rows = await connection.ask(
            "executions", lambda number: connection.client.reqExecutions(number, everything), local=True
        )
    done = [order_rows.execution(contract, row) for contract, row in rows]
    return list({each.exec_id.rpartition(".")[0] or each.exec_id: each for each in done}.values())


async def global_cancel(connection: Connection) -> None:
    """Sent, not confirmed: cancels every order of every client and those typed into TWS. `open_orders` shows it."""
    await connection.turn("global cancel", lambda: connection.client.reqGlobalCancel())


async def _unnumbered(connection: Connection, request: str, send: Callable[[], None], name: str) -> list[Any]:
    with _refusable(connection, request, name):
        return await connection.ask_unnumbered(request, lambda _: send(), name=name)


@contextmanager
def _refusable(connection: Connection, request: str, name: str) -> Iterator[None]:
    """A TWS whose API is read-only refuses questions about orders without saying which."""
    receiver = connection.receiver

    def heard(code: int, text: str) -> None:
        answer = receiver.answers.get(name)
        if answer is not None and code == VALIDATION and READ_ONLY in text.lower():
            answer.fail(RequestError(code, text, request))

    receiver.notices.append(heard)
    try:
        yield
    finally:
        receiver.notices.remove(heard)
