"""The two packages that know NYSE. Importing this module imports pandas: only compiling does."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time
from importlib import util

import pandas as pd
import pandas_market_calendars
from pandas_market_calendars.holidays import nyse as adhoc_names

from v6.scheduler.calendar_file import is_regular, weekdays
from v6.scheduler.nyse_calendar import CLOSE, OPEN, Deviation

FUTURES = "CME Globex Equity"
"""CME_Equity, the older one, closes at 13:00 where CME closes at 13:15 [its issues 335, 464]."""
FUTURES_HOURS = (time(18), time(17))
USUAL_NAMES = {
    "Before Christmas": "Christmas Eve",
    "Christmas Eve": "Christmas Eve",
    "Before Independence Day": "Day before Independence Day",
    "after Independence Day": "Day after Independence Day",
    "Black Friday": "Day after Thanksgiving",
    "July 4th": "Independence Day",
    "New Years Day": "New Year's Day",
    "Martin Luther King": "Martin Luther King Jr. Day",
    "Presidents Day": "Presidents' Day",
    "Good Friday": "Good Friday",
}
ADHOC_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])")

Hours = tuple[time, time]


def deviations(first: date, last: date) -> dict[date, Deviation]:
    """Every weekday of the span that pandas_market_calendars does not call a regular session, with its name."""
    calendar = pandas_market_calendars.get_calendar("NYSE")
    with _their_own_deprecations():
        hours = _hours(calendar.schedule(first, last))
    names = _names(calendar, first, last)
    found = {}
    for day in weekdays(first, last):
        if day not in hours:
            found[day] = Deviation(None, None, names.get(day, "Special closure"))
        elif not is_regular(*hours[day]):
            found[day] = Deviation(*hours[day], names.get(day, _kind(*hours[day])))
    return found


def futures_deviations(first: date, last: date) -> dict[date, Deviation]:
    """The same for the trade dates of CME's equity index futures: regular is 18:00 of the day before until 17:00.

    Raises ValueError when a session begins on another day than the one before its trade date.
    """
    calendar = pandas_market_calendars.get_calendar(FUTURES)
    with _their_own_deprecations():
        schedule = calendar.schedule(first, last)
        hours = _hours(schedule)
    begins = schedule["market_open"].dt.tz_convert("America/New_York").dt.date
    odd = [day.date() for day, begin in zip(schedule.index, begins, strict=True) if (day.date() - begin).days != 1]
    if odd:
        raise ValueError(f"{FUTURES}: the session of {odd[0]} does not begin on the evening before")
    names = _names(calendar, first, last) | _names(pandas_market_calendars.get_calendar("NYSE"), first, last)
    found = {}
    for day in weekdays(first, last):
        if day not in hours:
            found[day] = Deviation(None, None, names.get(day, "Special closure"))
        elif hours[day] != FUTURES_HOURS:
            found[day] = Deviation(*hours[day], names.get(day, "Early close"))
    return found


def disagreements(
    first: date, last: date, ours: Mapping[date, Deviation], *, closes_from: date
) -> Iterator[tuple[date, str]]:
    """Days on which exchange_calendars says otherwise; nothing when it is not installed. It ends a year ahead.

    Closing times are compared from `closes_from` on: of 1990-2005 it leaves out some unplanned early closes.
    """
    if util.find_spec("exchange_calendars") is None:
        return
    import exchange_calendars

    with _their_own_deprecations():
        theirs = exchange_calendars.get_calendar("XNYS", start=str(first))
    end = min(last, theirs.last_session.date())
    hours = _hours(theirs.schedule.rename(columns={"open": "market_open", "close": "market_close"}))
    for day in weekdays(max(first, theirs.first_session.date()), end):
        deviation = ours.get(day)
        closed = deviation is not None and deviation.open is None
        if closed != (day not in hours):
            yield day, f"exchange_calendars has it {'open' if closed else 'closed'}, pandas_market_calendars does not"
        elif not closed and day >= closes_from and (deviation.close if deviation else CLOSE) != hours[day][1]:
            yield day, f"exchange_calendars closes at {hours[day][1]:%H:%M}, pandas_market_calendars does not"


@contextmanager
def _their_own_deprecations() -> Iterator[None]:
    """What these packages use of pandas that will go away: their authors' business, and no use in a cron log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield


def _hours(schedule: pd.DataFrame) -> dict[date, Hours]:
    opens = schedule["market_open"].dt.tz_convert("America/New_York")
    closes = schedule["market_close"].dt.tz_convert("America/New_York")
    return {
        day.date(): (opening.time(), closing.time())
        for day, opening, closing in zip(schedule.index, opens, closes, strict=True)
    }


def _names(calendar: pandas_market_calendars.MarketCalendar, first: date, last: date) -> dict[date, str]:
    """Names of holidays and special sessions; ad-hoc ones are only named by the package's own variables."""
    names = {day: name for day, name in _adhoc() if first <= day <= last}
    special = (rules for _, rules in (*calendar.special_opens, *calendar.special_closes))
    for rules in (*special, calendar.regular_holidays):
        for stamp, name in rules.holidays(str(first), str(last), return_name=True).items():
            names[stamp.date()] = _words(str(name))
    return names


def _adhoc() -> Iterator[tuple[date, str]]:
    for variable, value in vars(adhoc_names).items():
        if isinstance(value, list | pd.DatetimeIndex):
            for stamp in value:
                if isinstance(stamp, pd.Timestamp):
                    yield stamp.date(), _words(ADHOC_WORDS.sub(" ", variable))


def _words(name: str) -> str:
    """Plain ASCII on one line; rule names end in the years they apply to ("Good Friday 1908+")."""
    plain = " ".join(name.encode("ascii", "ignore").decode().split())
    for phrase, usual in USUAL_NAMES.items():
        if phrase in plain:
            return usual
    return re.sub(r"( \d{4}\+| Starting at \d{4})$", "", plain) or "Special"


def _kind(opening: time, closing: time) -> str:
    return "Early close" if closing < CLOSE else "Late open" if opening > OPEN else "Special session"
