"""Control commands about orders, for tests: an order typed into TWS, a forced fill, a rejection."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from v6.simulator.control.arguments import LARGEST, ControlError, Request, allow, choice, number, positive, text, whole
from v6.simulator.faults.values import CONTRACT, FILLED, PLACED, REJECTED, TERMS, TRADED
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.market.hours import new_york_date
from v6.simulator.orders.order import Order
from v6.simulator.trading import matching, rules
from v6.simulator.trading.booking import ADDED, execute
from v6.simulator.trading.depth import Fill
from v6.simulator.trading.desk import LAST_ID
from v6.simulator.trading.refusals import rejected
from v6.simulator.trading.ticket import Ticket

if TYPE_CHECKING:
    from v6.simulator.server import Server

SEC_TYPES = ("STK", "OPT", "FUT")
NEEDS_LIMIT = rules.NEEDS_LIMIT | {"TRAIL LIMIT"}
NEEDS_STOP = rules.NEEDS_STOP | matching.TRAILING
TIFS = sorted(rules.TIFS - {"GTD"})  # there is no way to give its date


def manual_order(server: "Server", request: Request) -> dict[str, Any]:
    """symbol [sec_type expiry strike right exchange] or con_id, action, quantity, type (without: LMT with a limit, else
    MKT), limit, stop (of TRAIL: its distance), tif, account: as typed into TWS, whose precautions do not count."""
    allow(request, *CONTRACT, *TERMS)
    order = _order(server, request)
    listing = _listing(server, request)
    _check(server, listing, order)
    ticket = server.trading.manual_order(listing, order)
    return {"perm_id": ticket.perm_id, "order_id": ticket.order_id, "status": ticket.status}


def place(server: "Server", request: Request) -> dict[str, Any]:
    """As manual_order, but of `client` (which need not be connected) with the id `order` (the next one): it has placed
    it before; "in_flight": TWS has it and IB has not, so that a restart loses it. Without a client: typed into TWS."""
    allow(request, *PLACED)
    if "client" not in request:
        return manual_order(server, {key: value for key, value in request.items() if key not in ("order", "in_flight")})
    client, in_flight = whole(request, "client"), request.get("in_flight", False)
    if not isinstance(in_flight, bool):
        raise ControlError(f"in_flight: {in_flight!r}; allowed: true or false")
    order, listing = _order(server, request), _listing(server, request)
    _check(server, listing, order)
    order_id = whole(request, "order", server.trading.next_id())
    if not 0 < order_id <= LAST_ID or server.trading.ids.taken(client, order_id):
        raise ControlError(f"order: {order_id}; allowed: an id above those of client {client}, at most {LAST_ID}")
    ticket = server.trading.placed_before(client, order_id, listing, order, in_flight=in_flight)
    return {"perm_id": ticket.perm_id, "order_id": ticket.order_id, "status": ticket.status}


def trade(server: "Server", request: Request) -> dict[str, Any]:
    """symbol [sec_type expiry strike right exchange] or con_id, quantity (below 0: sold), price (the middle), account:
    a position changes without an order of this TWS, as by another session, an exercise or an assignment."""
    allow(request, *TRADED)
    listing, accounts = _listing(server, request), server.options.accounts
    account = choice(request, "account", accounts, accounts[0])
    quantity, now = number(request, "quantity"), server.epoch()
    if not 0 < abs(quantity) < LARGEST:
        raise ControlError(f"quantity: {quantity}; allowed: a number above or below 0")
    price = positive(request, "price") if "price" in request else server.books.mark(listing, now)
    server.books.fill(account, "", listing, quantity, price, 0.0, now)
    server.trading.changed()
    return {"quantity": server.books.quantity(account, listing.con_id, now)}


def _order(server: "Server", request: Request) -> Order:
    accounts = server.options.accounts
    kind = choice(request, "type", rules.WORKED, "LMT" if "limit" in request else "MKT")
    return Order(
        action=choice(request, "action", ("BUY", "SELL")), total_quantity=positive(request, "quantity"),
        order_type=kind, limit_price=_price(request, "limit", needed=kind in NEEDS_LIMIT),
        aux_price=_price(request, "stop", needed=kind in NEEDS_STOP), tif=choice(request, "tif", TIFS, "DAY"),
        account=choice(request, "account", accounts, accounts[0]),
    )  # fmt: skip


def _price(request: Request, name: str, *, needed: bool) -> float | None:
    return positive(request, name) if needed or name in request else None


def _check(server: "Server", listing: Listing, order: Order) -> None:
    """What TWS itself refuses. Raises ControlError."""
    options, now = replace(server.options, order_precautions=False), server.now()
    quote = server.feed.quote(listing, server.epoch())
    refusal = rules.check(rules.Asked(0, listing, order, options, server.hours, now, quote))
    if refusal is not None:
        raise ControlError(f"order: TWS refuses it: {refusal.text} ({refusal.code}); allowed: what TWS takes")


def fill(server: "Server", request: Request) -> dict[str, Any]:
    """perm_id, or client and order; price; quantity (all that remains): an execution whatever the market says."""
    allow(request, *FILLED)
    ticket, price = _ticket(server, request), positive(request, "price")
    quantity = positive(request, "quantity") if "quantity" in request else ticket.remaining
    execute(server.trading, ticket, Fill(price, min(quantity, ticket.remaining)), ADDED)
    return {"status": ticket.status, "filled": ticket.filled, "remaining": ticket.remaining}


def reject(server: "Server", request: Request) -> dict[str, Any]:
    """perm_id, or client and order; reason: IB refuses a working order with error 201."""
    allow(request, *REJECTED)
    ticket = _ticket(server, request)
    reason = text(request, "reason") if "reason" in request else "Rejected by System"
    server.trading.refuse(ticket, rejected(reason))
    return {"status": ticket.status}


def orders(server: "Server", request: Request) -> dict[str, Any]:
    """The open orders."""
    allow(request)
    return {
        "orders": [
            {"perm_id": each.perm_id, "client": each.client_id, "order": each.order_id, "status": each.shown,
             "symbol": each.listing.local_symbol, "filled": each.filled, "remaining": each.remaining}
            for each in server.trading.blotter.open
        ]
    }  # fmt: skip


def _ticket(server: "Server", request: Request) -> Ticket:
    """Raises ControlError."""
    names = ("perm_id",) if "perm_id" in request else ("client", "order")
    wanted = [whole(request, name) for name in names]
    for ticket in server.trading.blotter.open:
        mine = [ticket.perm_id] if "perm_id" in request else [ticket.client_id, ticket.order_id]
        if ticket.received and mine == wanted:
            return ticket
    raise ControlError("no such open order; allowed: perm_id, or client and order, of one that `orders` shows")


def _listing(server: "Server", request: Request) -> Listing:
    """Raises ControlError."""
    kind = choice(request, "sec_type", SEC_TYPES, "STK")
    spec = Spec(
        con_id=whole(request, "con_id", 0), symbol=_symbol(server, request), sec_type=kind,
        expiry=text(request, "expiry") if "expiry" in request else "",
        strike=positive(request, "strike") if "strike" in request else 0.0,
        right=choice(request, "right", ("C", "P")) if "right" in request else "",
        exchange=text(request, "exchange") if "exchange" in request else "",
    )  # fmt: skip
    found = server.contracts.find(spec, new_york_date(server.epoch()))
    if len(found) != 1:
        raise ControlError(f"{len(found)} contracts fit {spec.symbol or spec.con_id}; allowed: exactly one")
    return found[0]


def _symbol(server: "Server", request: Request) -> str:
    return "" if "con_id" in request else known_symbol(server, request)


def known_symbol(server: "Server", request: Request, *others: str) -> str:
    """`symbol` in capitals; one that exists, or one of the others. Raises ControlError."""
    return choice({"symbol": text(request, "symbol").upper()}, "symbol", [*others, *server.symbols()])


COMMANDS = {
    "manual_order": manual_order, "place": place, "fill": fill, "trade": trade, "reject": reject, "orders": orders,
}  # fmt: skip
