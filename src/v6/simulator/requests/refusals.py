"""Requests that TWS knows and refuses on such an account: no advisor, no paid news, no depth, no tick-by-tick data.

Texts: recordings and reports of IB Gateway and TWS from 2023 on. A few that nobody has published are the nearest known
ones: see `about`.
"""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import RIGHTS, Listing, Spec
from v6.simulator.instruments.reference_data import NEWS_PROVIDERS
from v6.simulator.lookup import meant
from v6.simulator.messages import reference
from v6.simulator.wire import Fields, WireError

if TYPE_CHECKING:
    from v6.simulator.session import Session

NOT_ADVISOR = "FA data operations ignored for non FA customers."
NO_NEWS = (10276, "News feed is not allowed.")
NO_ARTICLE = (10172, "Failed to request news article:No data available")
NO_FUNDAMENTALS = (10358, "Fundamentals data is not allowed")
NO_DEPTH = (10092, "Deep market data is not supported for this combination of security type/exchange")
NO_DEPTH_QUERY = "Can't find the subscribed market depth with tickerId:{request}"
DEPTH_EXCHANGES = (2152, "Exchanges - Top: IBEOS; OVERNIGHT; Need additional market data permissions - Depth: NASDAQ; "
                   "ARCA; BATS; IEX; NYSE; MEMX; ")  # fmt: skip
MORE = (
    " Requested market data requires additional subscription for API. See link in 'Market Data Connections' dialog for "
    "more details."
)
NO_TICK_BY_TICK = "Failed to request tick-by-tick data.No market data permissions for {where}." + MORE
NO_HISTORICAL_TICKS = "Failed to request historical ticks:No market data permissions for {where}"
NO_HISTOGRAM = "Failed to request histogram data:No market data permissions for {where}"
TICK_BY_TICK = ("Last", "AllLast", "BidAsk", "MidPoint")
FEEDS = {"NASDAQ": "ISLAND"}  # what the data of an exchange are called
DEPTH = "market depth"
NO_POSITION = (322, "Error processing request:No unlapsed position exists in this option in account {account}.")
OUT_OF_THE_MONEY = (322, "Error processing request.Exercise ignored because option is not in-the-money.")
NOT_EXERCISED = (322, "Error processing request.Exercise/Lapse failed due to server rejection.")
EXERCISE, LAPSE = 1, 2


def _where(listing: Listing) -> str:
    """The feed whose permission is missing, as TWS names it: `ISLAND STK`."""
    exchange = listing.primary_exchange or listing.exchange
    return f"{FEEDS.get(exchange, exchange)} {listing.sec_type}"


# advisors


def request_fa(session: "Session", _: Fields) -> None:
    session.error(errors.NO_REQUEST, *errors.validating("b9", NOT_ADVISOR))


def replace_fa(session: "Session", fields: Fields) -> None:
    fields.skip(3)
    session.error(fields.integer(), *errors.validating("bW", NOT_ADVISOR))


# news, calendars, fundamentals


def wall_street_horizon(session: "Session", fields: Fields) -> None:
    session.error(fields.integer(), *NO_NEWS)


def news_article(session: "Session", fields: Fields) -> None:
    session.error(fields.integer(), *NO_ARTICLE)


def historical_news(session: "Session", fields: Fields) -> None:
    """No headlines of the free providers; the others are not allowed."""
    request, _, providers = fields.integer(), fields.integer(), fields.text()
    known = {code for code, _ in NEWS_PROVIDERS}
    if providers and known.issuperset(providers.split("+")):
        session.send(reference.historical_news_end(request, more=False))
    else:
        session.error(request, *NO_NEWS)


def fundamental_data(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    spec = Spec(
        con_id=fields.integer(), symbol=fields.text(), sec_type=fields.text(), exchange=fields.text(),
        primary_exchange=fields.text(), currency=fields.text(), local_symbol=fields.text(),
    )  # fmt: skip
    if meant(session, request, spec):
        session.error(request, *NO_FUNDAMENTALS)


# depth, ticks


def market_depth(session: "Session", fields: Fields) -> None:
    """Smart depth tells where there would be some; a single book is refused."""
    fields.skip(1)
    request, spec = fields.integer(), Spec.read(fields)
    _, smart = fields.integer(), fields.flag()
    if not meant(session, request, spec):
        return
    if not smart or spec.exchange != "SMART":
        session.error(request, *NO_DEPTH)
    elif session.open_stream(DEPTH, request, lambda: None):
        session.error(request, *DEPTH_EXCHANGES)
    else:
        session.error(request, *errors.processing("bR", "Duplicate ticker id"))


def cancel_market_depth(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    if not session.end_stream(DEPTH, request):
        session.error(request, 310, NO_DEPTH_QUERY.format(request=request))


def tick_by_tick(session: "Session", fields: Fields) -> None:
    request, spec, kind = fields.integer(), Spec.read(fields), fields.text()
    if kind not in TICK_BY_TICK:
        session.error(request, *errors.validating("bT", "Tick-by-tick data type is incorrect/not set."))
    elif listing := meant(session, request, spec):
        session.error(request, 10189, NO_TICK_BY_TICK.format(where=_where(listing)))


def cancel_tick_by_tick(session: "Session", fields: Fields) -> None:
    request = fields.integer()
    code, text = errors.CANNOT_FIND
    session.error(request, code, text.format(request=request))


def historical_ticks(session: "Session", fields: Fields) -> None:
    request, spec = fields.integer(), Spec.read(fields)
    if listing := meant(session, request, spec):
        session.error(request, 10187, NO_HISTORICAL_TICKS.format(where=_where(listing)))


def histogram(session: "Session", fields: Fields) -> None:
    request, spec = fields.integer(), Spec.read(fields)
    if listing := meant(session, request, spec):
        session.error(request, 10188, NO_HISTOGRAM.format(where=_where(listing)))


# exercise


def exercise(session: "Session", fields: Fields) -> None:
    """Checked as TWS checks it, and then refused as the servers of paper accounts refuse it."""
    fields.skip(1)
    request, spec = fields.integer(), _exercised(fields)
    action, quantity, account, override = fields.integer(), fields.integer(), fields.text(), fields.flag()
    server = session.server
    account = account or server.options.accounts[0]
    if action not in (EXERCISE, LAPSE) or quantity <= 0:
        session.error(request, *errors.validating("bu", "Invalid exercise action or quantity"))
        return
    listing = meant(session, request, spec)
    if listing is None:
        return
    held = 0.0
    if account in server.options.accounts:
        held = server.books.quantity(account, listing.con_id, server.epoch())
    if listing.sec_type != "OPT" or held <= 0:
        code, text = NO_POSITION
        session.error(request, code, text.format(account=account))
    elif action == EXERCISE and not override and not _in_the_money(session, listing):
        session.error(request, *OUT_OF_THE_MONEY)
    else:
        session.error(request, *NOT_EXERCISED)


def _exercised(fields: Fields) -> Spec:
    """The 11 contract fields of exerciseOptions: no primary exchange. Raises WireError."""
    con_id, symbol, sec_type, expiry, strike = (
        fields.integer(), fields.text(), fields.text(), fields.text(), fields.number(),
    )  # fmt: skip
    right = fields.text()
    if right and right not in RIGHTS:
        raise WireError(f"right {right!r}")
    return Spec(
        con_id, symbol, sec_type, expiry, strike, RIGHTS.get(right, ""), fields.text(), fields.text(), "",
        fields.text(), fields.text(), fields.text(),
    )  # fmt: skip


def _in_the_money(session: "Session", listing: Listing) -> bool:
    underlying = session.server.contracts.underlying(listing.under_con_id)
    if underlying is None:
        return False
    spot = session.server.market.price(underlying.symbol, session.server.epoch())
    return spot > listing.strike if listing.call else spot < listing.strike


# verification of programs that IBKR has certified


def verification(session: "Session", _: Fields) -> None:
    session.error(errors.NO_REQUEST, *errors.validating("bd", "API verification is not supported for this program"))
