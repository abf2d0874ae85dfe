"""Profit and loss of an account, a model or one position, about once a second while it changes."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.accounts import profit
from v6.simulator.accounts.positions import Holding
from v6.simulator.instruments.listings import Listing
from v6.simulator.messages import accounts
from v6.simulator.requests.accounts import models
from v6.simulator.requests.streams import Sent, Stream
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from v6.simulator.session import Session

ACCOUNT, SINGLE = "profit", "profit of a position"


def _refused(session: "Session", request: int, letters: str, account: str, model: str) -> bool:
    """Whether it was: for no account, an unknown one or an unknown model."""
    cause = ""
    if not account:
        cause = "Account must not be empty"
    elif account not in session.server.options.accounts:
        cause = "Invalid account code"
    elif model and model not in models(session, account):
        cause = f"Invalid model code '{model}'."
    if cause:
        session.error(request, *errors.validating(letters, cause))
    return bool(cause)


def _open(session: "Session", kind: str, request: int, owner: str, send: "Callable[[], None]") -> None:
    stream = Stream(session, session.server.options.profit_seconds, (owner,), send)
    if session.open_stream(kind, request, stream.stop):
        send()
    else:
        stream.stop()
        session.error(request, *errors.DUPLICATE_ID)


def account(session: "Session", fields: Fields) -> None:
    request, owner, model = fields.integer(), fields.text(), fields.text()
    if _refused(session, request, "cj", owner, model):
        return
    server, sent = session.server, Sent()

    def send() -> None:
        held = server.books.holdings(owner, server.epoch(), model, closed=True)
        now = profit.total(held, lambda listing: _close(session, listing))
        if sent.differs(request, now):
            session.send(accounts.profit(request, now.daily, now.unrealized, now.realized))

    _open(session, ACCOUNT, request, owner, send)


def single(session: "Session", fields: Fields) -> None:
    request, owner, model, con_id = fields.integer(), fields.text(), fields.text(), fields.integer()
    if _refused(session, request, "ck", owner, model):
        return
    sent = Sent()

    def send() -> None:
        holding = _holding(session, owner, model, con_id)
        quantity = holding.quantity if holding else 0.0
        now = profit.single(holding, _close(session, holding.listing)) if holding else profit.Profit()
        if sent.differs(request, (quantity, now)):
            if now.value is None:
                session.error(request, *errors.NO_DERIVED_VALUE)
            session.send(accounts.profit_single(session.version, request, quantity, now))

    _open(session, SINGLE, request, owner, send)


def _holding(session: "Session", owner: str, model: str, con_id: int) -> Holding | None:
    server = session.server
    held = server.books.holdings(owner, server.epoch(), model, closed=True)
    return next((each for each in held if each.listing.con_id == con_id), None)


def _close(session: "Session", listing: Listing) -> float | None:
    """The closing price of the session before this one."""
    quote = session.server.feed.quote(listing, session.server.epoch())
    return quote.close if quote else None


def cancel(session: "Session", fields: Fields) -> None:
    request = fields.integer()
    if not session.end_stream(ACCOUNT, request):
        session.error(request, *errors.NO_PROFIT)


def cancel_single(session: "Session", fields: Fields) -> None:
    request = fields.integer()
    if not session.end_stream(SINGLE, request):
        session.error(request, *errors.NO_PROFIT_SINGLE)
