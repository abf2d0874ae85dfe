"""Historical bars, bars that are kept up to date, schedules of sessions, and the first moment that has data."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from v6.simulator import errors
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.lookup import meant
from v6.simulator.market import bars as history
from v6.simulator.market.hours import new_york, new_york_date
from v6.simulator.messages import history as messages
from v6.simulator.pacing import SMALL_BAR, Ask
from v6.simulator.requests.beat import every_five_seconds
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session

STREAM, HEAD = "history", "head timestamp"
SCHEDULES_FROM = 168
SMALLEST_KEPT = 5
TOO_MANY = "Only {most} simultaneous API historical data requests allowed."
DUPLICATE = "Duplicate ticker ID for API historical data query"


class Asked(NamedTuple):
    """`ended`: set when the request is answered or cancelled, or its connection is over; bars are built until then."""

    request: int
    bars: history.Request
    date_format: int
    kept: bool
    ended: Event


def bars(session: "Session", fields: Fields) -> None:
    request, spec = fields.integer(), Spec.read(fields)
    expired, end, size, duration = fields.flag(), fields.text(), fields.text(), fields.text()
    regular, what, date_format = fields.flag(), fields.text(), fields.integer()
    if spec.sec_type == "BAG":
        fields.skip(4 * fields.integer())
    kept = fields.flag()
    server = session.server
    listing = meant(session, request, spec, expired=expired)
    if listing is None:
        return
    try:
        until = min(history.end_of(end, server.epoch()), server.epoch())
        asked = Asked(
            request, history.Request(listing, until, duration, size, what, regular), date_format, kept, Event()
        )
        _check(session, asked, end)
    except history.BarError as error:
        session.error(request, *errors.validating("bX", str(error)))
        return
    ask = Ask(listing.con_id, spec.exchange, what, end, duration, size, regular)
    if not _open(session, STREAM, request, asked.ended.set):
        return
    seconds = server.options.reply_seconds
    if asked.bars.seconds > SMALL_BAR:
        seconds += server.pacing.throttle(server.loop_time())
    elif server.pacing.violates(ask, server.loop_time()):
        session.end_stream(STREAM, request)
        session.error(request, *errors.PACING)
        return
    session.start_task(_answer(session, asked, seconds), request)


def _check(session: "Session", asked: Asked, end: str) -> None:
    """Raises BarError. What TWS says to the last three is [unverified]."""
    history.check(asked.bars)
    if asked.bars.what == history.SCHEDULE and (asked.kept or session.version < SCHEDULES_FROM):
        raise history.BarError("Historical schedule is not supported here")
    if asked.kept and end:
        raise history.BarError("End date/time is not allowed with update subscription")
    if asked.kept and asked.bars.seconds < SMALLEST_KEPT:
        raise history.BarError("Update subscription requires bars of 5 seconds or more")


def _open(session: "Session", kind: str, request: int, ended: Callable[[], None] = lambda: None) -> bool:
    """Count one more open request, which ends with its answer or its cancellation."""

    def stop() -> None:
        ended()
        session.server.pacing.leave()

    pacing = session.server.pacing
    if not pacing.enter():
        session.error(request, *errors.processing("bS", TOO_MANY.format(most=pacing.most_open)))
        return False
    if not session.open_stream(kind, request, stop):
        pacing.leave()
        session.error(request, *errors.processing("bI", DUPLICATE))
        return False
    return True


async def _answer(session: "Session", asked: Asked, seconds: float) -> None:
    """Bars of a long span take a while: they are built beside the loop, as long as somebody waits for them."""
    server, request = session.server, asked.request
    if seconds > 0:
        await asyncio.sleep(seconds)
    if asked.ended.is_set():
        return
    if asked.bars.what == history.SCHEDULE:
        session.end_stream(STREAM, request)
        session.send(_schedule(session, asked))
        return
    failure, built = "", []
    try:
        built = await asyncio.to_thread(history.build, server.synthetic, server.hours, asked.bars, asked.ended.is_set)
    except history.BarError as error:
        failure = str(error)
    if asked.ended.is_set():
        return
    if failure or not built:
        session.end_stream(STREAM, request)
        session.error(request, *_no_data(asked, failure))
        return
    edges = [history.wall_text(at, session.version) for at in (built[0].start, asked.bars.end)]
    session.send(messages.historical_data(request, edges[0], edges[1], [_wire(session, asked, bar) for bar in built]))
    if asked.kept:
        _keep(session, asked, built[-1].start)
    else:
        session.end_stream(STREAM, request)


def _no_data(asked: Asked, failure: str) -> tuple[int, str]:
    code, text = errors.NO_DATA
    if failure:
        return code, f"Historical Market Data Service error message:{failure}"
    listing = asked.bars.listing
    return code, text.format(what=f"{listing.symbol}@{listing.exchange} {asked.bars.what.title()}")


def _wire(session: "Session", asked: Asked, bar: history.RawBar) -> messages.Bar:
    """Daily and longer bars carry a bare date whatever the format."""
    if asked.bars.seconds >= history.DAY_SECONDS:
        return (f"{new_york_date(bar.start):%Y%m%d}", *bar[1:])
    return (history.wall_text(bar.start, session.version, epoch=asked.date_format == 2), *bar[1:])


def _keep(session: "Session", asked: Asked, start: float) -> None:
    """Send the bar going on every five seconds, and a finished one once more before the next begins."""
    server, last = session.server, start

    def send(until: float) -> None:
        nonlocal last
        bar = history.latest(server.synthetic, server.hours, asked.bars._replace(end=until))
        if bar is None:
            return
        if bar.start > last:
            closed = history.finished(server.synthetic, server.hours, asked.bars, last, bar.start)
            if closed is not None:
                session.send(messages.historical_data_update(asked.request, _wire(session, asked, closed)))
        last = bar.start
        session.send(messages.historical_data_update(asked.request, _wire(session, asked, bar)))

    every_five_seconds(session, lambda: not asked.ended.is_set(), send)


def _schedule(session: "Session", asked: Asked) -> bytes:
    """The sessions as `yyyymmdd-hh:mm:ss` in the exchange's zone, each with its trade date."""
    listing, server = asked.bars.listing, session.server
    parts = [
        server.hours.of(listing.sec_type, part.date) if asked.bars.regular_only
        else server.hours.whole(listing.sec_type, part.date)
        for part in history.segments(server.hours, asked.bars)
    ]  # fmt: skip
    sessions = [
        (_local(part.start, listing), _local(part.end, listing), f"{part.date:%Y%m%d}") for part in parts if part
    ]
    start, end = (sessions[0][0], sessions[-1][1]) if sessions else ("", "")
    return messages.historical_schedule(asked.request, start, end, listing.zone_name, sessions)


def _local(instant: float, listing: Listing) -> str:
    return history.stamp(instant, listing.zone)


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    if session.end_stream(STREAM, request):
        code, text = errors.QUERY_CANCELLED
    else:
        code, text = errors.NO_HISTORY_QUERY
    session.error(request, code, text.format(request=request))


def head_timestamp(session: "Session", fields: Fields) -> None:
    """It counts as an open request until it is cancelled [doc]; whether the pacing rules count it is [unverified]."""
    request, spec, expired = fields.integer(), Spec.read(fields), fields.flag()
    fields.skip(1)
    what, date_format = fields.text(), fields.integer()
    server = session.server
    listing = meant(session, request, spec, expired=expired)
    if listing is None:
        return
    if what not in history.KINDS:
        session.error(request, *errors.validating("bX", f"Invalid whatToShow: {what}"))
    elif listing.sec_type == "IND" and what in ("BID", "ASK", "MIDPOINT", "BID_ASK"):
        session.error(request, *errors.NO_HEAD)
    elif _open(session, HEAD, request):
        first = new_york(history.head(listing), 9, 30)
        when = history.head_text(first, session.version, epoch=date_format == 2)
        session.later(server.options.reply_seconds, messages.head_timestamp(request, when))


def cancel_head_timestamp(session: "Session", fields: Fields) -> None:
    """TWS does not answer it."""
    session.end_stream(HEAD, fields.integer())
