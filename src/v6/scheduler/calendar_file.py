"""The text of calendar.txt: pandas_market_calendars' answer for every weekday, with the site's late closures merged.

Its header names everything it was made from, so that compiling knows without importing pandas whether it is current.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, time, timedelta
from importlib import metadata

from v6.config.errors import ConfigError
from v6.scheduler.calendar_overrides import Override
from v6.scheduler.nyse_calendar import CLOSE, HEADER, OPEN, Deviation

AUTHORITY = "pandas_market_calendars"
FIRST = date(1990, 1, 1)
FUTURES_FIRST = date(2016, 1, 1)
"""Until September 2015 they closed at 17:15. pandas_market_calendars does not know, it says 17:00 of every year:
recorded trades of 2013 lie outside of its sessions. TWS keeps two years of expired months."""
MIN_DAYS_LEFT = 60


def last_day(today: date) -> date:
    """The calendar always reaches to the end of the year after next."""
    return date(today.year + 2, 12, 31)


def header(today: date, overrides: bytes | None) -> str:
    """Line 1 for these inputs. Raises ConfigError when the authority is not installed."""
    version = authority_version()
    digest = hashlib.sha256(overrides).hexdigest() if overrides is not None else "none"
    return f"{HEADER}{AUTHORITY} {version} covers {FIRST} {last_day(today)} overrides {digest}"


def futures_header(today: date) -> str:
    """Line 1 of futures_calendar.txt."""
    return f"{HEADER}{AUTHORITY} {authority_version()} covers {FUTURES_FIRST} {last_day(today)} futures"


def authority_version() -> str:
    """Of the installed package. Raises ConfigError."""
    try:
        return metadata.version(AUTHORITY)
    except metadata.PackageNotFoundError as error:
        raise ConfigError(f"{AUTHORITY}: is not installed: no calendar can be compiled") from error


def require_days_left(last: date, today: date) -> None:
    """Raises ConfigError while there is still time to act."""
    left = (last - today).days
    if left < MIN_DAYS_LEFT:
        raise ConfigError(
            f"calendar.txt: ends {last}, {left} days from {today}, allowed: at least {MIN_DAYS_LEFT} left"
        )


def render(head: str, deviations: Mapping[date, Deviation]) -> str:
    """The whole file, newest day first."""
    lines = [head]
    for day in sorted(deviations, reverse=True):
        opening, closing, reason = deviations[day]
        kind = "closed" if opening is None or closing is None else f"open {opening:%H%M} {closing:%H%M}"
        lines.append(f"{day} {kind} {reason}")
    return "\n".join(lines) + "\n"


def build(today: date, overrides: Mapping[date, Override]) -> dict[date, Deviation]:
    """Every weekday that is not a regular session. Imports pandas (about a second). Raises ConfigError."""
    from v6.scheduler import market_calendars

    last = last_day(today)
    require_days_left(last, today)
    deviations = market_calendars.deviations(FIRST, last)
    disagreements = [
        f"calendar: {day}: {text}; decide it in config/calendar_overrides.yaml"
        for day, text in market_calendars.disagreements(FIRST, last, deviations, closes_from=today)
        if day not in overrides
    ]
    if disagreements:
        raise ConfigError(*disagreements)
    for day, override in overrides.items():
        deviations[day] = Deviation(OPEN if override.close else None, override.close, override.reason)
    return deviations


def build_futures(today: date) -> dict[date, Deviation]:
    """Every weekday that is not a regular session of CME's equity index futures. Imports pandas. Raises ConfigError."""
    try:
        from v6.scheduler import market_calendars

        return market_calendars.futures_deviations(FUTURES_FIRST, last_day(today))
    except (ImportError, RuntimeError, ValueError, KeyError) as error:  # RuntimeError: it has no such calendar
        raise ConfigError(f"futures calendar: {AUTHORITY} {authority_version()}: {error}") from error


def weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


def is_regular(opening: time, closing: time) -> bool:
    return (opening, closing) == (OPEN, CLOSE)
