"""Orders are not modelled yet: the questions about them are answered as on a quiet account, placing one is refused."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.messages import connection, orders
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session


def place(session: "Session", fields: Fields) -> None:
    session.error(fields.integer(), 201, "Order rejected - reason:this simulator takes no orders")


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    code, text = errors.CANCEL_UNKNOWN
    session.error(request, code, text.format(request=request))


def open_orders(session: "Session", _: Fields) -> None:
    session.send(orders.open_orders_end())


def completed_orders(session: "Session", _: Fields) -> None:
    session.send(orders.completed_orders_end())


def executions(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.send(orders.executions_end(fields.integer()))


def next_id(session: "Session", _: Fields) -> None:
    session.send(connection.next_valid_id(session.server.next_order_id))
