"""What differs between two texts of a compiled calendar, in words for a person. Pure, standard library only."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from v6.scheduler.nyse_calendar import HEADER, CalendarError, Deviation, parse


class Changes(NamedTuple):
    """`days`: one line a day whose hours changed within what both cover; `horizon` and `version`: one line or empty.

    `renamed`: days that only have another name: no hours change.
    """

    days: tuple[str, ...] = ()
    horizon: str = ""
    version: str = ""
    renamed: int = 0

    @property
    def lines(self) -> list[str]:
        return [line for line in (*self.days, self.horizon, self.version) if line]


def changes(before: str, after: str, regular: str) -> Changes:
    """From the compiled text to the new one; `regular`: the hours of a day that no line is about. Raises CalendarError
    when the new one cannot be read; an old one that cannot is one change."""
    try:
        old_first, old_last, old = parse(before, "the compiled calendar")
    except CalendarError as error:
        return Changes(days=(f"the compiled calendar could not be read: {error}",))
    first, last, new = parse(after, "the new calendar")
    both = (max(first, old_first), min(last, old_last))
    days = sorted(day for day in old.keys() | new.keys() if both[0] <= day <= both[1])
    differing = [day for day in days if _hours(old, day, regular) != _hours(new, day, regular)]
    renamed = sum(day in old and day in new and old[day].reason != new[day].reason for day in days)
    horizon = (
        "" if (first, last) == (old_first, old_last) else f"covers {first} to {last}, was {old_first} to {old_last}"
    )
    version = "" if _authority(before) == _authority(after) else f"{_authority(after)}, was {_authority(before)}"
    return Changes(
        tuple(_line(old, new, day, regular) for day in differing),
        horizon,
        version,
        renamed - sum(day in old and day in new and old[day].reason != new[day].reason for day in differing),
    )


def _line(old: Mapping[date, Deviation], new: Mapping[date, Deviation], day: date, regular: str) -> str:
    kind = "added" if day not in old else "removed" if day not in new else "changed"
    reason = (new.get(day) or old[day]).reason
    return f"{day} {kind}: {_hours(new, day, regular)}, was {_hours(old, day, regular)} ({reason})"


def _hours(deviations: Mapping[date, Deviation], day: date, regular: str) -> str:
    found = deviations.get(day)
    if found is None:
        return regular
    if found.open is None or found.close is None:
        return "closed"
    return f"{found.open:%H:%M}-{found.close:%H:%M}"


def _authority(text: str) -> str:
    """`pandas_market_calendars 5.5.0` of line 1."""
    words = text.partition("\n")[0].removeprefix(HEADER).split()
    return " ".join(words[: words.index("covers")])
