"""Who is told what about an order, and how often."""

from typing import TYPE_CHECKING

from v6.simulator.market import noise
from v6.simulator.messages import orders
from v6.simulator.orders.execution import CommissionReport, Execution
from v6.simulator.orders.order import OrderState
from v6.simulator.trading.refusals import Refusal
from v6.simulator.trading.ticket import FILLED, Ticket

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session

REPEATED, REPEATED_FILL, SKIPPED = 0.25, 0.5, 0.3
LIVE = -1  # the request id of an execution nobody asked for


class Reports:
    """`binding`: client 0 has asked for the orders of TWS itself as well."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.binding = False

    def session(self, client_id: int) -> "Session | None":
        return next((each for each in self._server.sessions if each.client_id == client_id), None)

    def audience(self, ticket: Ticket) -> "list[Session]":
        """Its own client, and the master client; a manual order's own client is 0, when that binds them."""
        wanted = {self._server.options.master_client}
        if self._bound(ticket):
            wanted.add(ticket.client_id)
        return [each for each in self._server.sessions if each.client_id is not None and each.client_id in wanted]

    def _bound(self, ticket: Ticket) -> bool:
        """Whether a client has it: manual orders are nobody's until client 0 binds them."""
        return not ticket.manual or ticket.order_id < 0 or self.binding

    # one message to everybody concerned

    def open_order(self, ticket: Ticket, state: OrderState | None = None) -> None:
        for session in self.audience(ticket):
            session.send(self.open_order_frame(session, ticket, state))

    @staticmethod
    def open_order_frame(session: "Session", ticket: Ticket, state: OrderState | None = None) -> bytes:
        shown = state or OrderState(ticket.shown)
        return orders.open_order(
            session.version, ticket.order_id, ticket.client_id, ticket.perm_id, ticket.listing, ticket.order, shown
        )

    def status(self, ticket: Ticket) -> None:
        frame = self.status_frame(ticket)
        for session in self.audience(ticket):
            session.send(frame)

    @staticmethod
    def status_frame(ticket: Ticket) -> bytes:
        return orders.order_status(
            ticket.order_id, ticket.shown, ticket.filled, ticket.remaining, ticket.average_price, ticket.perm_id,
            max(ticket.order.parent_id, 0), ticket.last_price, ticket.client_id, ticket.why_held, 0.0,
        )  # fmt: skip

    def error(self, ticket: Ticket, code: int, text: str) -> None:
        session = self.session(ticket.client_id)
        if session is not None and self._bound(ticket):
            session.error(ticket.order_id, code, text)

    def refuse(self, ticket: Ticket, refusal: Refusal) -> None:
        self.error(ticket, refusal.code, refusal.text)

    # what comes together

    def standing(self, ticket: Ticket) -> None:
        """openOrder and orderStatus, at times both once more, as TWS, IB and the exchange each report."""
        times = 1
        if self._server.options.realistic_statuses:
            times += self._draw(ticket) < (REPEATED_FILL if ticket.status == FILLED else REPEATED)
        for _ in range(times):
            self.open_order(ticket)
            self.status(ticket)

    def skips(self, ticket: Ticket) -> bool:
        """Whether the step before Submitted is not reported this time."""
        return self._server.options.realistic_statuses and self._draw(ticket) < SKIPPED

    def _draw(self, ticket: Ticket) -> float:
        ticket.said += 1
        return noise.uniform(noise.key(self._server.options.seed, "statuses", ticket.perm_id), ticket.said)

    def execution(self, ticket: Ticket, execution: Execution) -> None:
        for session in self.audience(ticket):
            session.send(orders.execution(session.version, LIVE, ticket.order_id, ticket.listing, execution))

    def commission(self, ticket: Ticket, report: CommissionReport) -> None:
        frame = orders.commission_report(report)
        for session in self.audience(ticket):
            session.send(frame)

    def completed(self, ticket: Ticket) -> None:
        for session in self.audience(ticket):
            session.send(self.completed_frame(session, ticket))

    @staticmethod
    def completed_frame(session: "Session", ticket: Ticket) -> bytes:
        from v6.simulator.trading.archive import completed_state

        return orders.completed_order(
            session.version, ticket.perm_id, ticket.listing, ticket.order, ticket.filled, completed_state(ticket)
        )
