"""When IBKR's login token dies: after that TWS stays away until a person signs in with the second factor. Pure.

"The token is invalidated each Sunday at 01:00 ET" [IBKR's guide on auto restart]; `restart.weekly_login` says when.
"""

from datetime import datetime, time, timedelta

from v6.clock import NEW_YORK
from v6.config.settings import WeeklyLogin

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNPROVEN = timedelta(hours=36)
"""Where TWS was never seen working, a port that is closed longer after the token's death has other causes too."""


def last_death(login: WeeklyLogin, at: datetime) -> datetime:
    """The latest death of the token at or before the instant; New York."""
    return _around(login, at, (0, 7))[0]


def next_death(login: WeeklyLogin, at: datetime) -> datetime:
    """The first one after the instant."""
    return _around(login, at, (-7, 0))[-1]


def waits_for_a_person(login: WeeklyLogin, at: datetime, last_seen: datetime | None) -> datetime | None:
    """Since when a TWS that is away must be signed in by hand; None: its token lives, it has worked since
    (`last_seen`), so that something else is wrong."""
    died = last_death(login, at)
    if last_seen is None:
        return died if at.timestamp() - died.timestamp() <= UNPROVEN.total_seconds() else None
    return died if last_seen.timestamp() < died.timestamp() else None


def _around(login: WeeklyLogin, at: datetime, back: tuple[int, int]) -> list[datetime]:
    """The candidates of these days back, latest first: those before or at `at` for (0, 7), after it for (-7, 0)."""
    wall = at.astimezone(NEW_YORK)
    hour, _, minute = login.time.partition(":")
    this_week = wall.date() - timedelta(days=(wall.weekday() - DAYS.index(login.day)) % 7)
    found = [
        datetime.combine(this_week - timedelta(days=days), time(int(hour), int(minute)), NEW_YORK) for days in back
    ]
    past = back[0] == 0
    return [one for one in found if (one.timestamp() <= at.timestamp()) is past]
