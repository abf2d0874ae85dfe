"""Real-time bars: five seconds each, the same as the historical ones of that length."""

from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.lookup import meant
from v6.simulator.market import bars as history
from v6.simulator.messages import history as messages
from v6.simulator.requests.beat import BEAT, every_five_seconds
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

STREAM = "real_time_bars"
KINDS = ("TRADES", "MIDPOINT", "BID", "ASK")


def bars(session: "Session", fields: Fields) -> None:
    """`50,3,req,<12 contract>,barSize,whatToShow,useRTH,options`; TWS gives bars of five seconds whatever the size."""
    fields.skip(1)
    request, spec = fields.integer(), Spec.read(fields)
    fields.skip(1)
    what, regular = fields.text(), fields.flag()
    server = session.server
    listing = meant(session, request, spec)
    if listing is None:
        return
    if what not in KINDS:
        session.error(request, *errors.validating("bZ", f"Invalid whatToShow: {what}"))
    elif server.faults.subscription_error(listing):
        code, text = errors.NO_REAL_TIME
        session.error(request, code, text.format(exchange=spec.exchange, sec_type=listing.sec_type))
    elif session.has_stream(STREAM, request):
        session.error(request, *errors.DUPLICATE_TICKER)
    elif server.pacing.violates_in_real_time(server.loop_time()):
        session.error(request, *errors.REAL_TIME_PACING)
    elif not server.lines.take():
        session.error(request, *errors.MAX_TICKERS)
    else:
        _stream(session, request, listing, what, regular)


def _stream(session: "Session", request: int, listing: Listing, what: str, regular: bool) -> None:
    """It takes a market data line as long as it goes on [doc]."""
    server = session.server

    def stop() -> None:
        server.lines.give_back()
        server.count_lines()

    def send(end: float) -> None:
        """The bar that has just ended; nothing while the market is closed."""
        asked = history.Request(listing, end - 0.001, "60 S", "5 secs", what, regular)
        bar = history.finished(server.synthetic, server.hours, asked, end - BEAT, end)
        if bar is not None:
            session.send(messages.real_time_bar(request, int(bar.start), ("", *bar[1:])))

    session.open_stream(STREAM, request, stop)
    server.count_lines()
    every_five_seconds(session, lambda: session.has_stream(STREAM, request), send)


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    if not session.end_stream(STREAM, request):
        code, text = errors.CANNOT_FIND
        session.error(request, code, text.format(request=request))
