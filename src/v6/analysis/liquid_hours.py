"""TWS's own trading hours of a contract against the compiled calendar. Pure."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from v6.clock import NEW_YORK

Span = tuple[datetime, datetime]


def differences(liquid_hours: Sequence[Span], session_of: Callable[[date], Span | None]) -> list[str]:
    """Every day on which the two disagree, in words, from the first to the last day that TWS lists.

    `liquid_hours` are TWS's regular sessions; a day between them without one is closed for TWS. `session_of` gives the
    calendar's open and close, None when closed.
    """
    listed = {opens.astimezone(NEW_YORK).date(): (opens, closes) for opens, closes in liquid_hours}
    found: list[str] = []
    if not listed:
        return found
    day, last = min(listed), max(listed)
    while day <= last:
        theirs, ours = listed.get(day), session_of(day)
        if theirs != ours:
            found.append(f"{day}: TWS {_words(theirs)}, calendar {_words(ours)}")
        day += timedelta(days=1)
    return found


def _words(span: Span | None) -> str:
    if span is None:
        return "closed"
    opens, closes = (instant.astimezone(NEW_YORK) for instant in span)
    return f"{opens:%H:%M}-{closes:%H:%M}"
