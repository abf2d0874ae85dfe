"""What clients ask for: TWS's own checks at once, then the way to IB, then IB's checks."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.lookup import the_one
from v6.simulator.orders.order import Order
from v6.simulator.trading import admission, conditions, refusals, rules
from v6.simulator.trading.refusals import Refusal
from v6.simulator.trading.ticket import API_CANCELLED, FILLED, INACTIVE, PENDING_CANCEL, Ticket
from v6.simulator.trading.what_if import preview

if TYPE_CHECKING:
    from v6.simulator.session import Session
    from v6.simulator.trading.engine import Trading

LAST_ID = (1 << 31) - 1
STILL_PROCESSED = Refusal(2102, "Unable to modify this order as its still being processed.")


class Desk:
    def __init__(self, trading: "Trading") -> None:
        self._trading = trading
        self._server = trading.server
        self._due = 0.0  # loop time at which IB has everything sent so far
        self._restarts = 0

    # placing

    def place(self, session: "Session", order_id: int, spec: Spec, order: Order) -> None:
        refusal = self._place(session, order_id, spec, order)
        if refusal is not None:
            session.error(order_id, refusal.code, refusal.text)

    def _place(self, session: "Session", order_id: int, spec: Spec, order: Order) -> Refusal | None:
        assert session.client_id is not None
        if self._server.options.read_only:
            return refusals.READ_ONLY
        known = self._trading.blotter.find(session.client_id, order_id)
        refusal = self._check_id(session.client_id, order_id, known, order)
        if refusal is not None:
            return refusal
        found = self._contract(spec)
        if isinstance(found, Refusal):
            return found
        order, notices = rules.normal(order, found, self._server.options)
        refusal = self._check(order_id, found, order)
        if refusal is None and not conditions.check(order.conditions, self._trading):
            refusal = refusals.TIME
        if refusal is not None:
            return refusal
        if order.what_if:
            return preview(self._trading, session, order_id, found, order)
        if known is not None:
            return self._modify(known, found, order)
        for code, text in notices:
            session.error(order_id, code, text)
        return self._take(Ticket(order_id, session.client_id, 0, found, order))

    def _check_id(self, client_id: int, order_id: int, known: Ticket | None, order: Order) -> Refusal | None:
        """New ids rise; those of working orders mean a change; a client never uses one twice."""
        if known is not None:
            if not known.done:
                return refusals.DUPLICATE_ID if order.what_if else None
            same = known.status == FILLED and known.order.action == order.action and not order.what_if
            return refusals.MODIFY_FILLED if same else refusals.DUPLICATE_ID
        if not 0 < order_id <= LAST_ID:
            return refusals.invalid_id(order_id)
        taken = self._trading.ids.taken(client_id, order_id)
        return refusals.DUPLICATE_ID if taken and not order.what_if else None

    def _contract(self, spec: Spec) -> Listing | Refusal:
        if not spec.exchange:
            return refusals.NO_EXCHANGE
        found = the_one(self._server, spec)
        return replace(found, exchange=spec.exchange) if isinstance(found, Listing) else Refusal(*found)

    def _check(self, order_id: int, listing: Listing, order: Order) -> Refusal | None:
        server = self._server
        quote = server.feed.quote(listing, server.epoch())
        return rules.check(rules.Asked(order_id, listing, order, server.options, server.hours, server.now(), quote))

    def _take(self, ticket: Ticket) -> Refusal | None:
        """Keep a new order; send it on, with the family that waits for it, unless it is not to be transmitted."""
        parent_id, blotter = ticket.order.parent_id, self._trading.blotter
        if parent_id and blotter.find(ticket.client_id, parent_id) is None:
            return refusals.no_parent(parent_id)
        self._trading.ids.see(ticket.client_id, ticket.order_id)
        blotter.add(ticket)
        if ticket.order.transmit:
            self._transmit(ticket)
        return None

    def _transmit(self, ticket: Ticket) -> None:
        """A family goes together, the parent first."""
        family = self._trading.blotter.family(ticket) if ticket.order.parent_id else [ticket]
        waiting = [each for each in family if not each.transmitted and not each.done]
        waiting.sort(key=lambda each: (each.order.parent_id != 0, each.order_id))
        for each in waiting:
            each.transmitted = True
        self._send(lambda: self.receive(waiting))

    def _send(self, action: Callable[[], None]) -> None:
        """To IB, in the order in which it was sent."""
        seconds = self._server.between(self._server.options.submit_seconds)
        if seconds <= 0:
            action()
            return
        now = self._server.loop_time()
        self._due = max(self._due, now + seconds)
        restarts = self._restarts
        self._server.wheel.after(self._due - now, lambda: action() if restarts == self._restarts else None)

    def lose(self) -> None:
        """Whatever is on its way to IB never gets there."""
        self._restarts += 1
        for ticket in self._trading.blotter.open:
            ticket.cancelling = False

    def receive(self, tickets: list[Ticket]) -> None:
        """IB has got them, together: from now on they exist, whatever happens to TWS."""
        trading = self._trading
        tickets = [each for each in tickets if not each.done and not each.received]
        refused = {}
        for ticket in tickets:
            ticket.received = True
            ticket.perm_id = trading.ids.perm(self._server.epoch())
            trading.ids.receive(ticket.client_id, ticket.order_id)
            self._join_siblings(ticket)
            refused[ticket.perm_id] = admission.parent(trading, ticket)
        for ticket in tickets:
            if ticket.done:
                continue
            refusal = refused[ticket.perm_id] or admission.check(trading, ticket)
            if refusal is not None:
                trading.refuse(ticket, refusal)
            else:
                trading.floor.admit(ticket)
        trading.changed()

    def _join_siblings(self, ticket: Ticket) -> None:
        """Children of one parent are an OCA group named by the parent's permanent id, unless the client named one."""
        parent = (
            self._trading.blotter.find(ticket.client_id, ticket.order.parent_id) if ticket.order.parent_id else None
        )
        if parent is not None and not ticket.order.oca_group:
            ticket.order = replace(ticket.order, oca_group=str(parent.perm_id), oca_type=ticket.order.oca_type or 3)

    def inactivate(self, ticket: Ticket, refusal: Refusal) -> None:
        reports = self._trading.reports
        ticket.status, ticket.completed_status = INACTIVE, "Cancelled"
        reports.standing(ticket)
        reports.refuse(ticket, refusal)
        if self._server.options.realistic_statuses:
            reports.status(ticket)

    # changing

    def _modify(self, ticket: Ticket, listing: Listing, order: Order) -> Refusal | None:
        order = replace(order, oca_group=order.oca_group or ticket.order.oca_group)
        refusal = rules.check_change(ticket.order, order, listing.con_id == ticket.listing.con_id)
        if refusal is not None:
            return refusal
        if order.total_quantity <= ticket.filled:
            return refusals.DOES_NOT_MATCH
        if not ticket.transmitted:
            ticket.order = order
            if order.transmit:
                self._transmit(ticket)
            return None
        if not ticket.received or ticket.cancelling:
            return STILL_PROCESSED
        self._send(lambda: self._change(ticket, order))
        return None

    def _change(self, ticket: Ticket, order: Order) -> None:
        """IB has got the change, unless the order is over meanwhile."""
        if ticket.done:
            late = refusals.cancel_late(ticket.order_id, ticket.status)
            self._trading.reports.refuse(ticket, refusals.MODIFY_FILLED if ticket.status == FILLED else late)
            return
        before, ticket.order = ticket.order, order
        refusal = admission.check(self._trading, ticket)
        if refusal is not None:
            ticket.order = before
            self._trading.reports.refuse(ticket, refusal)
            return
        moved = before.limit_price != order.limit_price or order.total_quantity > before.total_quantity
        retype = before.order_type != order.order_type
        if before.trail_stop_price != order.trail_stop_price or before.aux_price != order.aux_price:
            ticket.stop = None
        self._trading.floor.readmit(ticket, requeue=moved or retype)
        self._trading.changed()

    # cancelling

    def cancel(self, session: "Session", order_id: int) -> None:
        assert session.client_id is not None
        refusal = self._cancel(session.client_id, order_id)
        if refusal is not None:
            session.error(order_id, refusal.code, refusal.text)

    def _cancel(self, client_id: int, order_id: int) -> Refusal | None:
        if self._server.options.read_only:
            return refusals.READ_ONLY
        ticket = self._trading.blotter.find(client_id, order_id)
        if ticket is None:
            return refusals.cancel_unknown(order_id)
        if ticket.done:
            return refusals.cancel_late(order_id, ticket.status)
        if ticket.cancelling:
            return refusals.cancel_late(order_id, PENDING_CANCEL)
        self.start_cancel(ticket)
        return None

    def start_cancel(self, ticket: Ticket) -> None:
        """On its way to IB; nothing is said until it is there. What TWS has not sent on just ends."""
        if not ticket.transmitted:
            self._trading.end(ticket, "", API_CANCELLED)
            return
        ticket.cancelling = True
        self._send(lambda: self._cancelled(ticket))

    def _cancelled(self, ticket: Ticket) -> None:
        if ticket.status == FILLED:
            self._trading.reports.refuse(ticket, refusals.cancel_late(ticket.order_id, FILLED))
        else:
            self._trading.end(ticket, "")

    def global_cancel(self, session: "Session") -> None:
        """Every order of every client, and of TWS; finished ones of this client are named with 161, as recorded."""
        assert session.client_id is not None
        if self._server.options.read_only:
            session.error(-1, refusals.READ_ONLY.code, refusals.READ_ONLY.text)
            return
        for ticket in list(self._trading.blotter.open):
            if ticket.cancelling:
                self._trading.reports.error(ticket, refusals.NOT_CANCELLABLE, refusals.not_cancellable(ticket.perm_id))
            elif ticket.transmitted or ticket.client_id == session.client_id:
                self.start_cancel(ticket)
        if self._server.options.realistic_statuses:
            for ticket in self._trading.blotter.finished(session.client_id):
                if ticket.perm_id:
                    text = refusals.not_cancellable(ticket.perm_id)
                    session.error(ticket.order_id, refusals.NOT_CANCELLABLE, text)
