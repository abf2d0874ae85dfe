"""When TWS and IBKR restart: the occurrences of the configured windows. Pure; the days are `v6.scheduler.slots`'.

Windows that V6 acts on and that overlap, or lie so close that the end of one and the beginning of the next cannot both
be worked on, are one restart: from Tokyo, TWS's own restart lies inside IBKR's Sunday maintenance. `current_acting`,
`next_acting` and `last_acting` speak of such restarts, `occurrences` and `current` of the windows as configured.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from v6.journal.timestamps import slot_text
from v6.scheduler import slots, wall
from v6.scheduler.compiled import Window

MINUTE = timedelta(minutes=1)
LOOK = timedelta(days=8)
"""Every window begins at least once a week."""
JUST_OVER = timedelta(minutes=10)
"""post_restart begins 5 minutes after a window and sees to what has changed in it; before that nothing is late."""
UNEXPECTED = "unexpected"
"""In a window's place for a TWS that went or restarted outside of all of them."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of one window (or of several that are one restart, their names joined by `+`). New York, aware;
    `end` is outside. Compare instants with `seconds_between`: two New York datetimes compare as wall clocks."""

    name: str
    start: datetime
    end: datetime
    acts: bool

    @property
    def key(self) -> str:
        """What names this occurrence in the journal and in alerts: `daily_restart 2026-11-24T04:45:00Z`."""
        return f"{self.name} {slot_text(self.start)}"

    def contains(self, at: datetime) -> bool:
        return seconds_between(self.start, at) >= 0 > seconds_between(self.end, at)

    def __str__(self) -> str:
        """`daily_restart 2026-11-23 23:45-00:05 EST`; both zones when clocks change inside."""
        first = f" {self.start:%Z}" if self.start.utcoffset() != self.end.utcoffset() else ""
        return f"{self.name} {self.start:%Y-%m-%d %H:%M}{first}-{self.end:%H:%M %Z}"


def occurrences(windows: Iterable[Window], first: datetime, last: datetime) -> list[Occurrence]:
    """Every occurrence that has a minute in common with [first, last] or touches it, by start."""
    low, high = wall.minute_of(first), wall.minute_of(last)
    found = {
        (start, end, window.name): window.acts
        for window in windows
        for start, end in slots.spans(window, low, high)
        if start <= high and end >= low
    }
    return [
        Occurrence(name, wall.new_york(start), wall.new_york(end), acts)
        for (start, end, name), acts in sorted(found.items())
    ]


def current(windows: Iterable[Window], at: datetime) -> Occurrence | None:
    """The window that contains the instant, one that acts first."""
    inside = [one for one in occurrences(windows, at, at) if one.contains(at)]
    return min(inside, key=lambda one: not one.acts, default=None)


def current_acting(windows: Iterable[Window], at: datetime) -> Occurrence | None:
    """The restart that contains the instant: TWS is expected to be away, and nothing new is to be begun."""
    return next((one for one in _restarts(windows, at) if one.contains(at)), None)


def next_acting(windows: Iterable[Window], at: datetime) -> Occurrence | None:
    """The next restart that begins at or after the instant; None when no window acts."""
    return next((one for one in _restarts(windows, at) if seconds_between(at, one.start) >= 0), None)


def last_acting(windows: Iterable[Window], at: datetime) -> Occurrence | None:
    """The last restart that had ended at the instant; None when no window acts."""
    return next((one for one in reversed(_restarts(windows, at)) if seconds_between(one.end, at) >= 0), None)


def just_over(windows: Iterable[Window], at: datetime) -> Occurrence | None:
    """The restart that had ended at the instant, and so short ago that post_restart still sees to it."""
    found = last_acting(windows, at)
    return found if found is not None and seconds_between(found.end, at) < JUST_OVER.total_seconds() else None


def seconds_between(start: datetime, end: datetime) -> float:
    """Real seconds from one instant to the other. Two datetimes of one zone would be subtracted as wall clocks."""
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()


def minutes_until(moment: datetime, at: datetime) -> int:
    """Whole minutes from `at` to `moment`, rounded up; negative when it is past."""
    return math.ceil(seconds_between(at, moment) / 60)


def in_words(seconds: float) -> str:
    """`3 d 4 h`, `4 h 5 min`, `5 min`, `40 s`: a duration as a person says it, to the nearest minute."""
    if abs(seconds) < 60:
        return f"{abs(seconds):.0f} s"
    minutes = round(abs(seconds) / 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _restarts(windows: Iterable[Window], at: datetime) -> list[Occurrence]:
    """The restarts around the instant, by start."""
    around = at.astimezone(UTC)
    low, high = wall.minute_of(around - LOOK), wall.minute_of(around + LOOK)
    return [
        Occurrence(names, wall.new_york(start), wall.new_york(end), acts=True)
        for start, end, names in slots.restarts(windows, low, high)
    ]
