"""The market scanner: its parameters and its subscriptions."""

from math import isfinite, nan
from typing import TYPE_CHECKING

from v6.simulator import errors
from v6.simulator.instruments.contracts import underlying_listing
from v6.simulator.instruments.listings import Listing, Spec
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.market import scan_parameters, scans
from v6.simulator.market.hours import new_york_date
from v6.simulator.messages import scanner as messages
from v6.simulator.wire import UNSET_DOUBLE, UNSET_INTEGER, Fields, WireError

if TYPE_CHECKING:
    from v6.simulator.session import Session

STREAM = "scanner"
UNSET = ("", UNSET_DOUBLE, UNSET_INTEGER, UNSET_DOUBLE.replace("E", "e+"), "-1")
BOND_FIELDS = 8  # Moody's and S&P ratings, maturities, coupons, convertibles: bonds are not modelled


def parameters(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    session.later(session.server.options.reply_seconds, messages.scanner_parameters(scan_parameters.document()))


def subscribe(session: "Session", fields: Fields) -> None:
    request = fields.integer()
    asked, unknown = read(fields)
    server = session.server
    if asked.code not in scans.SCANS or asked.instrument not in scans.SCANS[asked.code].instruments:
        code, text = errors.SCAN_DISABLED
        session.error(request, code, text.format(code=asked.code))
    elif scans.exchanges(asked) is None:
        session.error(request, *errors.NO_LOCATION)
    elif unknown:
        code, text = errors.FILTER_DISABLED
        session.error(request, code, text.format(code=unknown[0]))
    elif server.options.scanners and server.scans >= server.options.scanners:
        most = server.options.scanners
        session.error(
            request, *errors.processing("co", f"Only {most} simultaneous API scanner subscriptions are allowed.")
        )
    elif not session.open_stream(STREAM, request, lambda: _end(session)):
        session.error(request, *errors.processing("co", "Duplicate ticker ID for API scanner subscription"))
    else:
        server.scans += 1
        server.wheel.after(server.options.reply_seconds, lambda: _send(session, request, asked))


def _end(session: "Session") -> None:
    session.server.scans -= 1


def read(fields: Fields) -> tuple[scans.Subscription, list[str]]:
    """The fields from the number of rows on, and the filters nobody knows. Raises WireError."""
    rows, instrument, location, code = fields.text(), fields.text(), fields.text(), fields.text()
    limits: dict[str, float] = {}
    for name in ("priceAbove", "priceBelow", "volumeAbove"):
        _limit(limits, name, fields.text())
    for name in ("marketCapAbove1e6", "marketCapBelow1e6"):  # this field is in dollars, the filter in millions
        _limit(limits, name, fields.text(), 1e-6)
    fields.skip(BOND_FIELDS + 1)
    _limit(limits, "avgOptVolumeAbove", fields.text())
    fields.skip(1)
    kinds, filters, _ = fields.text(), fields.text(), fields.text()
    types, has_options, unknown = _stock_types(kinds), False, []
    for tag, value in _tags(filters):
        if tag in scans.LIMITS:
            _limit(limits, tag, value)
        elif tag == "stkTypes":
            types |= _stock_types(value.removeprefix("inc:"))
        elif tag == "hasOptionsIs":
            has_options = value.lower() in ("true", "1")
        else:
            unknown.append(tag)
    number = int(_number(rows)) if rows not in UNSET else scans.MOST_ROWS
    locations = tuple(part for part in location.replace(";", ",").split(",") if part)
    return scans.Subscription(number, instrument, locations, code, limits, types, has_options), unknown


def _tags(text: str) -> list[tuple[str, str]]:
    """`tag=value;tag=value;`"""
    found = []
    for part in filter(None, text.split(";")):
        tag, equals, value = part.partition("=")
        if not equals:
            raise WireError(f"scanner filter {part!r}")
        found.append((tag.strip(), value.strip()))
    return found


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise WireError(f"{text!r} is not a number")
    return number


def _limit(limits: dict[str, float], name: str, text: str, factor: float = 1.0) -> None:
    if text not in UNSET:
        limits[name] = _number(text) * factor


def _stock_types(text: str) -> frozenset[str]:
    return frozenset(scans.STOCK_TYPES[part] for part in text.split(",") if part in scans.STOCK_TYPES)


def candidates(session: "Session", asked: scans.Subscription) -> list[Listing]:
    """The stocks or indices of its exchanges; of each future the front month."""
    server, at = session.server, scans.exchanges(asked) or set()
    if asked.instrument == scans.FUTURE:
        today = new_york_date(server.epoch())
        months = (server.contracts.find(Spec(symbol=name, sec_type="FUT"), today) for name in FUTURES)
        return [each[0] for each in months if each]
    kind = asked.instrument[:3]
    chosen = (each for each in UNDERLYINGS.values() if each.sec_type == kind and each.primary_exchange in at)
    return [underlying_listing(each) for each in chosen]


def _send(session: "Session", request: int, asked: scans.Subscription) -> None:
    """The whole list every half minute; `no items retrieved` and an empty one when nothing passes."""
    server = session.server
    if session.closed or not session.has_stream(STREAM, request):
        return
    if not session.muted:
        world = scans.World(server.feed, server.synthetic, server.hours, server.market_state, server.epoch())
        found = scans.ranked(asked, world, candidates(session, asked))
        if not found:
            session.error(request, *errors.NOTHING_FOUND)
        session.send(messages.scanner_data(request, found))
    server.wheel.after(server.options.scanner_seconds, lambda: _send(session, request, asked))


def cancel(session: "Session", fields: Fields) -> None:
    fields.skip(1)
    request = fields.integer()
    code, text = errors.SCANS_ENDED if session.end_stream(STREAM, request) else errors.NO_SCAN
    session.error(request, code, text.format(request=request))
