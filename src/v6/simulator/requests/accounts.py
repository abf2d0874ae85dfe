"""Which accounts there are, what they hold, and the time."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing
from v6.simulator.messages import accounts, connection
from v6.simulator.requests.streams import Sent, Stream
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

ALL = ("", "All")


def current_time(session: "Session", _: Fields) -> None:
    session.send(connection.current_time(int(session.server.host_epoch())))


def managed(session: "Session", _: Fields) -> None:
    session.send(connection.managed_accounts(session.server.options.accounts))


def models(session: "Session", account: str) -> set[str]:
    """The model portfolios of an account: those it was set up with and those that have traded."""
    server = session.server
    return {*server.options.models.get(account, ()), *server.books.models(account)}


def chosen(session: "Session", request: int, letters: str, account: str, model: str) -> tuple[str, ...]:
    """The accounts that a request names ("" and All: every one); after an error none."""
    known = session.server.options.accounts
    if account not in (*ALL, *known):
        session.error(request, *errors.validating(letters, f"Invalid account code '{account}'."))
        return ()
    found = known if account in ALL else (account,)
    if model:
        found = tuple(each for each in found if model in models(session, each))
    if not found:
        session.error(request, *errors.validating(letters, f"Invalid model code '{model}'."))
    return found


class Positions:
    """Tells of every position that is new or has changed; a closed one once, with quantity 0."""

    def __init__(self, session: "Session", owners: tuple[str, ...], model: str, request: int | None) -> None:
        self._session, self._owners, self._model, self._request = session, owners, model, request
        self._sent = Sent()
        self._listings: dict[tuple[str, int], Listing] = {}

    def send(self) -> None:
        server = self._session.server
        held = set()
        for account in self._owners:
            for each in server.books.holdings(account, server.epoch(), self._model):
                key = (account, each.listing.con_id)
                held.add(key)
                self._listings[key] = each.listing
                if self._sent.differs(key, (each.quantity, each.average_cost)):
                    self._row(account, each.listing, each.quantity, each.average_cost)
        for key in [key for key in self._listings if key not in held]:
            self._sent.forget(key)
            self._row(key[0], self._listings.pop(key), 0.0, 0.0)

    def _row(self, account: str, listing: Listing, quantity: float, cost: float) -> None:
        if self._request is None:
            self._session.send(accounts.position(account, listing, quantity, cost))
        else:
            self._session.send(accounts.position_multi(self._request, account, self._model, listing, quantity, cost))


def positions(session: "Session", _: Fields) -> None:
    """A subscription; a client has one, and asking again starts it anew."""
    session.end_stream("positions", 0)
    everyone = session.server.options.accounts
    rows = Positions(session, everyone, "", None)
    rows.send()
    session.send(accounts.position_end())
    session.open_stream("positions", 0, Stream(session, 0, everyone, rows.send).stop)


def cancel_positions(session: "Session", _: Fields) -> None:
    session.end_stream("positions", 0)


def positions_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, account, model = fields.integer(), fields.text(), fields.text()
    owners = chosen(session, request, "cg", account, model)
    if not owners:
        return
    session.end_stream("positions multi", request)
    rows = Positions(session, owners, model, request)
    rows.send()
    session.send(accounts.position_multi_end(request))
    session.open_stream("positions multi", request, Stream(session, 0, owners, rows.send).stop)


def cancel_positions_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.end_stream("positions multi", fields.integer())
