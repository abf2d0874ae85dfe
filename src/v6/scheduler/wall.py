"""Wall clocks: between minutes since 1970 UTC and what a zone's clocks show. All real DST rules, no approximation."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from v6.clock import NEW_YORK

MINUTE = timedelta(minutes=1)


def at(minute: int, zone: str) -> datetime:
    """What clocks in `zone` show at that minute."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone))


def new_york(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, NEW_YORK)


def at_epoch(seconds: float) -> datetime:
    """New York's clocks at that instant, in whole seconds."""
    return datetime.fromtimestamp(int(seconds), NEW_YORK)


def minute_of(instant: datetime) -> int:
    """The minute that contains the aware instant."""
    return int(instant.timestamp() // 60)


@lru_cache(maxsize=65536)
def first_minute(zone: str, day: date, minute_of_day: int) -> int:
    """When clocks in `zone` first reach that time of that day: the first of two passes when clocks go back, the first
    minute after the gap when they jump over it."""
    wanted = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + minute_of_day * MINUTE
    minute = minute_of(wanted)
    if at(minute, zone).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return minute
    before, after = minute_of(wanted.replace(fold=1)), minute
    while after - before > 1:
        middle = (before + after) // 2
        if at(middle, zone).replace(tzinfo=None) >= wanted.replace(tzinfo=None):
            after = middle
        else:
            before = middle
    return after


def days(zone: str, first: int, last: int) -> Iterator[date]:
    """Every date clocks in `zone` show from minute `first` to `last`."""
    day, end = at(first, zone).date(), at(last, zone).date()
    while day <= end:
        yield day
        day += timedelta(days=1)
