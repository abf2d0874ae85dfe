"""One event of a scenario: when it begins and until when it lasts, on New York's clock, also on nights with DST."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from v6.clock import NEW_YORK
from v6.simulator.faults.model import Restart, ServerReset

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = 86400.0
LONGEST_SECONDS = 366 * 86400


@dataclass(frozen=True)
class Event:
    """One fault. No `at`: always. `lasts` None: until midnight. No `day`, no `weekday` (0 is Monday): every day.

    `start`: epoch seconds instead. `lasts` is real seconds, so that an hour is an hour on any night.
    """

    fault: str
    value: Any = True
    at: time | None = None
    lasts: timedelta | None = None
    day: date | None = None
    weekday: int | None = None
    start: float | None = None

    @property
    def always(self) -> bool:
        return self.at is None and self.start is None and self.day is None and self.weekday is None

    def instants(self, after: float, until: float) -> list[float]:
        """Epoch seconds above `after`, at most `until`, at which it begins."""
        found = [self.start] if self.start is not None else [_begin(day, self.at) for day in self._days(after, until)]
        return [instant for instant in found if after < instant <= until]

    def _days(self, after: float, until: float) -> Iterator[date]:
        first, last = _date(after), _date(until)
        if self.day is not None:
            yield from [self.day] if first <= self.day <= last else []
            return
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if self.weekday in (None, day.weekday()):
                yield day

    def since(self, now: float) -> float | None:
        """When it began, if it lasts at this moment: the latest of its beginnings is the one that lasts longest."""
        back = LONGEST_SECONDS + DAY if self.day is not None else 8 * DAY if self.weekday is not None else 2 * DAY
        begun = self.instants(now - back, now) if self.start is None else self.instants(float("-inf"), now)
        return begun[-1] if begun and now < self.end(begun[-1]) else None

    def reaches(self, now: float) -> float | None:
        """When it began, if it happens once, and something of its latest time is left at this moment.

        For a login is waited until the New York day is over: whoever looks later finds somebody has signed in.
        """
        begun = self.instants(now - 8 * DAY, now)
        if not begun:
            return None
        waits = isinstance(self.value, Restart) and self.value.needs_login
        going_on = _date(begun[-1]) == _date(now) if waits else _seconds_left(aged(self.value, now - begun[-1])) > 0
        return begun[-1] if going_on else None

    def end(self, instant: float) -> float:
        """When it is over, having begun at that instant."""
        if self.lasts is not None and (self.at is not None or self.start is not None):
            return instant + self.lasts.total_seconds()
        return instant + DAY if self.start is not None else _begin(_date(instant) + timedelta(days=1), None)

    def next(self, now: float) -> float | None:
        """When it begins the next time; None: never again."""
        if self.day is not None:
            begin = _begin(self.day, self.at)
            return begin if begin > now else None
        return min(self.instants(now, now + 8 * DAY), default=None)

    def moved(self, first: time, now: datetime, faster: float) -> "Event":
        """The same, so long after now as it is after `first`, everything so many times as fast."""
        after = datetime.combine(date.min, self.at or first) - datetime.combine(date.min, first)
        lasts = self.lasts / faster if self.lasts is not None else None
        start = now.timestamp() + after.total_seconds() / faster
        value = hurried(self.value, faster)
        return replace(self, start=start, lasts=lasts, day=None, weekday=None, value=value)


def _date(instant: float) -> date:
    return datetime.fromtimestamp(instant, NEW_YORK).date()


def _begin(day: date, at: time | None) -> float:
    """Epoch seconds. A time that a DST night skips is an hour later, one that it has twice is the first."""
    return datetime.combine(day, (at or time(0)).replace(fold=0), NEW_YORK).timestamp()


def hurried(value: Any, faster: float) -> Any:
    """A restart or a reset with all its durations so many times as short."""
    if not isinstance(value, Restart | ServerReset):
        return value
    return value._replace(**{name: getattr(value, name) / faster for name in _durations(value)})


def _durations(value: Restart | ServerReset) -> list[str]:
    return [name for name in value._fields if name.endswith("_seconds")]


def _seconds_left(value: Any) -> float:
    """Of what it does to clients; how often it says so is no duration of its own."""
    if isinstance(value, ServerReset):
        return value.lost_seconds
    return sum(getattr(value, name) for name in _durations(value)) if isinstance(value, Restart) else 0.0


def aged(value: Any, seconds: float) -> Any:
    """What is left of a restart or a reset that long after it began; what it does to clients and books stays.

    A login is waited for until somebody signs in, however long ago the restart was.
    """
    if isinstance(value, ServerReset):
        return value._replace(lost_seconds=max(0.0, value.lost_seconds - seconds))
    if not isinstance(value, Restart):
        return value
    phases = ("refused_seconds",) if value.needs_login else ("refused_seconds", "mute_seconds", "farm_seconds")
    occupied = max(0.0, seconds - value.refused_seconds - value.mute_seconds)
    if not value.needs_login:
        value = value._replace(ids_occupied_seconds=max(0.0, value.ids_occupied_seconds - occupied))
    for name in phases:
        before = getattr(value, name)
        value = value._replace(**{name: max(0.0, before - seconds)})
        seconds = max(0.0, seconds - before)
    return value
