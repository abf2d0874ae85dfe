"""What the market and the clock do to the orders IB has: four looks a second, at contracts with orders only."""

from dataclasses import replace
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing
from v6.simulator.market import noise
from v6.simulator.market.quotes import LIVE, Snapshot
from v6.simulator.trading import conditions, groups, matching, refusals, timing
from v6.simulator.trading.booking import ADDED, REMOVED, execute
from v6.simulator.trading.depth import Depth, Fill
from v6.simulator.trading.ticket import PRE_SUBMITTED, SUBMITTED, Ticket

if TYPE_CHECKING:
    from v6.simulator.trading.engine import Trading

LOOK_SECONDS = 0.25
BAND = 0.03  # a limit that far through the market is ended by IB; seen: 300.93 with the market at 291.9


class Floor:
    def __init__(self, trading: "Trading") -> None:
        self._trading = trading
        self._server = trading.server
        self._depths: dict[tuple[int, float], Depth] = {}
        self._volumes: dict[int, float] = {}
        self._looking = False

    # the looks

    def watch(self) -> None:
        """Begin to look, unless that goes on already."""
        if not self._looking and any(ticket.received for ticket in self._trading.blotter.open):
            self._looking = True
            self._server.wheel.after(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looking = False
        self.look()
        self.watch()

    def look(self) -> None:
        """One look at every contract with orders."""
        contracts = self._trading.blotter.by_contract()
        for con_id in self._volumes.keys() - contracts.keys():
            self._forget(con_id)
        for tickets in contracts.values():
            self.look_at(tickets[0].listing, tickets)

    def _forget(self, con_id: int) -> None:
        del self._volumes[con_id]
        for side in (1.0, -1.0):
            self._depths.pop((con_id, side), None)

    def look_at(self, listing: Listing, tickets: list[Ticket], *, newly: bool = False) -> None:
        """`newly`: for an order that has just come; what has traded since the last look counts at the next."""
        now = self._server.epoch()
        quote = self._server.feed.quote(listing, now)
        traded = 0.0 if newly or quote is None else self._traded(listing, quote)
        for ticket in tickets:
            if not ticket.done:
                self._advance(ticket, now, quote, traded)

    def _traded(self, listing: Listing, quote: Snapshot) -> float:
        """The volume since the last look; none at the first look and at a new session."""
        volume = quote.volume or 0.0
        before = self._volumes.get(listing.con_id, volume)
        self._volumes[listing.con_id] = volume
        return max(volume - before, 0.0)

    def _depth(self, ticket: Ticket, quote: Snapshot) -> Depth:
        """What is offered to that order."""
        key = (ticket.listing.con_id, ticket.sign)
        if key not in self._depths:
            base = noise.key(self._server.options.seed, "depth", *key)
            self._depths[key] = Depth(base, ticket.sign, ticket.listing.min_tick)
        price, size = (quote.ask, quote.ask_size) if ticket.buys else (quote.bid, quote.bid_size)
        self._volumes.setdefault(ticket.listing.con_id, quote.volume or 0.0)
        # a size that is not known (recordings have none) is a small one
        self._depths[key].show(price or 0.0, size or (100.0 if ticket.listing.sec_type == "STK" else 1.0))
        return self._depths[key]

    # one order

    def _advance(self, ticket: Ticket, now: float, quote: Snapshot | None, traded: float) -> None:
        if 0 < ticket.until <= now:
            self._expire(ticket)
            return
        if self._conditions_end(ticket):
            return
        if not self.stand(ticket, now) or quote is None or quote.data_type != LIVE:
            return
        if self._server.market_state.halted(ticket.listing.symbol) or ticket.order.order_type in matching.AT_CLOSE:
            return
        if ticket.order.tif == "OPG":
            self._auction(ticket, quote.open or quote.last)
            return
        if ticket.order.order_type in matching.TRAILING and not ticket.triggered:
            self._follow(ticket, quote)
        if matching.waits_for_trigger(ticket):
            if not matching.triggers(ticket, quote):
                return
            self._trigger(ticket)
        if self._beyond_band(ticket, quote):
            return
        self._match(ticket, quote, traded)

    def _conditions_end(self, ticket: Ticket) -> bool:
        """Look at its conditions until they hold; whether they are of the kind that then ends the order."""
        if not ticket.order.conditions or ticket.conditions_met:
            return False
        ticket.conditions_met = conditions.met(self._trading, ticket)
        if not (ticket.conditions_met and ticket.order.conditions_cancel_order):
            return False
        self._trading.end(ticket, "")
        return True

    def stand(self, ticket: Ticket, now: float) -> bool:
        """Bring its status up to date; whether it may trade now."""
        status, why, works = self._standing(ticket, now)
        if (status, why) != (ticket.status, ticket.why_held):
            ticket.status, ticket.why_held = status, why
            self._trading.reports.standing(ticket)
        return works

    def _standing(self, ticket: Ticket, now: float) -> tuple[str, str, bool]:
        """Its status, why it is held, and whether the market may have it."""
        kind = ticket.order.order_type
        held = ["trigger"] if kind in matching.STOPS and not ticket.triggered else []
        if self._allowed(ticket) <= 0:
            return PRE_SUBMITTED, ",".join(["child", *held]), False
        open_now = timing.window(self._server.hours, ticket.listing, ticket.order, now).contains(now)
        waits = ticket.order.conditions and not (ticket.conditions_met or ticket.order.conditions_cancel_order)
        if not open_now or now < ticket.begins or waits:
            return PRE_SUBMITTED, ",".join(held), False
        at_once = kind == "MKT" or kind in matching.AT_CLOSE or ticket.order.tif == "OPG"
        if at_once or matching.waits_for_trigger(ticket):
            return PRE_SUBMITTED, ",".join(held), True
        return SUBMITTED, "", True

    def _allowed(self, ticket: Ticket) -> float:
        return groups.allowed(ticket, self._trading.blotter.family(ticket) if ticket.order.parent_id else [])

    def _follow(self, ticket: Ticket, quote: Snapshot) -> None:
        matching.follow(ticket, quote)
        if ticket.stop is not None and ticket.order.trail_stop_price != ticket.stop:
            ticket.order = replace(ticket.order, trail_stop_price=ticket.stop)
            if ticket.limit is not None:
                ticket.order = replace(ticket.order, limit_price=ticket.limit)

    def _trigger(self, ticket: Ticket) -> None:
        ticket.triggered = True
        ticket.status, ticket.why_held = SUBMITTED, ""
        self._trading.reports.standing(ticket)

    def _beyond_band(self, ticket: Ticket, quote: Snapshot) -> bool:
        """Whether IB ends it because its limit is too far through the market; asked once."""
        if ticket.banded or not self._server.options.price_bands:
            return False
        ticket.banded = True
        price = matching.limit(ticket, quote)
        near = quote.ask if ticket.buys else quote.bid
        if abs(price) == inf or near is None or near <= 0 or ticket.listing.sec_type == "OPT":
            return False
        most = near * (1 + ticket.sign * BAND)
        if ticket.sign * price <= ticket.sign * most:
            return False
        ticket.cancelling = True
        self._trading.reports.status(ticket)
        self._trading.end(ticket, refusals.aggressive(most))
        return True

    def _match(self, ticket: Ticket, quote: Snapshot, traded: float) -> None:
        quantity = self._allowed(ticket)
        taker = matching.marketable(ticket, quote) and not ticket.resting
        for fill in matching.fills(ticket, quantity, quote, self._depth(ticket, quote), traded):
            execute(self._trading, ticket, fill, REMOVED if taker else ADDED)
            if ticket.done:
                return
        if ticket.order.tif in ("IOC", "FOK"):
            self._trading.end(ticket, "")
        elif ticket.order.order_type == "MTL" and ticket.fills and ticket.limit is None:
            ticket.limit = ticket.last_price
        elif not matching.marketable(ticket, quote):
            ticket.resting = True

    def _auction(self, ticket: Ticket, price: float | None) -> None:
        """The whole order at the one price of an opening or a close, or nothing of it."""
        limit = None if ticket.order.order_type in ("MKT", "MOC") else ticket.order.limit_price
        if price is not None and (limit is None or ticket.sign * price <= ticket.sign * limit):
            execute(self._trading, ticket, Fill(price, ticket.remaining), REMOVED)
        else:
            self._trading.end(ticket, "")

    def _expire(self, ticket: Ticket) -> None:
        if ticket.order.order_type in matching.AT_CLOSE:
            quote = self._server.feed.quote(ticket.listing, ticket.until)
            self._auction(ticket, (quote.settled or quote.last) if quote else None)
        else:
            self._trading.end(ticket, "")

    # taking an order in

    def admit(self, ticket: Ticket) -> None:
        """An order that IB has just accepted: when it trades, what is said of that, and a first look."""
        now = ticket.received_at = self._server.epoch()
        self._time(ticket, now)
        window = timing.window(self._server.hours, ticket.listing, ticket.order, now)
        self._warn(ticket, max(window.start, ticket.begins), now)
        self._announce(ticket, now)
        self.look_at(ticket.listing, [ticket], newly=True)
        self.watch()

    def _time(self, ticket: Ticket, now: float) -> None:
        """When it begins and ends, and where a trailing stop stands at first."""
        wall = datetime.fromtimestamp(now, NEW_YORK)
        ticket.begins = timing.begins(ticket.order, wall)
        ticket.until = timing.ends(self._server.hours, ticket.listing, ticket.order, wall)
        if ticket.order.trail_stop_price is None or ticket.order.order_type not in matching.TRAILING:
            return
        ticket.stop = ticket.order.trail_stop_price
        if ticket.order.order_type == "TRAIL LIMIT":
            ticket.limit = matching.trailing_limit(ticket)
            ticket.order = replace(ticket.order, limit_price=ticket.limit)

    def _warn(self, ticket: Ticket, start: float, now: float) -> None:
        if start > now and not ticket.warned:
            ticket.warned = True
            text = refusals.held_until(describe(ticket), timing.wall(start))
            self._trading.reports.error(ticket, refusals.HELD_UNTIL, text)

    def _announce(self, ticket: Ticket, now: float) -> None:
        """PreSubmitted and, when it can work at once, Submitted; at times the first step is left out."""
        status, ticket.why_held, _ = self._standing(ticket, now)
        ticket.status = PRE_SUBMITTED
        if status == PRE_SUBMITTED or not self._trading.reports.skips(ticket):
            self._trading.reports.standing(ticket)
        self.stand(ticket, now)

    def readmit(self, ticket: Ticket, *, requeue: bool) -> None:
        """An order whose change IB has accepted. `requeue`: it goes to the end of the queue at its new price."""
        self._time(ticket, self._server.epoch())
        if requeue:
            ticket.resting, ticket.queued_at, ticket.banded = False, None, False
        self._trading.reports.standing(ticket)
        self.look_at(ticket.listing, [ticket], newly=True)


def describe(ticket: Ticket) -> str:
    """An order as TWS writes it into its messages: BUY 100 AAPL NASDAQ.NMS."""
    listing, order = ticket.listing, ticket.order
    words = [order.action, f"{order.total_quantity:g}", listing.symbol]
    if listing.sec_type == "STK":
        nasdaq = listing.primary_exchange == "NASDAQ"
        words.append("NASDAQ.NMS" if nasdaq else listing.primary_exchange or listing.exchange)
    elif listing.expiry is not None:
        words.append(f"{listing.expiry:%b %d '%y}".upper())
        if listing.strike:
            words += [f"{listing.strike:g}", "Call" if listing.call else "Put"]
    return " ".join(words)
