"""Orders, executions and completed orders: what clients ask, read and passed on to trading."""

from typing import TYPE_CHECKING

from v6.simulator.messages import connection
from v6.simulator.orders.read import read_order
from v6.simulator.trading.archive import Filter
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session


def place(session: "Session", fields: Fields) -> None:
    order_id, spec, order = read_order(fields, session.version)
    session.server.trading.place(session, order_id, spec, order)


def cancel(session: "Session", fields: Fields) -> None:
    """From 169 on a time of manual cancelling follows, which says nothing to TWS itself."""
    fields.skip(1)
    session.server.trading.cancel(session, fields.integer())


def global_cancel(session: "Session", _: Fields) -> None:
    session.server.trading.global_cancel(session)


def open_orders(session: "Session", _: Fields) -> None:
    session.server.trading.open_orders(session)


def all_open_orders(session: "Session", _: Fields) -> None:
    session.server.trading.all_open_orders(session)


def auto_open_orders(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.server.trading.auto_open(session, fields.flag())


def completed_orders(session: "Session", fields: Fields) -> None:
    session.server.trading.completed_orders(session, fields.flag())


def executions(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, client_id = fields.integer(), fields.integer()
    wanted = Filter(client_id, *(fields.text() for _ in range(6)))
    session.server.trading.executions(session, request, wanted)


def next_id(session: "Session", _: Fields) -> None:
    """The number of ids that is asked for is ignored, as TWS does."""
    if session.server.trading.refuse_read_only(session):
        return
    session.send(connection.next_valid_id(session.server.trading.next_id()))
