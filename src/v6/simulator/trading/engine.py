"""Trading as one whole: what the rest of the simulator asks of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.messages import orders as messages
from v6.simulator.orders.order import Order
from v6.simulator.trading import groups, refusals, timing
from v6.simulator.trading.archive import Archive, Filter
from v6.simulator.trading.blotter import Blotter
from v6.simulator.trading.desk import Desk
from v6.simulator.trading.floor import Floor
from v6.simulator.trading.ids import Ids
from v6.simulator.trading.reports import Reports
from v6.simulator.trading.ticket import API_CANCELLED, CANCELLED, MANUAL_CLIENT, Ticket

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session

SETTLE_SECONDS = 1.0


class Trading:
    def __init__(self, server: "Server") -> None:
        self.server = server
        self.ids = Ids()
        self.blotter = Blotter()
        self.archive = Archive(server.options.execution_days)
        self.reports = Reports(server)
        self.floor = Floor(self)
        self.desk = Desk(self)
        self._on_change: list[Callable[[], None]] = []

    # what clients ask

    def place(self, session: "Session", order_id: int, spec: Spec, order: Order) -> None:
        """A new order, or the change of a known one of that client."""
        self.desk.place(session, order_id, spec, order)
        self.changed()

    def cancel(self, session: "Session", order_id: int) -> None:
        self.desk.cancel(session, order_id)

    def global_cancel(self, session: "Session") -> None:
        self.desk.global_cancel(session)

    def open_orders(self, session: "Session") -> None:
        """Those of that client; client 0 binds those of TWS itself thereby."""
        if self.refuse_read_only(session):
            return
        if session.client_id == MANUAL_CLIENT:
            self._bind_manual()
        master = session.client_id == self.server.options.master_client
        self._send_open(session, lambda ticket: master or ticket.client_id == session.client_id)

    def all_open_orders(self, session: "Session") -> None:
        if not self.refuse_read_only(session):
            self._send_open(session, lambda _: True)

    def auto_open(self, session: "Session", bind: bool) -> None:
        """Only client 0 may: orders typed into TWS from now on are its own."""
        if self.refuse_read_only(session):
            return
        if session.client_id != MANUAL_CLIENT:
            session.error(-1, *ONLY_CLIENT_ZERO)
            return
        self.reports.binding = bind
        if bind:
            self._bind_manual()

    def completed_orders(self, session: "Session", api_only: bool) -> None:
        """Those of today, of every client. `api_only`: without those typed into TWS."""
        if self.refuse_read_only(session):
            return
        self.archive.forget(self.server.epoch())
        for ticket in self.archive.orders:
            if not (api_only and ticket.manual):
                session.send(self.reports.completed_frame(session, ticket))
        session.send(messages.completed_orders_end())

    def executions(self, session: "Session", request: int, wanted: Filter) -> None:
        """Every client's, each with its commission."""
        try:
            found = self.archive.find(wanted, self.server.now())
        except timing.TimeError:
            session.error(request, refusals.TIME.code, refusals.TIME.text)
            return
        for done in found:
            order_id = done.execution.order_id
            session.send(messages.execution(session.version, request, order_id, done.listing, done.execution))
            session.send(messages.commission_report(done.report))
        session.send(messages.executions_end(request))

    def next_id(self) -> int:
        """What nextValidId answers."""
        return self.ids.next()

    def refuse_read_only(self, session: "Session") -> bool:
        """Whether TWS is set so that clients may not trade, nor ask about orders; says so."""
        if self.server.options.read_only:
            session.error(-1, refusals.READ_ONLY.code, refusals.READ_ONLY.text)
        return self.server.options.read_only

    def _send_open(self, session: "Session", wanted: Callable[[Ticket], bool]) -> None:
        for ticket in self.blotter.open:
            if ticket.received and wanted(ticket):
                session.send(self.reports.open_order_frame(session, ticket))
                session.send(self.reports.status_frame(ticket))
        session.send(messages.open_orders_end())

    # orders of TWS itself

    def _bind_manual(self) -> None:
        for ticket in self.blotter.open:
            if ticket.manual and not ticket.order_id:
                self._bind(ticket)

    def _bind(self, ticket: Ticket) -> None:
        self.blotter.rename(ticket, self.ids.bind())
        session = self.reports.session(MANUAL_CLIENT)
        if session is not None:
            session.send(messages.order_bound(ticket.perm_id, MANUAL_CLIENT, ticket.order_id))

    def manual_order(self, listing: Listing, order: Order) -> Ticket:
        """An order as typed into TWS by hand."""
        account = order.account or self.server.options.accounts[0]
        ticket = Ticket(0, MANUAL_CLIENT, self.ids.perm(self.server.epoch()), listing, replace(order, account=account))
        ticket.transmitted = ticket.received = True
        self.blotter.add(ticket)
        if self.reports.binding:
            self._bind(ticket)
        self.floor.admit(ticket)
        self.changed()
        return ticket

    def placed_before(
        self, client_id: int, order_id: int, listing: Listing, order: Order, *, in_flight: bool
    ) -> Ticket:
        """An order that this client had sent, whether it is connected now or not; `in_flight`: IB has not got it."""
        ticket = Ticket(order_id, client_id, 0, listing, order)
        ticket.transmitted = True
        self.ids.see(client_id, order_id)
        self.blotter.add(ticket)
        if not in_flight:
            self.desk.receive([ticket])
        self.changed()
        return ticket

    # what happens to orders

    def after_fill(self, ticket: Ticket, shares: float) -> None:
        """Close the order if it is filled, shrink or end its OCA group, wake its children."""
        consequences = groups.after_fill(ticket, shares, self.blotter.open)
        if ticket.done:
            self._archive(ticket)
        for each in consequences:
            self._follow(each)
        for child in groups.children(ticket, self.blotter.open):
            if child.received:
                self.floor.look_at(child.listing, [child], newly=True)
        self.changed()

    def end(self, ticket: Ticket, reason: str, status: str = CANCELLED) -> None:
        """Cancelled, by whomever: the status, then error 202, then whatever it takes along."""
        if ticket.done:
            return
        ticket.status, ticket.why_held = status, ""
        ticket.completed_status = reason or "Cancelled by Trader"
        self.reports.status(ticket)
        if status != API_CANCELLED:
            self.reports.error(ticket, refusals.CANCELED, refusals.CANCELED_TEXT + reason)
        consequences = groups.after_end(ticket, self.blotter.open)
        self._archive(ticket)
        for each in consequences:
            self._follow(each)
        self.changed()

    def refuse(self, ticket: Ticket, refusal: refusals.Refusal) -> None:
        """IB refused it: Inactive, the error, and at times Inactive again; its children have no parent then."""
        self.desk.inactivate(ticket, refusal)
        self._archive(ticket)
        for child in groups.children(ticket, self.blotter.open):
            self._lose_parent(child, ticket.order_id)
        self.changed()

    def _lose_parent(self, child: Ticket, parent_id: int) -> None:
        child.status, child.completed_status = CANCELLED, "Cancelled"
        self.reports.refuse(child, refusals.no_parent(parent_id))
        self._archive(child)

    def _follow(self, consequence: groups.Consequence) -> None:
        """Shrink or end one order because of another; an ended one is also reported as completed, unasked."""
        ticket, quantity = consequence
        if ticket.done:
            return
        if quantity is not None and quantity > ticket.filled:
            ticket.resize(quantity)
            self.reports.standing(ticket)
            return
        if not ticket.received:
            self.end(ticket, "", API_CANCELLED)
            return
        if ticket.cancelling:
            return
        ticket.cancelling = True
        self.reports.status(ticket)
        self.end(ticket, "")
        if ticket.order.oca_group:
            self.reports.completed(ticket)

    def _archive(self, ticket: Ticket) -> None:
        self.blotter.finish(ticket)
        ticket.completed_at = self.server.epoch()
        if ticket.perm_id:
            self.archive.orders.append(ticket)

    # the gateway's own life

    def restart(self, *, lose_in_flight: bool = True) -> None:
        """What a restart of TWS does: what IB has not got is lost, and lost orders' ids will be given out again."""
        for ticket in list(self.blotter.open):
            if not ticket.received:
                if lose_in_flight or not ticket.transmitted:
                    self.blotter.lose(ticket)
                else:
                    self.desk.receive([ticket])
        if lose_in_flight:
            self.desk.lose()
        self.ids.roll_back()
        self.reports.binding = False
        self.changed()

    def forget(self, session: "Session") -> None:
        """A client has left: its orders stay; what client 0 had bound stays bound, but nothing new is."""
        if session.client_id == MANUAL_CLIENT:
            self.reports.binding = False

    def start(self) -> None:
        """Look after orders that a state file brought, and after what expires."""
        self.floor.watch()
        self._settle()

    def _settle(self) -> None:
        if self.server.books.settle(self.server.epoch()):
            self.changed()
        self.server.wheel.after(SETTLE_SECONDS, self._settle)

    def later(self, bounds: tuple[float, float], action: Callable[[], None]) -> None:
        """At once, or within those seconds."""
        seconds = self.server.between(bounds)
        if seconds <= 0:
            action()
        else:
            self.server.wheel.after(seconds, action)

    def on_change(self, action: Callable[[], None]) -> None:
        self._on_change.append(action)

    def changed(self) -> None:
        for action in self._on_change:
            action()


ONLY_CLIENT_ZERO = (
    321,
    "Error validating request.-'bY' : cause - Only the default client (i.e 0) can auto bind orders",
)
