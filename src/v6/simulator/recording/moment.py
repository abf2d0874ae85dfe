"""When a recording began: by TWS's handshake, else by its answer to reqCurrentTime, else by the recorder's clock."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from v6 import clock
from v6.simulator.market.hours import Hours, new_york_date
from v6.simulator.recording.file import FROM_TWS, Recording

HANDSHAKE_TIME = re.compile(r"(\d{8}) +(\d\d:\d\d:\d\d)(?: +(\S.*))?")
CURRENT_TIME = re.compile("49\0[0-9]\0([0-9]{10})")
# as Java names them: in letters, hours ahead of UTC ...
LETTERS = {
    "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "IST": 5.5, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "SGT": 8, "HKT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "CST": -6,
    "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "HST": -10,
}  # fmt: skip
# ... and in words, before "Standard Time", "Summer Time" and the like; the zone's rules tell which half of the year
WORDS = {
    "Eastern": "America/New_York", "Central": "America/Chicago", "Mountain": "America/Denver",
    "Pacific": "America/Los_Angeles", "Coordinated Universal": "UTC", "Greenwich Mean": "Europe/London",
    "British": "Europe/London", "Western European": "Europe/Lisbon", "Central European": "Europe/Berlin",
    "Eastern European": "Europe/Helsinki", "Israel": "Asia/Jerusalem", "Moscow": "Europe/Moscow",
    "Gulf": "Asia/Dubai", "India": "Asia/Kolkata", "China": "Asia/Shanghai", "Hong Kong": "Asia/Hong_Kong",
    "Singapore": "Asia/Singapore", "Japan": "Asia/Tokyo", "Korean": "Asia/Seoul", "Brasilia": "America/Sao_Paulo",
    "Australian Eastern": "Australia/Sydney",
}  # fmt: skip
IN_WORDS = re.compile(r"(?P<place>.+?)(?P<half> Standard| Daylight| Summer)? Time")
OFFSET = re.compile(r"(?:GMT|UTC)(?P<sign>[+-])(?P<hours>\d\d?):?(?P<minutes>\d\d)?")


class Moment(NamedTuple):
    """`by`: whose clock that is. `closed`: no session of the exchange is on then, so that orders are not filled."""

    at: datetime
    by: str
    closed: bool

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M %Z}, {self.by}{' (market closed)' if self.closed else ''}"


def moment(recording: Recording, calendar: Path | None = None, at: datetime | None = None) -> Moment:
    """When the recording began. `at`: the user knows better. Raises what an unreadable calendar raises."""
    found, by = (at, "as --at says") if at else _began(recording)
    local, instant = found.astimezone(clock.NEW_YORK), found.timestamp()
    session = Hours(calendar).regular(new_york_date(instant))
    return Moment(local, by, session is None or not session.contains(instant))


def placed_at(recording: Recording, when: Moment) -> Recording:
    return replace(recording, date=when.at)


def _began(recording: Recording) -> tuple[datetime, str]:
    for talk in recording.conversations:
        said = handshake_time(talk.handshake[1]) if len(talk.handshake) > 1 else None
        if said is not None:
            return said - timedelta(seconds=int(talk.at)), "by the handshake's clock"
    for talk in recording.conversations:
        for message in talk.messages:
            if message.direction == FROM_TWS and (found := CURRENT_TIME.fullmatch("\0".join(message.fields))):
                return datetime.fromtimestamp(int(found[1]) - int(message.at), UTC), "by reqCurrentTime's clock"
    return recording.date, "by the recorder's own clock"


def handshake_time(text: str) -> datetime | None:
    """`20261124 10:35:00 EST`; None when the time or its zone is not understood."""
    if not (match := HANDSHAKE_TIME.fullmatch(text.strip())):
        return None
    try:
        wall = datetime.strptime(f"{match[1]} {match[2]}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        return _in_zone(wall, match[3] or "")
    except (ValueError, OverflowError):
        return None


def _in_zone(wall: datetime, name: str) -> datetime | None:
    """Raises ValueError for an offset that cannot be."""
    if name in LETTERS:
        return wall.replace(tzinfo=timezone(timedelta(hours=LETTERS[name])))
    if offset := OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        return wall.replace(tzinfo=timezone(ahead if offset["sign"] == "+" else -ahead))
    words = IN_WORDS.fullmatch(name)
    if words and words["place"] in WORDS:
        # in the hour that comes twice, the word of the half tells which
        return wall.replace(tzinfo=ZoneInfo(WORDS[words["place"]]), fold=int(words["half"] == " Standard"))
    try:
        return wall.replace(tzinfo=ZoneInfo(name)) if "/" in name else None
    except (KeyError, OSError):  # not known, or the name of a folder of zones
        return None
