"""Orders for tests, placed by the library's own client on an open gateway, and a gateway of any client id."""

from collections.abc import Callable
from typing import Any

from gateway_support import SPY, wait_until

from v6.gateway.client import Gateway
from v6.gateway.contracts import to_library
from v6.model import Contract, OpenOrder
from v6.simulator.testing import SimulatedTWS

PLACE, CANCEL = 3, 4  # requests on the wire
FAR = 500.0  # dollars: a limit to buy SPY that the market will not come to


def place(gateway: Gateway, *, contract: Contract = SPY, order_id: int | None = None, **terms: Any) -> int:
    """A limit order far from the market unless `terms` say otherwise; returns its id when TWS has it."""
    chosen = {"action": "BUY", "totalQuantity": 10, "orderType": "LMT", "lmtPrice": FAR, "tif": "DAY"} | terms
    number = order_id or gateway.next_order_id()
    library = gateway.connection.library
    gateway.connection.client.placeOrder(number, to_library(library, contract), library.module.Order(**chosen))
    assert wait_until(lambda: number in {order.order_id for order in gateway.own_open_orders()})
    return number


def working(tws: SimulatedTWS) -> dict[tuple[int, int], str]:
    """(client, order) -> status of what IB still works, as the simulator's own book has it."""
    return {(each["client"], each["order"]): each["status"] for each in tws.control({"do": "orders"})["orders"]}


def the_one(orders: list[OpenOrder], fits: Callable[[OpenOrder], bool]) -> OpenOrder:
    [found] = [order for order in orders if fits(order)]
    return found
