"""Every order TWS remembers: found by its client's id, by contract, by account."""

from collections.abc import Iterable, Iterator

from v6.simulator.trading.ticket import Ticket

Key = tuple[int, int]  # client id and order id


class Blotter:
    """The open orders in the order of their arrival; finished ones stay known by their key."""

    def __init__(self) -> None:
        self.open: list[Ticket] = []
        self._known: dict[Key, Ticket] = {}
        self._children: dict[Key, list[Ticket]] = {}
        self._arrived = 0

    def add(self, ticket: Ticket) -> None:
        self._arrived += 1
        ticket.arrived = self._arrived
        if not ticket.done:
            self.open.append(ticket)
        if ticket.order_id:
            self._known[ticket.client_id, ticket.order_id] = ticket
        if ticket.order.parent_id:
            self._children.setdefault((ticket.client_id, ticket.order.parent_id), []).append(ticket)

    def find(self, client_id: int, order_id: int) -> Ticket | None:
        return self._known.get((client_id, order_id))

    def rename(self, ticket: Ticket, order_id: int) -> None:
        """Give a manual order the id under which its client knows it."""
        ticket.order_id = order_id
        self._known[ticket.client_id, order_id] = ticket

    def finish(self, ticket: Ticket) -> None:
        self.open = [each for each in self.open if each is not ticket]

    def lose(self, ticket: Ticket) -> None:
        """As if it had never been."""
        self.finish(ticket)
        self._known.pop((ticket.client_id, ticket.order_id), None)
        key = (ticket.client_id, ticket.order.parent_id)
        if key in self._children:
            self._children[key] = [each for each in self._children[key] if each is not ticket]

    def finished(self, client_id: int) -> Iterator[Ticket]:
        return (each for each in self._known.values() if each.client_id == client_id and each.done)

    def family(self, ticket: Ticket) -> list[Ticket]:
        """Its parent, itself, its siblings and children: whatever one bracket consists of, finished ones included."""
        root = ticket.order.parent_id or ticket.order_id
        if not root:
            return [ticket]
        parent = self._known.get((ticket.client_id, root))
        return [*([parent] if parent else []), *self._children.get((ticket.client_id, root), [])]

    def by_contract(self) -> dict[int, list[Ticket]]:
        """Open orders that IB has, by contract id, first come first."""
        found: dict[int, list[Ticket]] = {}
        for ticket in self.open:
            if ticket.received:
                found.setdefault(ticket.listing.con_id, []).append(ticket)
        return found

    def restore(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            self.add(ticket)
