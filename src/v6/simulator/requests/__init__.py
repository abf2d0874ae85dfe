"""What is answered, by message id: one table. Whatever is not modelled gets an error, never silence."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from v6.simulator.errors import NOT_MODELLED, VALIDATION
from v6.simulator.requests import accounts, contracts, history, market_data, orders
from v6.simulator.requests.names import NAMES, SILENT
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

Handler = Callable[["Session", Fields], None]

HANDLERS: dict[int, Handler] = {
    1: market_data.subscribe,
    2: market_data.cancel,
    3: orders.place,
    4: orders.cancel,
    5: orders.open_orders,
    6: accounts.updates,
    7: orders.executions,
    8: orders.next_id,
    9: contracts.details,
    16: orders.open_orders,
    17: accounts.managed,
    20: history.bars,
    25: history.cancel,
    49: accounts.current_time,
    59: market_data.choose_type,
    61: accounts.positions,
    62: accounts.summary,
    74: accounts.positions_multi,
    76: accounts.updates_multi,
    78: contracts.option_parameters,
    99: orders.completed_orders,
}


def answer(session: "Session", kind: int, fields: Fields) -> None:
    """Answer one request. Raises WireError when it cannot be read."""
    handler = HANDLERS.get(kind)
    if handler is not None:
        handler(session, fields)
    elif kind not in SILENT:
        name = NAMES.get(kind, (f"message {kind}", 0))[0]
        session.error(request_id(kind, fields), VALIDATION, NOT_MODELLED.format(name=name))


def request_id(kind: int, fields: Fields) -> int:
    """The id that an error about this request carries: its own, or -1 for requests without one."""
    place = NAMES.get(kind, ("", 0))[1]
    try:
        return int(fields.parts[place]) if place else -1
    except (IndexError, ValueError):
        return -1
