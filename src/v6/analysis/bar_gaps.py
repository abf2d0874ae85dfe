"""Which sessions lack their bars, and with what requests they are asked for. Pure.

The rule: a session is a gap when it is over and has no final bar (or none at all) stored. Within a session that has
final bars nothing is missing: TWS answers with whole sessions, and rightly has no bar for minutes in which nothing
traded. `holes` names such spans, for people.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

DAILY = "1 day"
SIZE = re.compile(r"(\d+) (min|mins|hour|hours|secs)")
SECONDS = {"secs": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600}
DAYS_A_REQUEST = ((60, 1), (120, 2), (900, 7), (3600, 30), (86400, 365))
"""Bar length in seconds up to which a request may span so many days [IBKR's table of valid durations: 1 D, 2 D, 1 W,
1 M, 1 Y]."""
AFTER_CLOSE = timedelta(minutes=30)
"""A request ends so long after its last session, so that the closing auction is in it; nothing else is: only regular
hours are asked for, and futures begin again an hour after their regular close at the earliest."""
SETTLED = timedelta(minutes=5)
"""A session's bars are final when they were asked for so long after its close: late prints of the auction [unverified].
"""


class Session(Protocol):
    @property
    def date(self) -> date: ...
    @property
    def open(self) -> datetime: ...
    @property
    def close(self) -> datetime: ...


S = TypeVar("S", bound=Session)


@dataclass(frozen=True, slots=True)
class Window:
    """One request: `days` calendar days up to `end` (None: now) cover `sessions` (trade dates, newest first).

    TWS's `N D` counts trading days [unverified]: as many as there are calendar days is never too few.
    """

    end: datetime | None
    days: int
    sessions: tuple[date, ...]

    @property
    def duration(self) -> str:
        return f"{self.days} D"


def bar_seconds(bar_size: str) -> int:
    """`5 mins` -> 300. Raises ValueError for what is no size of TWS's up to a day."""
    if bar_size == DAILY:
        return 86400
    found = SIZE.fullmatch(bar_size)
    if found is None:
        raise ValueError(f"bar size {bar_size!r}, allowed: 1 day, or such as 5 mins, 1 hour, 30 secs")
    return int(found.group(1)) * SECONDS[found.group(2)]


def is_final(session: Session, asked_at: datetime) -> bool:
    """Whether bars of that session that were asked for then never change (L20)."""
    return asked_at >= session.close + SETTLED


def missing(sessions: Iterable[S], final: Collection[date], unavailable: Collection[date] = ()) -> list[S]:
    """The sessions without a final bar that TWS may have, newest first."""
    lacking = [each for each in sessions if each.date not in final and each.date not in unavailable]
    return sorted(lacking, key=lambda each: each.date, reverse=True)


def windows(sessions: Sequence[Session], bar_size: str, now: datetime) -> list[Window]:
    """Requests that cover these sessions, newest first, as few as the longest duration allows."""
    most = _days_a_request(bar_size)
    left = sorted(sessions, key=lambda each: each.date, reverse=True)
    found: list[Window] = []
    while left:
        newest = left[0]
        inside = [each for each in left if (newest.date - each.date).days < most]
        left = left[len(inside) :]
        end = newest.close + AFTER_CLOSE
        days = (newest.date - inside[-1].date).days + 1
        found.append(Window(None if end >= now else end, days, tuple(each.date for each in inside)))
    return found


def expected_starts(session: Session, bar_size: str) -> list[datetime]:
    """When a session's bars begin if something trades all the time; the last one ends with an early close."""
    if bar_size == DAILY:
        return [session.open]
    step = timedelta(seconds=bar_seconds(bar_size))
    count = -(-(session.close - session.open) // step)
    return [session.open + index * step for index in range(count)]


def holes(
    session: Session, starts: Iterable[datetime], bar_size: str, least: timedelta
) -> list[tuple[datetime, datetime]]:
    """Spans of at least that length within a session that has bars, in which it has none: (from, to), oldest first."""
    there = {start.timestamp() for start in starts}
    step = timedelta(seconds=bar_seconds(bar_size))
    found: list[tuple[datetime, datetime]] = []
    for start in expected_starts(session, bar_size):
        if start.timestamp() in there:
            continue
        end = min(start + step, session.close)
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [span for span in found if span[1] - span[0] >= least]


def _days_a_request(bar_size: str) -> int:
    seconds = bar_seconds(bar_size)
    return next(days for longest, days in DAYS_A_REQUEST if seconds <= longest)
