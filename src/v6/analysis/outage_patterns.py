"""Times of day at which TWS or IBKR keeps going away although no window says so. Pure.

Signs within 30 minutes of each other are one outage, which counts by its beginning. Outages that begin within 15
minutes of one another's time of day are a pattern when they fall on at least 3 dates, or on 2 of one weekday (a weekly
maintenance), and do not last longer than 4 hours. A date with more than 4 outages is a bad line: it says nothing about
times of day.
The clock is the one, of the zones offered, on which they lie closest together: TWS's own restart follows the host's,
IBKR's resets New York's, and over a change of clocks only the right one keeps them together.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

ONE_OUTAGE = timedelta(minutes=30)
TOGETHER_MINUTES = 15
MIN_DATES, MIN_DATES_WEEKLY = 3, 2
MOST_A_DATE = 4
LONGEST_MINUTES = 4 * 60
MARGIN_MINUTES = 5
DAY_MINUTES = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Outage:
    """`end`: the last sign of it."""

    start: datetime
    end: datetime
    words: str


@dataclass(frozen=True, slots=True)
class LikelyWindow:
    """A window that would explain outages. Minutes of the day in `zone`; `end` may be past midnight."""

    zone: str
    start: int
    end: int
    days: tuple[str, ...]
    outages: tuple[Outage, ...]

    @property
    def name(self) -> str:
        return f"observed_{self.start // 60:02}{self.start % 60:02}"

    def yaml(self) -> str:
        """To paste into config/production.yaml."""
        days = {WEEKDAYS: "every", WEEKDAYS[:5]: "weekdays"}.get(self.days, f"[{', '.join(self.days)}]")
        times = f'start: "{_clock(self.start)}", end: "{_clock(self.end)}"'
        return f"scheduler:\n  restart_windows:\n    {self.name}: {{zone: {self.zone}, days: {days}, {times}}}"

    def evidence(self) -> list[str]:
        zone = ZoneInfo(self.zone)
        return [f"{one.start.astimezone(zone):%a %Y-%m-%d %H:%M %Z} {one.words}" for one in self.outages]


def outages(signs: Iterable[tuple[datetime, str]]) -> list[Outage]:
    """Signs (when, what) in any order, joined into outages."""
    found: list[Outage] = []
    for at, words in sorted(signs, key=lambda sign: sign[0].timestamp()):
        if found and at.timestamp() - found[-1].end.timestamp() <= ONE_OUTAGE.total_seconds():
            found[-1] = Outage(found[-1].start, at, found[-1].words)
        else:
            found.append(Outage(at, at, words))
    return found


def likely_windows(unexplained: Sequence[Outage], zones: Sequence[str]) -> list[LikelyWindow]:
    """One for each pattern; `zones`: on whose clocks to look, the first where it makes no difference."""
    candidates = [_patterns(unexplained, zone) for zone in dict.fromkeys(zones)]
    return max(candidates, key=lambda found: (sum(len(one.outages) for one in found), -_width(found)), default=[])


def _patterns(unexplained: Sequence[Outage], zone: str) -> list[LikelyWindow]:
    clock = ZoneInfo(zone)
    telling = _without_bad_dates(unexplained, clock)
    return [_window(group, zone) for group in _groups(telling, clock) if _is_pattern(group, clock)]


def _without_bad_dates(unexplained: Sequence[Outage], zone: ZoneInfo) -> list[Outage]:
    dates = [one.start.astimezone(zone).date() for one in unexplained]
    counts = Counter(dates)
    return [one for one, day in zip(unexplained, dates, strict=True) if counts[day] <= MOST_A_DATE]


def _groups(unexplained: Sequence[Outage], zone: ZoneInfo) -> list[list[Outage]]:
    """By time of day, midnight no border: the day is cut where nothing happens for the longest time."""
    by_time = sorted(unexplained, key=lambda one: _minute(one.start, zone))
    if not by_time:
        return []
    minutes = [_minute(one.start, zone) for one in by_time]
    gaps = [(minutes[index] - minutes[index - 1]) % DAY_MINUTES for index in range(len(minutes))]
    if len(minutes) > 1:
        cut = max(range(len(gaps)), key=lambda index: gaps[index])
        by_time, gaps = by_time[cut:] + by_time[:cut], gaps[cut:] + gaps[:cut]
    groups = [[by_time[0]]]
    for one, gap in zip(by_time[1:], gaps[1:], strict=True):
        if gap <= TOGETHER_MINUTES:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _is_pattern(group: Sequence[Outage], zone: ZoneInfo) -> bool:
    dates = set(_dates(group, zone))
    weekly = len({day.weekday() for day in dates}) == 1
    enough = len(dates) >= (MIN_DATES_WEEKLY if weekly else MIN_DATES)
    return enough and _end(group, zone) - _minute(group[0].start, zone) <= LONGEST_MINUTES


def _window(group: Sequence[Outage], zone: str) -> LikelyWindow:
    """From 5 minutes before the first to 5 after the last sign, on the minutes divisible by five."""
    clock = ZoneInfo(zone)
    first, last = _minute(group[0].start, clock), _end(group, clock)
    start = (first - MARGIN_MINUTES) // 5 * 5
    end = -(-(last + MARGIN_MINUTES) // 5) * 5
    days = {day.weekday() for day in _dates(group, clock)}
    names = WEEKDAYS if len(days) >= len(WEEKDAYS) - 1 else tuple(WEEKDAYS[day] for day in sorted(days))
    in_order = sorted(group, key=lambda one: one.start.timestamp())
    return LikelyWindow(zone, start % DAY_MINUTES, end % DAY_MINUTES, names, tuple(in_order))


def _end(group: Sequence[Outage], zone: ZoneInfo) -> int:
    """The last sign, in minutes after the midnight before the first one; past 1440 it is the next day."""
    first = _minute(group[0].start, zone)
    ends = ((_minute(one.start, zone) - first) % DAY_MINUTES + _length(one) for one in group)
    return first + max(ends)


def _length(one: Outage) -> int:
    return round((one.end.timestamp() - one.start.timestamp()) / 60)


def _minute(at: datetime, zone: ZoneInfo) -> int:
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute


def _dates(group: Sequence[Outage], zone: ZoneInfo) -> list[date]:
    """On which the window began: the evening before for what happens after midnight in one that begins before it."""
    first = _minute(group[0].start, zone)
    since = [(_minute(one.start, zone) - first) % DAY_MINUTES + MARGIN_MINUTES for one in group]
    return [
        (one.start.astimezone(zone).replace(tzinfo=None) - timedelta(minutes=minutes)).date()
        for one, minutes in zip(group, since, strict=True)
    ]


def _width(found: Sequence[LikelyWindow]) -> int:
    return sum((one.end - one.start) % DAY_MINUTES for one in found)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
