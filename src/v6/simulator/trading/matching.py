"""What a quote does to one order: triggers, trailing stops, the price it asks for, fills. No clock, no sockets."""

from math import inf

from v6.simulator.market import noise
from v6.simulator.market.quotes import Snapshot
from v6.simulator.trading.depth import Depth, Fill
from v6.simulator.trading.ticket import Ticket

STOPS = frozenset(("STP", "STP LMT", "TRAIL", "TRAIL LIMIT"))
TOUCHED = frozenset(("MIT", "LIT"))
TRAILING = frozenset(("TRAIL", "TRAIL LIMIT"))
AT_CLOSE = frozenset(("MOC", "LOC"))
UNLIMITED = frozenset(("MKT", "STP", "TRAIL", "MIT", "MOC"))
# triggerMethod -> prices that trigger; 0 depends on the instrument
METHODS = {1: "bid_ask", 2: "last", 3: "last", 4: "bid_ask", 7: "either", 8: "middle"}


def reference(ticket: Ticket, quote: Snapshot) -> list[float]:
    """The prices that may trigger it: IB's default is the last trade, for options bid (to buy) and ask (to sell)."""
    default = "bid_ask" if ticket.listing.sec_type == "OPT" else "last"
    method = METHODS.get(ticket.order.trigger_method, default)
    side = quote.bid if ticket.buys else quote.ask
    prices = {
        "last": [quote.last],
        "bid_ask": [side],
        "either": [quote.last, side],
        "middle": [(quote.bid + quote.ask) / 2 if quote.bid and quote.ask and quote.bid > 0 else None],
    }[method]
    return [price for price in prices if price is not None and price > 0]


def follow(ticket: Ticket, quote: Snapshot) -> None:
    """Move a trailing stop with the market, never away from it; a first stop the client did not give is set."""
    for price in reference(ticket, quote):
        percent = ticket.order.trailing_percent
        distance = price * percent / 100 if percent else ticket.order.aux_price or 0.0
        stop = to_tick(price + ticket.sign * distance, ticket.listing.min_tick)
        if ticket.stop is None or ticket.sign * stop < ticket.sign * ticket.stop:
            ticket.stop = stop
    if ticket.order.order_type == "TRAIL LIMIT" and ticket.stop is not None:
        ticket.limit = trailing_limit(ticket)


def trailing_limit(ticket: Ticket) -> float:
    """The limit of a trailing stop: the given offset from it, or as far as the first limit is from the first stop."""
    order = ticket.order
    assert ticket.stop is not None
    distance = order.limit_offset or 0.0
    if order.limit_offset is None and order.limit_price is not None and order.trail_stop_price is not None:
        distance = ticket.sign * (order.limit_price - order.trail_stop_price)
    return to_tick(ticket.stop + ticket.sign * distance, ticket.listing.min_tick)


def to_tick(price: float, tick: float) -> float:
    return round(round(price / tick) * tick, 6)


def triggers(ticket: Ticket, quote: Snapshot) -> bool:
    """Whether the quote sets off a stop (against the order) or an if-touched order (in its favour)."""
    kind = ticket.order.order_type
    if kind in TRAILING:
        level, sign = ticket.stop, ticket.sign
    else:
        level, sign = ticket.order.aux_price, ticket.sign if kind in STOPS else -ticket.sign
    if level is None:
        return False
    return any(sign * price >= sign * level for price in reference(ticket, quote))


def waits_for_trigger(ticket: Ticket) -> bool:
    return ticket.order.order_type in STOPS | TOUCHED and not ticket.triggered


def limit(ticket: Ticket, quote: Snapshot) -> float:
    """The worst price it takes now; infinite for an order at the market."""
    kind = ticket.order.order_type
    unlimited = ticket.sign * inf
    if ticket.limit is not None and kind != "REL":
        return ticket.limit
    if kind in UNLIMITED or kind == "MTL":
        return unlimited
    price = ticket.order.limit_price
    if kind == "REL":
        near = quote.bid if ticket.buys else quote.ask
        pegged = (near or 0.0) + ticket.sign * (ticket.order.aux_price or ticket.listing.min_tick)
        return pegged if not price else min(pegged, price) if ticket.buys else max(pegged, price)
    return unlimited if price is None else price


def marketable(ticket: Ticket, quote: Snapshot) -> bool:
    far = quote.ask if ticket.buys else quote.bid
    return far is not None and far > 0 and ticket.sign * limit(ticket, quote) >= ticket.sign * far - 1e-9


def fills(ticket: Ticket, quantity: float, quote: Snapshot, depth: Depth, traded: float) -> list[Fill]:
    """What fills of up to `quantity` at this look. `traded`: the volume since the last one, at the last price."""
    price = limit(ticket, quote)
    whole = ticket.order.all_or_none or ticket.order.tif == "FOK"
    least = quantity if whole else float(ticket.order.min_quantity or 0) if not ticket.fills else 0.0
    if marketable(ticket, quote):
        if least and depth.available(price) < least:
            return []
        found = depth.take(price, quantity, sweep=bool(least) or ticket.order.tif in ("IOC", "FOK"))
        return [Fill(price, fill.shares) for fill in found] if ticket.resting and abs(price) != inf else found
    if ticket.order.tif in ("IOC", "FOK") or abs(price) == inf:
        return []
    shares = min(_through_queue(ticket, price, quote, traded), quantity)
    return [Fill(price, shares)] if shares > 0 and shares >= least else []


def _through_queue(ticket: Ticket, price: float, quote: Snapshot, traded: float) -> float:
    """What trades at or through its price leave for a waiting order once those before it in the queue are served."""
    near, size = (quote.bid, quote.bid_size) if ticket.buys else (quote.ask, quote.ask_size)
    if near is not None and abs(near - price) < 1e-9 and ticket.queued_at != price:
        joined_at_touch = ticket.queued_at is None
        share = 1.0 if joined_at_touch else noise.uniform(noise.key("queue", ticket.perm_id), ticket.fills)
        ticket.ahead, ticket.queued_at = size * share, price
    elif ticket.queued_at is None:
        better = near is None or near <= 0 or ticket.sign * price > ticket.sign * near
        ticket.ahead, ticket.queued_at = (0.0, price) if better else (inf, -1.0)
    last = quote.last
    if traded <= 0 or last is None or ticket.sign * last > ticket.sign * price + 1e-9:
        return 0.0
    if ticket.sign * last < ticket.sign * price - 1e-9:
        ticket.ahead = 0.0  # the market traded through it
        return float(int(traded))
    left = traded - ticket.ahead
    ticket.ahead = max(ticket.ahead - traded, 0.0)
    return float(int(max(left, 0.0)))
