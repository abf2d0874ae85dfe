"""Accounts, positions, time."""

from typing import TYPE_CHECKING

from v6.simulator.errors import VALIDATION
from v6.simulator.messages import accounts, connection
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

UNITLESS = {"AccountType", "Cushion"}
LEDGER = ("CashBalance", "TotalCashBalance", "StockMarketValue", "OptionMarketValue", "UnrealizedPnL", "RealizedPnL")


def current_time(session: "Session", _: Fields) -> None:
    session.send(connection.current_time(int(session.server.epoch())))


def managed(session: "Session", _: Fields) -> None:
    session.send(connection.managed_accounts(session.server.options.accounts))


def _accounts(session: "Session", wanted: str) -> list[str]:
    known = session.server.options.accounts
    return [account for account in known if wanted in ("", "All", account)]


def positions(session: "Session", _: Fields) -> None:
    for account in session.server.options.accounts:
        for holding in session.server.books.holdings(account, session.server.epoch()):
            session.send(accounts.position(account, holding.listing, holding.quantity, holding.average_cost))
    session.send(accounts.position_end())


def positions_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, wanted = fields.integer(), fields.text()
    for account in _accounts(session, wanted):
        for holding in session.server.books.holdings(account, session.server.epoch()):
            session.send(
                accounts.position_multi(request, account, holding.listing, holding.quantity, holding.average_cost)
            )
    session.send(accounts.position_multi_end(request))


def summary(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, group, tags = fields.integer(), fields.text(), fields.text().split(",")
    for account in _accounts(session, group):
        values = session.server.books.values(account, session.server.epoch())
        for tag in tags:
            if tag in values:
                session.send(accounts.account_summary(request, account, tag, values[tag], _currency(tag)))
    session.send(accounts.account_summary_end(request))


def _currency(tag: str) -> str:
    return "" if tag in UNITLESS else "USD"


def updates(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    subscribe, account = fields.flag(), fields.text() or session.server.options.accounts[0]
    if not subscribe:
        session.account_updates.discard(account)
    elif account not in session.server.options.accounts:
        session.error(-1, VALIDATION, f"Error validating request.-'bX' : cause - Invalid account code '{account}'.")
    else:
        session.account_updates.add(account)
        send_account(session, account)
        session.send(accounts.account_download_end(account))


def send_account(session: "Session", account: str) -> None:
    """Every account value, then the portfolio, then the time of it all."""
    server = session.server
    session.send(accounts.account_value("AccountCode", account, "", account))
    for tag, value in server.books.values(account, server.epoch()).items():
        session.send(accounts.account_value(tag, value, _currency(tag), account))
    for currency in ("BASE", "USD"):
        for tag, value in _ledger(session, account).items():
            session.send(accounts.account_value(tag, value, currency, account))
    for holding in server.books.holdings(account, server.epoch()):
        numbers = (holding.quantity, holding.price, holding.value, holding.average_cost, holding.profit, 0.0)
        session.send(accounts.portfolio_value(holding.listing, numbers, account))
    session.send(accounts.account_update_time(f"{server.now():%H:%M}"))


def _ledger(session: "Session", account: str) -> dict[str, str]:
    values = session.server.books.values(account, session.server.epoch())
    values["CashBalance"] = values["TotalCashBalance"] = values["TotalCashValue"]
    return {tag: values[tag] for tag in LEDGER}


def updates_multi(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request, wanted = fields.integer(), fields.text()
    for account in _accounts(session, wanted):
        for tag, value in session.server.books.values(account, session.server.epoch()).items():
            session.send(accounts.account_multi(request, account, tag, value, _currency(tag)))
    session.send(accounts.account_multi_end(request))
