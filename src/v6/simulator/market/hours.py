"""When the simulated markets are open.

Indices and options: NYSE's regular sessions; stocks trade thinly before and after them too, from 04:00 to 20:00 (to
17:00 on early closes). Futures: Sunday 18:00 to Friday 17:00 New York with a break from 17:00 to 18:00, halted at 13:00
on NYSE holidays and 13:15 on early closes, shut on the three days CME shuts.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from v6.clock import NEW_YORK
from v6.scheduler.nyse_calendar import NYSECalendar

CHICAGO = ZoneInfo("America/Chicago")
DAY = timedelta(days=1)
FULL_CLOSURES = ("Christmas", "New Year", "Good Friday")


@dataclass(frozen=True, slots=True)
class Segment:
    """One session; `date` is its trade date, `start` and `end` are epoch seconds."""

    date: date
    start: float
    end: float
    early: bool = False

    def contains(self, instant: float) -> bool:
        return self.start <= instant < self.end


def new_york(day: date, hour: int, minute: int = 0) -> float:
    return datetime.combine(day, time(hour, minute), NEW_YORK).timestamp()


def new_york_date(instant: float) -> date:
    return datetime.fromtimestamp(instant, NEW_YORK).date()


class Hours:
    """Sessions from a compiled calendar, or, without one, every weekday 09:30-16:00 (`assumed`).

    `extended`: stocks trade before and after the regular session.
    """

    def __init__(self, calendar: Path | None = None, *, extended: bool = True) -> None:
        self._calendar = NYSECalendar(calendar) if calendar else None
        self.assumed = calendar is None
        self.has_extended = extended
        self.regular = lru_cache(maxsize=4096)(self._regular)
        self.futures = lru_cache(maxsize=4096)(self._futures)
        self.extended = lru_cache(maxsize=4096)(self._extended)
        self._latest: dict[str, tuple[Segment, float]] = {}

    def is_trading_day(self, day: date) -> bool:
        return self.regular(day) is not None

    def _regular(self, day: date) -> Segment | None:
        if self._calendar is not None:
            first, last = self._calendar.covers
            if first <= day <= last:
                session = self._calendar.session(day)
                if session is None:
                    return None
                return Segment(day, session.open.timestamp(), session.close.timestamp(), session.early)
        if day.weekday() >= 5:
            return None
        return Segment(day, new_york(day, 9, 30), new_york(day, 16))

    def _futures(self, day: date) -> Segment | None:
        """The futures session whose trade date is `day`: from 18:00 on the evening before."""
        if day.weekday() >= 5:
            return None
        end, early = new_york(day, 17), False
        regular = self.regular(day)
        if regular is None:
            reason = (self._calendar.closure_reason(day) or "") if self._calendar else ""
            if any(word in reason for word in FULL_CLOSURES):
                return None
            end, early = new_york(day, 13), True
        elif regular.early:
            end, early = new_york(day, 13, 15), True
        return Segment(day, new_york(day - DAY, 18), end, early)

    def _extended(self, day: date) -> Segment | None:
        """A stock's whole day of trading: the regular session with the hours before and after it."""
        regular = self.regular(day)
        if regular is None or not self.has_extended:
            return regular
        return Segment(day, new_york(day, 4), new_york(day, 17 if regular.early else 20), regular.early)

    def of(self, sec_type: str, day: date) -> Segment | None:
        """The regular session; a future's whole one."""
        return self.futures(day) if sec_type == "FUT" else self.regular(day)

    def whole(self, sec_type: str, day: date) -> Segment | None:
        """All of the time in which it trades that day."""
        return self.extended(day) if sec_type == "STK" else self.of(sec_type, day)

    def current(self, sec_type: str, instant: float) -> tuple[Segment, bool]:
        """The time of trading going on, or the last one before, and whether it is going on."""
        latest = self._latest.get(sec_type)
        if latest is not None and latest[0].start <= instant < latest[1]:
            return latest[0], instant < latest[0].end
        day = new_york_date(instant) + DAY
        following = new_york(day, 0)  # what begins later than today is found when the day is over
        for _ in range(15):
            segment = self.whole(sec_type, day)
            if segment is not None:
                if segment.start <= instant:
                    self._latest[sec_type] = (segment, following)
                    return segment, instant < segment.end
                following = segment.start
            day -= DAY
        raise LookupError(f"no session in the two weeks before {new_york_date(instant)}")

    def previous(self, sec_type: str, segment: Segment) -> Segment:
        day = segment.date - DAY
        for _ in range(15):
            before = self.of(sec_type, day)
            if before is not None:
                return before
            day -= DAY
        raise LookupError(f"no session in the two weeks before {segment.date}")


@lru_cache(maxsize=512)
def hours_text(hours: Hours, sec_type: str, today: date, *, liquid: bool, zone: ZoneInfo) -> str:
    """The tradingHours or liquidHours field of contract details: six days from today, closed days named."""
    parts = []
    for offset in range(6):
        day = today + offset * DAY
        segment = hours.of(sec_type, day)
        if segment is None:
            parts.append(f"{day:%Y%m%d}:CLOSED")
            continue
        start, end = segment.start, segment.end
        if sec_type == "FUT" and liquid:
            start, end = new_york(day, 9, 30), min(end, new_york(day, 16, 15))
        elif sec_type == "STK" and not liquid:
            start, end = new_york(day, 4), new_york(day, 17 if segment.early else 20)
        parts.append(f"{_wall(start, zone)}-{_wall(end, zone)}")
    return ";".join(parts)


def _wall(instant: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(instant, zone):%Y%m%d:%H%M}"
