"""Historical bars out of the same prices that stream: pure, and slow only for long spans."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing
from v6.simulator.market.hours import DAY, Hours, Segment, new_york, new_york_date
from v6.simulator.market.synthetic import LAST_MOMENT, SyntheticFeed, to_tick

SIZES = {
    "1 secs": 1, "5 secs": 5, "10 secs": 10, "15 secs": 15, "30 secs": 30, "1 min": 60, "2 mins": 120,
    "3 mins": 180, "5 mins": 300, "10 mins": 600, "15 mins": 900, "20 mins": 1200, "30 mins": 1800, "1 hour": 3600,
    "2 hours": 7200, "3 hours": 10800, "4 hours": 14400, "8 hours": 28800, "1 day": 86400, "1 week": 604800,
    "1W": 604800, "1 month": 2592000, "1M": 2592000,
}  # fmt: skip
DAY_SECONDS = 86400
UNITS = {"D": 1, "W": 7, "M": 30, "Y": 365}
TRADED = ("TRADES", "ADJUSTED_LAST")
VOLATILITIES = ("OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY")
SCHEDULE = "SCHEDULE"
KINDS = (*TRADED, "MIDPOINT", "BID", "ASK", "BID_ASK", *VOLATILITIES, SCHEDULE)
HEAD = date(2005, 1, 3)  # invented: nothing has bars from before
LISTED_DAYS = {"FUT": 460, "OPT": 400}
MOST = 20_000
SAMPLES = 6
# Seconds between the prices a bar is made of, in a day and in longer ones. Each divides the next, and all are marks of
# the streaming high and low too: a day's range lies within that of its hours and of its stream.
LONGEST_STEP, LONG_STEP = 1800, 3600


class BarError(Exception):
    """The request cannot be answered; the text is what TWS would say."""


class RawBar(NamedTuple):
    """`start` in epoch seconds; `volume`, `average`, `trades` are -1 for quotes."""

    start: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    trades: int


class Request(NamedTuple):
    """`end` in epoch seconds; `duration` such as "2 D"; `size` such as "5 mins"."""

    listing: Listing
    end: float
    duration: str
    size: str
    what: str
    regular_only: bool

    @property
    def seconds(self) -> int:
        return SIZES[self.size]


LONGEST_NUMBER = 9


def check(request: Request) -> None:
    """Raises BarError."""
    if request.size not in SIZES:
        raise BarError(f"Historical data bar size setting is invalid. Legal ones are: {', '.join(SIZES)}")
    number, _, unit = request.duration.partition(" ")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER or int(number) == 0 or unit not in {"S", *UNITS}:
        raise BarError(f"Historical data request for duration {request.duration!r} is invalid")
    if request.what not in KINDS:
        raise BarError(f"Invalid whatToShow: {request.what}")
    if request.what == SCHEDULE and request.seconds != DAY_SECONDS:
        raise BarError("Historical schedule requests require a bar size of 1 day")


def head(listing: Listing) -> date:
    """The first day that has bars: of an option or a future the day it was listed, about."""
    if listing.expiry is None:
        return HEAD
    return listing.expiry - LISTED_DAYS[listing.sec_type] * DAY


def segments(hours: Hours, request: Request) -> list[Segment]:
    """The sessions (or their parts) that the request covers, oldest first."""
    number, _, unit = request.duration.partition(" ")
    count = int(number)
    found: list[Segment] = []
    day = new_york_date(request.end) + DAY
    first = request.end - count if unit == "S" else new_york(new_york_date(request.end) - count * UNITS[unit] * DAY, 0)
    oldest = head(request.listing)
    for _ in range(count * (UNITS.get(unit, 1) + 2) + 15 if unit != "S" else count // DAY_SECONDS + 15):
        if day < oldest:
            break
        segment = _part(hours, request, day)
        day -= DAY
        if segment is None or segment.start >= request.end:
            continue
        if unit == "D" and len(found) == count:
            break
        if unit != "D" and segment.end <= first:
            break
        start = max(segment.start, first) if unit == "S" else segment.start
        found.append(Segment(segment.date, start, min(segment.end, request.end)))
    return found[::-1]


def _part(hours: Hours, request: Request, day: date) -> Segment | None:
    kind = request.listing.sec_type
    if kind == "FUT" and request.regular_only:
        regular = hours.regular(day)
        return regular if hours.futures(day) else None
    return hours.of(kind, day) if request.regular_only else hours.whole(kind, day)


def never() -> bool:
    return False


def build(feed: SyntheticFeed, hours: Hours, request: Request, stopped: Callable[[], bool] = never) -> list[RawBar]:
    """The bars, oldest first; the last one may be going on. Raises BarError.

    `stopped` is asked before each session's or shorter bar: once it is true, what there is so far is returned.
    """
    if stopped():
        return []
    if request.what in VOLATILITIES and not feed.has_volatility(request.listing, request.what):
        return []
    parts = segments(hours, request)
    if request.seconds >= DAY_SECONDS:
        return list(_grouped(feed, request, takewhile(lambda _: not stopped(), parts)))
    total = sum((part.end - part.start) / request.seconds for part in parts)
    if total > MOST:
        raise BarError(f"Time length exceed max. {total:.0f} bars")
    spans = ((part, span) for part in parts for span in _spans(part.start, part.end, request.seconds))
    return [bar_of(feed, request, part, span) for part, span in takewhile(lambda _: not stopped(), spans)]


def _spans(start: float, end: float, seconds: int) -> Iterator[tuple[float, float]]:
    """Bars begin at multiples of their length since New York's midnight, and at the beginning of trading."""
    while start < end:
        midnight = new_york(new_york_date(start), 0)
        after = min(midnight + (int(start - midnight) // seconds + 1) * seconds, end)
        yield start, after
        start = after


def latest(feed: SyntheticFeed, hours: Hours, request: Request) -> RawBar | None:
    """The bar that is going on at the request's end; None while nothing trades."""
    day = new_york_date(request.end)
    for part in (_part(hours, request, day), _part(hours, request, day + DAY)):
        if part is None or not part.contains(request.end):
            continue
        if request.seconds > DAY_SECONDS:
            parts = segments(hours, request)
            label = _label(request)
            return next(_grouped(feed, request, [each for each in parts if label(each) == label(parts[-1])]))
        if request.seconds == DAY_SECONDS:
            return bar_of(feed, request, part, (part.start, request.end))._replace(start=new_york(part.date, 0))
        midnight = new_york(new_york_date(request.end), 0)
        edge = midnight + int(request.end - midnight) // request.seconds * request.seconds
        return bar_of(feed, request, part, (max(edge, part.start), request.end))
    return None


def finished(feed: SyntheticFeed, hours: Hours, request: Request, start: float, end: float) -> RawBar | None:
    """The bar from `start` to `end`, or to the end of trading before it; None when nothing traded then."""
    for day in (new_york_date(start), new_york_date(start) + DAY):
        part = _part(hours, request, day)
        if part is not None and part.contains(start):
            return bar_of(feed, request, part, (start, min(end, part.end)))
    return None


def _label(request: Request) -> Callable[[Segment], object]:
    """What the sessions of one bar have in common: the day, the week or the month."""
    by_length: dict[int, Callable[[Segment], object]] = {
        604800: lambda part: part.date.isocalendar()[:2],
        2592000: lambda part: (part.date.year, part.date.month),
    }
    return by_length.get(request.seconds, lambda part: part.date)


def _grouped(feed: SyntheticFeed, request: Request, parts: Iterable[Segment]) -> Iterator[RawBar]:
    label = _label(request)
    group: list[RawBar] = []
    key: object = None
    for part in parts:
        bar = bar_of(feed, request, part, (part.start, part.end))
        bar = bar._replace(start=new_york(part.date, 0))
        if group and label(part) != key:
            yield _merged(group)
            group = []
        key = label(part)
        group.append(bar)
    if group:
        yield _merged(group)


def _merged(bars: list[RawBar]) -> RawBar:
    volume = sum(bar.volume for bar in bars) if bars[0].volume >= 0 else -1.0
    return RawBar(
        bars[0].start, bars[0].open, max(bar.high for bar in bars), min(bar.low for bar in bars), bars[-1].close,
        volume, bars[-1].average, sum(bar.trades for bar in bars) if bars[0].trades >= 0 else -1,
    )  # fmt: skip


def bar_of(feed: SyntheticFeed, request: Request, part: Segment, span: tuple[float, float]) -> RawBar:
    """One bar; its prices are looked at on a fixed grid, so that a finished bar never changes."""
    listing, (start, end) = request.listing, span
    last = max(end - LAST_MOMENT, start)
    marks = range((int(start) // _step(request) + 1) * _step(request), int(last) + 1, _step(request))
    moments = (start, *marks, last)
    if request.what in VOLATILITIES:
        return _quoted(start, [round(feed.volatility(listing, at, request.what), 6) for at in moments])
    if request.what not in TRADED:
        return _of_sides(start, [feed.sides(listing, at) for at in moments], request.what)
    points = [to_tick(feed.fair(listing, at), listing.min_tick) for at in moments]
    volume = feed.volume(listing, part, end) - feed.volume(listing, part, start)
    average = round(sum(points) / len(points), 4)
    trades = int(volume // 40) + 1 if volume else 0
    return RawBar(start, points[0], max(points), min(points), points[-1], volume, average, trades)


def _step(request: Request) -> int:
    """Seconds between the prices that a bar is made of."""
    if request.seconds >= DAY_SECONDS:
        return LONG_STEP
    return max(min(LONGEST_STEP, request.seconds // SAMPLES), 1)


def _quoted(start: float, points: list[float]) -> RawBar:
    return RawBar(start, points[0], max(points), min(points), points[-1], -1.0, -1.0, -1)


def _of_sides(start: float, sides: list[tuple[float, float]], what: str) -> RawBar:
    """BID_ASK: average bid, highest ask, lowest bid, average ask [doc]."""
    bids, asks = [bid for bid, _ in sides], [ask for _, ask in sides]
    if what == "BID":
        return _quoted(start, bids)
    if what == "ASK":
        return _quoted(start, asks)
    if what == "MIDPOINT":
        return _quoted(start, [round((bid + ask) / 2, 6) for bid, ask in sides])
    means = [round(sum(each) / len(each), 4) for each in (bids, asks)]
    return RawBar(start, means[0], max(asks), min(bids), means[1], -1.0, -1.0, -1)


def wall_text(instant: float, version: int, *, epoch: bool = False) -> str:
    """A bar's time: epoch seconds, or New York's wall clock, with the zone's name from version 174 on."""
    if epoch:
        return str(int(instant))
    wall = datetime.fromtimestamp(instant, NEW_YORK)
    return f"{wall:%Y%m%d %H:%M:%S} US/Eastern" if version >= 174 else f"{wall:%Y%m%d  %H:%M:%S}"


def stamp(instant: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(instant, zone):%Y%m%d-%H:%M:%S}"


def head_text(instant: float, version: int, *, epoch: bool = False) -> str:
    """A head timestamp, in UTC: `yyyymmdd-hh:mm:ss`; with two blanks before version 174."""
    if epoch:
        return str(int(instant))
    text = stamp(instant, ZoneInfo("UTC"))
    return text if version >= 174 else text.replace("-", "  ")


def end_of(text: str, now: float) -> float:
    """The epoch second an endDateTime means; empty is now. Raises BarError."""
    if not text:
        return now
    parts = text.replace("-", " ", 1).split() if text[8:9] == "-" else text.split()
    if parts and parts[-1] in ("UTC", "GMT", "Z"):
        zone, parts = "UTC", parts[:-1]
    elif len(parts) == 3:
        zone, parts = parts[2], parts[:2]
    else:
        zone = "UTC" if text[8:9] == "-" else "America/New_York"
    try:
        moment = datetime.strptime("".join(parts), "%Y%m%d%H:%M:%S")  # noqa: DTZ007 - the zone is set next
        return moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
    except (ValueError, KeyError, OSError):
        raise BarError(f"Invalid date/time {text!r}; the correct format is yyyymmdd hh:mm:ss xx/xxxx") from None
