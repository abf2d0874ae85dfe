"""Sessions around a day, from the compiled calendar."""

from datetime import date, timedelta

from v6.scheduler.nyse_calendar import NYSECalendar, Session

LONGEST_CLOSURE = 14
"""NYSE's longest closure since 1933 was four sessions (September 2001)."""


def previous_session(calendar: NYSECalendar, before: date) -> Session:
    """The last session before that day."""
    for days in range(1, LONGEST_CLOSURE):
        if session := calendar.session(before - timedelta(days=days)):
            return session
    raise AssertionError(f"no session in the {LONGEST_CLOSURE} days before {before}")
