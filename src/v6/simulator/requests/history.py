"""Historical bars."""

import asyncio
from typing import TYPE_CHECKING

from v6.simulator import bars as history
from v6.simulator import errors
from v6.simulator.hours import new_york_date
from v6.simulator.listings import Spec
from v6.simulator.messages import history as messages
from v6.simulator.wire import Fields

if TYPE_CHECKING:
    from v6.simulator.session import Session


def bars(session: "Session", fields: Fields) -> None:
    request, spec = fields.integer(), Spec.read(fields)
    expired, end, size, duration = fields.flag(), fields.text(), fields.text(), fields.text()
    regular, what, date_format = fields.flag(), fields.text(), fields.integer()
    keep_up_to_date = fields.flag()
    server = session.server
    found = server.contracts.find(spec, new_york_date(server.epoch()), expired=expired)
    if len(found) != 1:
        session.error(request, *errors.NO_DEFINITION)
    elif keep_up_to_date:
        session.error(request, errors.VALIDATION, errors.NOT_MODELLED.format(name="keepUpToDate"))
    else:
        try:
            until = min(history.end_of(end, server.epoch()), server.epoch())
            asked = history.Request(found[0], until, duration, size, what, regular)
            history.check(asked)
        except history.BarError as error:
            session.error(request, errors.VALIDATION, f"Error validating request.-'bX' : cause - {error}")
            return
        task = server.loop.create_task(_answer(session, request, asked, date_format))
        session.tasks.add(task)
        task.add_done_callback(session.tasks.discard)


async def _answer(session: "Session", request: int, asked: history.Request, date_format: int) -> None:
    """Bars of a long span take a while: they are built beside the loop."""
    server = session.server
    code, text = errors.NO_DATA
    listing = asked.listing
    try:
        built = await asyncio.to_thread(history.build, server.synthetic, server.hours, asked)
    except history.BarError as error:
        session.error(request, code, f"Historical Market Data Service error message:{error}")
        return
    if not built:
        session.error(request, code, text.format(what=f"{listing.symbol}@{listing.exchange} {asked.what.title()}"))
        return
    daily = asked.seconds >= history.DAY_SECONDS
    rows: list[messages.Bar] = [
        (_when(bar.start, session.version, date_format, daily=daily), *bar[1:]) for bar in built
    ]
    edges = [history.wall_text(at, session.version) for at in (built[0].start, asked.end)]
    session.later(server.options.reply_seconds, messages.historical_data(request, edges[0], edges[1], rows))


def _when(start: float, version: int, date_format: int, *, daily: bool) -> str:
    """Daily and longer bars carry a bare date whatever the format."""
    if daily:
        return f"{new_york_date(start):%Y%m%d}"
    return history.wall_text(start, version, epoch=date_format == 2)


def cancel(session: "Session", fields: Fields) -> None:
    """Everything is sent at once, so there is nothing left to cancel."""
    fields.skip(1)
    request = fields.integer()
    code, text = errors.NO_HISTORY_QUERY
    session.error(request, code, text.format(request=request))
