"""Sessions of CME's equity index futures (ES, NQ, RTY) from the compiled calendar. Standard library only.

A session belongs to its trade date: regularly it begins at 18:00 New York on the evening before and ends at 17:00. The
authority is pandas_market_calendars ("CME Globex Equity"); `v6.scheduler.compile` writes its answer to
futures_calendar.txt. Asking about a day outside what that file covers raises.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

from v6.scheduler.nyse_calendar import CalendarError, Deviation, Session, compiled_text, parse, session_of

FILE = "futures_calendar.txt"
OPEN, CLOSE = time(18), time(17)
DAY = timedelta(days=1)


class FuturesCalendar:
    """Answers about trade dates from `first` to `last`, both included."""

    def __init__(self, path: Path) -> None:
        """Raises CalendarError."""
        self.first, self.last, self._deviations = parse(compiled_text(path), str(path))

    @property
    def covers(self) -> tuple[date, date]:
        """First and last trade date that can be asked for."""
        return self.first, self.last

    def session(self, day: date) -> Session | None:
        """The session of that trade date, None when there is none. `early`: it ends before 17:00."""
        if not self.first <= day <= self.last:
            raise CalendarError(f"the futures calendar covers {self.first} to {self.last}, not {day}; recompile it")
        return session_of(day, self._deviations, Deviation(OPEN, CLOSE, ""), opens=DAY)

    def reason(self, day: date) -> str | None:
        """The name of what makes a weekday a holiday or an early close, else None."""
        found = self._deviations.get(day)
        return found.reason if found else None

    def sessions(self, first: date, last: date) -> Iterator[Session]:
        """Those of the trade dates from `first` to `last`, oldest first."""
        for offset in range((last - first).days + 1):
            if session := self.session(first + offset * DAY):
                yield session
