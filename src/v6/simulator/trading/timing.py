"""When an order may trade and when it ends: pure functions of the market's hours."""

import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing
from v6.simulator.market.hours import DAY, Hours, new_york_date
from v6.simulator.orders.order import Order

UTC = ZoneInfo("UTC")
# names TWS takes besides those of the zone database
ZONES = {"EST": NEW_YORK, "EDT": NEW_YORK, "US/Eastern": NEW_YORK, "GMT": UTC, "UTC": UTC}
WALL = re.compile(r"(\d{8})([ -]{1,2})(\d{2}:\d{2}:\d{2})(?: ([A-Za-z_/+-]+))?|(\d{8})")
HORIZON = 15


class TimeError(ValueError):
    """Not a time as TWS takes it."""


class Window(NamedTuple):
    """Epoch seconds."""

    start: float
    end: float

    def contains(self, instant: float) -> bool:
        return self.start <= instant < self.end


def extended(listing: Listing, order: Order) -> bool:
    """Whether the order trades outside regular hours: stocks, and orders with a limit, only."""
    return order.outside_rth and outside_allowed(listing, order)


def outside_allowed(listing: Listing, order: Order) -> bool:
    return listing.sec_type == "STK" and order.order_type in ("LMT", "STP LMT", "TRAIL LIMIT", "LIT", "REL")


def window(hours: Hours, listing: Listing, order: Order, instant: float) -> Window:
    """The session going on for that order, or the next one."""
    day = new_york_date(instant)
    sessions = hours.whole if extended(listing, order) else hours.of
    for _ in range(HORIZON):
        segment = sessions(listing.sec_type, day)
        if segment is not None and instant < segment.end:
            return Window(segment.start, segment.end)
        day += DAY
    raise LookupError(f"no session in the two weeks after {new_york_date(instant)}")


def regular(hours: Hours, listing: Listing, instant: float) -> Window:
    """The regular session going on, or the next one."""
    return window(hours, listing, Order(), instant)


def parse(text: str, today: datetime) -> float:
    """Epoch seconds of `yyyymmdd hh:mm:ss [zone]`, `yyyymmdd-hh:mm:ss` (UTC), `hh:mm:ss` or `yyyymmdd` (its end).

    Raises TimeError.
    """
    text = text.strip()
    if re.fullmatch(r"\d{2}:\d{2}:\d{2}( \S+)?", text):
        text = f"{today:%Y%m%d} {text}"
    match = WALL.fullmatch(text)
    if match is None:
        raise TimeError(text)
    try:
        if match[5]:
            return datetime.strptime(match[5] + " 23:59:59", "%Y%m%d %H:%M:%S").replace(tzinfo=NEW_YORK).timestamp()
        zone = ZONES.get(match[4]) or ZoneInfo(match[4]) if match[4] else UTC if "-" in match[2] else NEW_YORK
        return datetime.strptime(f"{match[1]} {match[3]}", "%Y%m%d %H:%M:%S").replace(tzinfo=zone).timestamp()
    except (ValueError, KeyError, OSError):
        raise TimeError(text) from None


def begins(order: Order, now: datetime) -> float:
    """The earliest moment it may trade by its own instruction; 0.0: at once. Raises TimeError."""
    return parse(order.good_after_time, now) if order.good_after_time else 0.0


def ends(hours: Hours, listing: Listing, order: Order, now: datetime) -> float:
    """The moment it ends by itself; 0.0: never. Raises TimeError."""
    if order.tif == "GTD":
        return parse(order.good_till_date, now)
    if order.tif == "GTC":
        return listing.expires_at
    return window(hours, listing, order, max(now.timestamp(), begins(order, now))).end


def wall(instant: float) -> str:
    """As TWS writes a time into warning 399."""
    return f"{datetime.fromtimestamp(instant, NEW_YORK):%Y-%m-%d %H:%M:%S} US/Eastern"
