"""What cron would start at a minute: a reader of rendered crontabs, following Debian's cron(8)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from v6.scheduler.crontab_grammar import REBOOT, minutes_of

SETTING = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)")
FIELDS = ("minute", "hour", "day of month", "month", "day of week")


@dataclass(frozen=True, slots=True)
class CronLine:
    """One line: the five fields as sets of numbers (Sunday 0), and the command that /bin/sh gets."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool  # one of the two day fields is `*`: then both must match, otherwise either
    wildcard: bool  # minute or hour begins with `*`: follows the clock at a DST change, is never caught up
    command: str

    def matches(self, wall: datetime) -> bool:
        """Whether the line starts when the clocks of its host show `wall`."""
        if wall.minute not in self.minutes or wall.hour not in self.hours or wall.month not in self.months:
            return False
        day, weekday = wall.day in self.days, wall.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day else (day or weekday)


@dataclass(frozen=True, slots=True)
class Crontab:
    """A user's crontab: what it adds to the environment, its lines, and the commands of a start of the host."""

    settings: dict[str, str]
    lines: tuple[CronLine, ...]
    at_start: tuple[str, ...] = ()


def read_crontab(text: str) -> Crontab:
    """Raises ValueError for a line that is neither a setting nor five fields and a command."""
    settings: dict[str, str] = {}
    lines, at_start = [], []
    for line in text.splitlines():
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if setting := SETTING.fullmatch(words):
            settings[setting[1]] = setting[2].strip("\"'")
            continue
        if words.startswith(f"{REBOOT} "):
            at_start.append(words.removeprefix(REBOOT).strip().replace("\\%", "%"))
            continue
        fields = words.split(maxsplit=5)
        if len(fields) != 6:
            raise ValueError(f"{line!r}: not five fields and a command")
        lines.append(_line(fields))
    return Crontab(settings, tuple(lines), tuple(at_start))


def due(lines: Iterable[CronLine], wall: datetime) -> list[CronLine]:
    """What starts at the real minute `wall` (aware, the host's zone).

    Around a DST change as cron(8) promises: a fixed time that the clock skipped runs at once, one that the clock
    repeats does not run again; lines with `*` as minute or hour just follow the wall clock.
    """
    skipped = _skipped_minutes(wall)
    return [line for line in lines if _starts(line, wall, skipped)]


def _starts(line: CronLine, wall: datetime, skipped: list[datetime]) -> bool:
    if line.wildcard:
        return line.matches(wall)
    return (line.matches(wall) and not wall.fold) or any(line.matches(minute) for minute in skipped)


def _skipped_minutes(wall: datetime) -> list[datetime]:
    earlier = datetime.fromtimestamp(wall.timestamp() - 60, wall.tzinfo)
    jump = (wall.utcoffset() or timedelta()) - (earlier.utcoffset() or timedelta())
    naive = wall.replace(tzinfo=None)
    return [naive - timedelta(minutes=back) for back in range(1, int(jump.total_seconds() // 60) + 1)]


def _line(fields: list[str]) -> CronLine:
    minutes, hours, days, months, weekdays = (
        minutes_of(text, name) for text, name in zip(fields[:5], FIELDS, strict=True)
    )
    return CronLine(
        minutes,
        hours,
        days,
        months,
        weekdays,
        any_day=fields[2].startswith("*") or fields[4].startswith("*"),
        wildcard=fields[0].startswith("*") or fields[1].startswith("*"),
        command=fields[5].replace("\\%", "%"),
    )
