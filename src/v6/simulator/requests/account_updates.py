"""Account values and portfolio: everything at first, then at intervals and after trades what has changed."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.accounts.rows import BASE, CURRENCY, Row, account_rows, ledger_rows
from v6.simulator.messages import accounts
from v6.simulator.requests.accounts import chosen
from v6.simulator.requests.streams import Sent, Stream
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

KIND = "account updates"


def updates(session: "Session", fields: Fields) -> None:
    """One account at a time: another one takes its place, the same one again changes nothing."""
    fields.skip(1)
    subscribe, account = fields.flag(), fields.text()
    if not subscribe:
        if session.end_stream(KIND, 0):
            session.account_updates = ""
            session.error(-1, *errors.ACCOUNT_UNSUBSCRIBED)
        return
    known = session.server.options.accounts
    if len(known) == 1:
        account = known[0]  # TWS does not look at the name when there is only one account
    cause = "The account code is required for this operation." if not account else f"Invalid account code '{account}'."
    if account not in known:
        session.error(errors.NO_REQUEST, *errors.validating("bk", cause))
    elif account != session.account_updates:
        _subscribe(session, account)


def _subscribe(session: "Session", account: str) -> None:
    if session.end_stream(KIND, 0):
        session.error(-1, *errors.ACCOUNT_REPLACED)
    session.account_updates = account
    rows = Updates(session, account)
    rows.send()
    session.send(accounts.account_download_end(account))
    stream = Stream(session, session.server.options.refresh_seconds, (account,), rows.send)
    session.open_stream(KIND, 0, stream.stop)


class Updates:
    def __init__(self, session: "Session", account: str) -> None:
        self._session, self._account = session, account
        self._sent = Sent()

    def send(self) -> None:
        """Values by key, then the portfolio, then the time of it all."""
        server, account = self._session.server, self._account
        instant = server.epoch()
        values = server.books.values(account, instant)
        holdings = server.books.holdings(account, instant, closed=True)
        rows = account_rows(account, values, holdings)
        for currency in (BASE, CURRENCY):
            rows += ledger_rows(account, values, holdings, currency)
        for row in sorted(rows, key=lambda row: (row.key, row.currency)):
            if self._sent.differs((row.key, row.currency), row.value):
                self._session.send(accounts.account_value(*row, account))
        for each in holdings:
            numbers = (each.quantity, each.price, each.value, each.average_cost, each.profit, each.realized)
            if self._sent.differs(each.listing.con_id, numbers):
                self._session.send(accounts.portfolio_value(each.listing, numbers, account))
        self._session.send(accounts.account_update_time(f"{server.host_now():%H:%M}"))


def updates_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, account, model, ledger_only = fields.integer(), fields.text(), fields.text(), fields.flag()
    owners = chosen(session, request, "cm", account, model)
    if not owners:
        return
    rows = MultiUpdates(session, request, model, ledger_only=ledger_only)
    stream = Stream(session, session.server.options.refresh_seconds, owners, lambda: rows.send(owners))
    if not session.open_stream("account updates multi", request, stream.stop):
        stream.stop()
        session.error(request, *errors.processing("cm", "Duplicate ticker id"))
        return
    rows.send(owners)
    session.send(accounts.account_multi_end(request))


def cancel_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.end_stream("account updates multi", fields.integer())


class MultiUpdates:
    """The ledger a currency comes last, BASE at its end; `ledger_only` leaves out the account's own values."""

    def __init__(self, session: "Session", request: int, model: str, *, ledger_only: bool) -> None:
        self._session, self._request, self._model, self._ledger_only = session, request, model, ledger_only
        self._sent = Sent()

    def send(self, owners: tuple[str, ...]) -> None:
        for account in owners:
            for row in self._rows(account):
                if self._sent.differs((account, row.key, row.currency), row.value):
                    self._session.send(accounts.account_multi(self._request, account, self._model, row))

    def _rows(self, account: str) -> list[Row]:
        server = self._session.server
        instant = server.epoch()
        values = server.books.values(account, instant, self._model)
        holdings = server.books.holdings(account, instant, self._model)
        rows = [] if self._ledger_only else account_rows(account, values, holdings)
        for currency in (CURRENCY, BASE):
            rows += ledger_rows(account, values, holdings, currency)
        return rows
