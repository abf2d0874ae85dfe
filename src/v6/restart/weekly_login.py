"""When IBKR's login token dies: after that TWS stays away until a person signs in with the second factor. Pure.

"The token is invalidated each Sunday at 01:00 ET" [IBKR's guide on auto restart]; `restart.weekly_login` says when.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from v6.clock import NEW_YORK
from v6.config.settings import WeeklyLogin
from v6.journal.restarts import Restart
from v6.restart.windows import UNEXPECTED, seconds_between

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNPROVEN = timedelta(hours=36)
"""Where nothing tells whether somebody has signed in, a port that is closed longer after the token's death has other
causes too."""


def last_death(login: WeeklyLogin, at: datetime) -> datetime:
    """The latest death of the token at or before the instant; New York."""
    return _around(login, at, (0, 7))[0]


def next_death(login: WeeklyLogin, at: datetime) -> datetime:
    """The first one after the instant."""
    return _around(login, at, (-7, 0))[-1]


def waits_for_a_person(login: WeeklyLogin, at: datetime, rows: Iterable[Restart]) -> datetime | None:
    """Since when a TWS that is away must be signed in by hand; None: somebody has, so that something else is wrong.

    That TWS was reached since the token died proves nothing: one that has not been restarted runs on with a dead
    token, and its next restart is the one that asks for the login."""
    died = last_death(login, at)
    reached = [row for row in rows if row.connected_at is not None]
    since = {_signed_in(row, died) for row in reached if seconds_between(died, row.connected_at) >= 0}
    if True in since:
        return None
    sure = bool(reached) and None not in since
    return died if sure or seconds_between(died, at) <= UNPROVEN.total_seconds() else None


def _signed_in(row: Restart, died: datetime) -> bool | None:
    """Whether the TWS that was reached after the token's death was started after it; None: that was not to be seen."""
    if row.started_at is not None:
        return seconds_between(died, row.started_at) >= 0
    if row.observed == "no_restart":
        return False
    began_after = seconds_between(died, row.window_start) >= 0
    return True if began_after and (row.observed == "restarted" or row.window == UNEXPECTED) else None


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
