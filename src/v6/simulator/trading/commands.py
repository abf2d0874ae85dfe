"""Control commands about orders, for tests: an order typed into TWS, a forced fill, a rejection."""

from typing import TYPE_CHECKING, Any

from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import new_york_date
from v6.simulator.orders.order import Order
from v6.simulator.trading.booking import ADDED, execute
from v6.simulator.trading.depth import Fill
from v6.simulator.trading.refusals import rejected
from v6.simulator.trading.ticket import Ticket

if TYPE_CHECKING:
    from v6.simulator.server import Server

Request = dict[str, Any]


class CommandError(ValueError):
    """What is wrong with a request."""


def manual_order(server: "Server", request: Request) -> dict[str, Any]:
    """symbol [sec_type expiry strike right exchange], action, quantity, type, limit, stop, tif, account."""
    order = Order(
        action=str(request.get("action", "BUY")), total_quantity=_number(request, "quantity"),
        order_type=str(request.get("type", "LMT" if "limit" in request else "MKT")),
        limit_price=_optional(request, "limit"), aux_price=_optional(request, "stop"),
        tif=str(request.get("tif", "DAY")), account=str(request.get("account", "")),
    )  # fmt: skip
    ticket = server.trading.manual_order(_listing(server, request), order)
    return {"perm_id": ticket.perm_id, "order_id": ticket.order_id, "status": ticket.status}


def fill(server: "Server", request: Request) -> dict[str, Any]:
    """perm_id, or client and order; price; quantity (all that remains): an execution whatever the market says."""
    ticket = _ticket(server, request)
    quantity = min(_optional(request, "quantity") or ticket.remaining, ticket.remaining)
    if quantity <= 0:
        raise CommandError("quantity: must be above 0")
    execute(server.trading, ticket, Fill(_number(request, "price"), quantity), ADDED)
    return {"status": ticket.status, "filled": ticket.filled, "remaining": ticket.remaining}


def reject(server: "Server", request: Request) -> dict[str, Any]:
    """perm_id, or client and order; reason: IB refuses a working order with error 201."""
    ticket = _ticket(server, request)
    server.trading.refuse(ticket, rejected(str(request.get("reason", "Rejected by System"))))
    return {"status": ticket.status}


def orders(server: "Server", _: Request) -> dict[str, Any]:
    """The open orders."""
    return {
        "orders": [
            {"perm_id": each.perm_id, "client": each.client_id, "order": each.order_id, "status": each.shown,
             "symbol": each.listing.local_symbol, "filled": each.filled, "remaining": each.remaining}
            for each in server.trading.blotter.open
        ]
    }  # fmt: skip


def _ticket(server: "Server", request: Request) -> Ticket:
    """Raises CommandError."""
    for ticket in server.trading.blotter.open:
        mine = ticket.client_id == request.get("client") and ticket.order_id == request.get("order")
        if ticket.received and (mine or ticket.perm_id == request.get("perm_id")):
            return ticket
    raise CommandError("no such open order; give perm_id, or client and order")


def _listing(server: "Server", request: Request) -> Listing:
    """Raises CommandError."""
    spec = Spec(
        con_id=int(request.get("con_id", 0)), symbol=str(request.get("symbol", "")),
        sec_type=str(request.get("sec_type", "STK")), expiry=str(request.get("expiry", "")),
        strike=float(request.get("strike", 0.0)), right=str(request.get("right", "")),
        exchange=str(request.get("exchange", "SMART")),
    )  # fmt: skip
    found = server.contracts.find(spec, new_york_date(server.epoch()))
    if len(found) != 1:
        raise CommandError(f"{len(found)} contracts fit {spec.symbol or spec.con_id}; exactly one must")
    return found[0]


def _number(request: Request, name: str) -> float:
    value = _optional(request, name)
    if value is None:
        raise CommandError(f"{name}: missing")
    return value


def _optional(request: Request, name: str) -> float | None:
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError(f"{name}: {value!r} is not a number")
    return float(value)


COMMANDS = {"manual_order": manual_order, "fill": fill, "reject": reject, "orders": orders}
