"""NYSE sessions, holidays and market phases from the compiled calendar. Standard library only.

The authority is pandas_market_calendars; `v6.scheduler.compile` writes its answer to calendar.txt. Asking about a day
outside what that file covers raises: an unknown day must never look like a holiday, nor like a trading day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from v6 import clock
from v6.clock import NEW_YORK
from v6.model import FatalError
from v6.paths import Paths

Phase = Literal["pre_market", "market_open", "post_market", "closed"]

HEADER = "# v6 calendar 1 "
OPEN, CLOSE = time(9, 30), time(16, 0)
PRE_MARKET_FROM = time(4, 0)
POST_MARKET_UNTIL = time(20, 0)
POST_MARKET_UNTIL_EARLY = time(17, 0)
WEEKEND = "weekend"


class CalendarError(FatalError):
    """The compiled calendar is missing, cannot be read, or does not cover the day asked for."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading session; `open` and `close` are aware New York instants. `early`: closes before 16:00."""

    date: date
    open: datetime
    close: datetime
    early: bool


class Deviation(NamedTuple):
    """A weekday that is not a regular session. `open` and `close` are None when NYSE is closed all day."""

    open: time | None
    close: time | None
    reason: str


class NYSECalendar:
    """Answers about New York days from `first` to `last`, both included."""

    def __init__(self, path: Path | None = None, *, observe_holidays: bool = True) -> None:
        """Read calendar.txt (default: this home's). `observe_holidays=False` (scheduler.enable_holiday_check) makes
        closed weekdays regular sessions. Raises CalendarError."""
        path = Paths.locate().compiled / "calendar.txt" if path is None else path
        self._read(compiled_text(path), str(path), observe_holidays)

    @classmethod
    def from_text(cls, text: str, label: str = "calendar", *, observe_holidays: bool = True) -> "NYSECalendar":
        """The same from text that has not been written yet."""
        calendar = cls.__new__(cls)
        calendar._read(text, label, observe_holidays)
        return calendar

    def _read(self, text: str, label: str, observe_holidays: bool) -> None:
        self.first, self.last, deviations = parse(text, label)
        self._deviations = {
            day: deviation for day, deviation in deviations.items() if observe_holidays or deviation.open is not None
        }
        self._sessions: dict[date, Session | None] = {}

    @property
    def covers(self) -> tuple[date, date]:
        """First and last day that can be asked for."""
        return self.first, self.last

    def is_trading_day(self, day: date | None = None) -> bool:
        return self.session(day) is not None

    def session(self, day: date | None = None) -> Session | None:
        """The session of that New York day (default: today), None when NYSE is closed."""
        day = clock.now().date() if day is None else day
        if day not in self._sessions:
            self._sessions[day] = self._session(day)
        return self._sessions[day]

    def next_session(self, after: date | None = None) -> Session:
        """The first session after that day (default: today)."""
        day = clock.now().date() if after is None else after
        while True:
            day += timedelta(days=1)
            if session := self.session(day):
                return session

    def closure_reason(self, day: date | None = None) -> str | None:
        """Why NYSE is closed that day: `weekend` or the holiday's name; None on a trading day."""
        day = clock.now().date() if day is None else day
        if self.session(day):
            return None
        return WEEKEND if day.weekday() >= 5 else self._deviations[day].reason

    def deviation(self, day: date) -> str | None:
        """The name of what makes a weekday a holiday, an early close or a late open, else None."""
        found = self._deviations.get(day)
        return found.reason if found else None

    def get_market_phase(self, instant: datetime | None = None) -> Phase:
        """The phase at that aware instant (default: now). Bounds belong to the phase they open."""
        wall = (clock.now() if instant is None else instant).astimezone(NEW_YORK)
        session = self.session(wall.date())
        if session is None:
            return "closed"
        at = wall.time()
        if at >= session.close.time():
            until = POST_MARKET_UNTIL_EARLY if session.early else POST_MARKET_UNTIL
            return "post_market" if at < until else "closed"
        if at >= session.open.time():
            return "market_open"
        return "pre_market" if at >= PRE_MARKET_FROM else "closed"

    def _session(self, day: date) -> Session | None:
        if not self.first <= day <= self.last:
            words = f"the calendar covers {self.first} to {self.last}, not {day}"
            raise CalendarError(f"{words}: it is kept to the end of the year after next, and no further")
        return session_of(day, self._deviations, Deviation(OPEN, CLOSE, ""))


def parse(text: str, label: str) -> tuple[date, date, dict[date, Deviation]]:
    """First and last day covered, and the deviations. Raises CalendarError naming the line."""
    lines = text.splitlines()
    words = lines[0].removeprefix(HEADER).split() if lines and lines[0].startswith(HEADER) else []
    try:
        position = words.index("covers")
        first, last = date.fromisoformat(words[position + 1]), date.fromisoformat(words[position + 2])
    except (ValueError, IndexError) as error:
        raise CalendarError(f"{label}: line 1 is not a V6 calendar header; recompile it") from error
    deviations = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            day, deviation = _deviation(line)
        except ValueError as error:
            raise CalendarError(f"{label}: line {number} cannot be read: {line!r}") from error
        deviations[day] = deviation
    return first, last, deviations


def _deviation(line: str) -> tuple[date, Deviation]:
    day, kind, rest = line.split(" ", 2)
    if kind == "closed":
        return date.fromisoformat(day), Deviation(None, None, rest)
    if kind != "open":
        raise ValueError(kind)
    opening, closing, reason = rest.split(" ", 2)
    return date.fromisoformat(day), Deviation(_time(opening), _time(closing), reason)


def _time(digits: str) -> time:
    return time(int(digits[:2]), int(digits[2:]))


def compiled_text(path: Path) -> str:
    """Of a compiled calendar. Raises CalendarError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CalendarError(
            f"{path}: {error.strerror}; `.venv/bin/python -m v6.scheduler.compile` writes it"
        ) from error


def session_of(
    day: date, deviations: Mapping[date, Deviation], regular: Deviation, opens: timedelta = timedelta()
) -> Session | None:
    """The session of the trade date, None when there is none; it opens `opens` days before it."""
    opening, closing, _ = deviations.get(day) or regular
    if day.weekday() >= 5 or opening is None or closing is None or regular.close is None:
        return None
    return Session(
        day,
        datetime.combine(day - opens, opening, NEW_YORK),
        datetime.combine(day, closing, NEW_YORK),
        closing < regular.close,
    )
