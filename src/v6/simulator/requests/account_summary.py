"""Account summaries: chosen tags of an account or of all, repeated when they change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.accounts.rows import BASE, CURRENCY, Row, ledger_rows, summary_row, together
from v6.simulator.messages import accounts
from v6.simulator.requests.streams import Sent, Stream
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

EVERY = ("All", "AllNonProp")
LEDGER = "$LEDGER"
# $LEDGER alone is the ledger in the base currency
LEDGERS = {LEDGER: (BASE,), f"{LEDGER}:ALL": (CURRENCY, BASE), f"{LEDGER}:{CURRENCY}": (CURRENCY,),
           f"{LEDGER}:{BASE}": (BASE,)}  # fmt: skip


def summary(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, group, tags = fields.integer(), fields.text(), fields.text()
    options = session.server.options
    if cause := _wrong(session, group, tags):
        session.error(request, *errors.validating("b1", cause))
        return
    session.end_stream("summary", request)
    others = session.summary_ids - {request}
    if options.account_summaries and len(others) >= options.account_summaries:
        session.error(request, *errors.SUMMARIES)
        return
    session.summary_ids.add(request)
    rows = Summary(session, request, group, tags)
    rows.send()
    stream = Stream(session, options.refresh_seconds, rows.accounts, rows.send)
    session.open_stream("summary", request, stream.stop)


def _wrong(session: "Session", group: str, tags: str) -> str:
    """A login with several accounts may name one of them; one with a single account has only the group All."""
    if not tags.strip():
        return "Tags cannot be null"
    if not group:
        return "Group name cannot be null"
    known = session.server.options.accounts
    return "" if group in EVERY or (len(known) > 1 and group in known) else "Group name is invalid"


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    session.end_stream("summary", request)
    if not session.server.options.summary_ids_stay:
        session.summary_ids.discard(request)


class Summary:
    def __init__(self, session: "Session", request: int, group: str, tags: str) -> None:
        self._session, self._request, self._group = session, request, group
        self._tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
        known = session.server.options.accounts
        self.accounts = known if group in EVERY else (group,)
        self._sent = Sent()
        self._begun = False

    def send(self) -> None:
        """What has changed, and the end of it."""
        news = [(owner, row) for owner, row in self._rows() if self._sent.differs((owner, row.key, row.currency), row)]
        if not news and self._begun:
            return
        self._begun = True
        for owner, row in news:
            self._session.send(accounts.account_summary(self._request, owner, *row))
        self._session.send(accounts.account_summary_end(self._request))

    def _rows(self) -> Iterator[tuple[str, Row]]:
        server = self._session.server
        instant = server.epoch()
        values = {account: server.books.values(account, instant) for account in self.accounts}
        for account in self.accounts:
            for tag in self._tags:
                if row := summary_row(tag, values[account]):
                    yield account, row
        for currency in self._ledgers():
            held = [each for account in self.accounts for each in server.books.holdings(account, instant)]
            for row in ledger_rows(self._group, together(list(values.values())), held, currency):
                yield self._group, row

    def _ledgers(self) -> list[str]:
        return list(dict.fromkeys(currency for tag in self._tags for currency in LEDGERS.get(tag, ())))
