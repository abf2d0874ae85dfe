"""When IBKR resets its own servers. V6 does not choose these times: TWS stays up, 1100 comes and then 1102 or 1101.

A table beside the configured windows: nothing is held back for it and no restart is prepared. An outage inside it is
expected, and `validate_server_reset` proves afterwards that data flow. Change VERSION with every change of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from v6.restart.windows import current
from v6.scheduler.compiled import Window

Region = Literal["north_america", "europe", "asia_pacific"]
EVERYWHERE = "everywhere"
VERSION = 1
SUNDAY_TO_FRIDAY, SATURDAY_TO_THURSDAY = "123457", "123467"
STATUS_PAGE = "https://www.interactivebrokers.co.uk/en/software/systemStatus.php"


@dataclass(frozen=True, slots=True)
class Reset:
    """`window` never acts. `region`: of the data centre the account is on; IBKR assigns it, TWS's log names it.
    `as_of`: when the source was read. Where sources disagree both rows stand, and the words say so."""

    region: Region | Literal["everywhere"]
    window: Window
    source: str
    as_of: date
    words: str
    no_service: bool = False
    """From its start to its end, not only for seconds or minutes somewhere inside."""


def _reset(
    region: Region | Literal["everywhere"],
    name: str,
    zone: str,
    days: str,
    start: tuple[int, int],
    end: tuple[int, int],
    source: str,
    words: str,
    no_service: bool = False,
) -> Reset:
    first, last = start[0] * 60 + start[1], end[0] * 60 + end[1]
    window = Window(name=name, zone=zone, days=days, start=first, end=last, acts=False)
    return Reset(region, window, source, date(2026, 11, 21), words, no_service)


RESETS = (
    _reset(
        "north_america",
        "server_reset",
        "America/New_York",
        SUNDAY_TO_FRIDAY,
        (0, 15),
        (1, 45),
        STATUS_PAGE,
        "the present page; logs of 2026 agree; about 14 s without a connection inside it",
    ),
    _reset(
        "north_america",
        "server_reset_older",
        "America/New_York",
        SATURDAY_TO_THURSDAY,
        (23, 45),
        (0, 45),
        "IBKR's older pages, still quoted widely",
        "not seen in logs of 2026; kept because IBKR has moved the reset before [unverified]",
    ),
    _reset(
        "europe",
        "server_reset_europe",
        "Europe/Zurich",
        SUNDAY_TO_FRIDAY,
        (6, 25),
        (7, 45),
        STATUS_PAGE,
        "the page says CET; that its times follow European summer time is [unverified]",
    ),
    _reset(
        "asia_pacific",
        "server_reset_asia_first",
        "Asia/Hong_Kong",
        SUNDAY_TO_FRIDAY,
        (4, 45),
        (6, 5),
        STATUS_PAGE,
        "which weekdays it means in Hong Kong is [unverified]",
    ),
    _reset(
        "asia_pacific",
        "server_reset_asia_second",
        "Asia/Hong_Kong",
        SUNDAY_TO_FRIDAY,
        (20, 15),
        (21, 15),
        STATUS_PAGE,
        "which weekdays it means in Hong Kong is [unverified]",
    ),
    _reset(
        "everywhere",
        "weekend_reset",
        "America/New_York",
        "5",
        (23, 0),
        (3, 0),
        STATUS_PAGE,
        "no service is promised",
        no_service=True,
    ),
)


def of_region(region: Region) -> Sequence[Window]:
    """What an account of that region sees."""
    return [reset.window for reset in RESETS if reset.region in (region, EVERYWHERE)]


def no_service_until(region: Region, at: datetime) -> datetime | None:
    """Until when (New York) IBKR promises nothing: what does not work before that is no failure of TWS. None: a
    daily reset lasts seconds, what does not work longer has failed."""
    found = [
        current([reset.window], at) for reset in RESETS if reset.no_service and reset.region in (region, EVERYWHERE)
    ]
    return next((one.end for one in found if one is not None), None)
