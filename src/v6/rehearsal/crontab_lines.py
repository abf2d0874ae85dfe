"""What cron would start at a minute: a reader of rendered crontab lines, following Debian's cron(8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
SUNDAY = 7  # cron writes Sunday as 0 or 7


class CrontabError(ValueError):
    """A line that this reader cannot follow; the rendering and the rehearsal have drifted apart."""


@dataclass(frozen=True, slots=True)
class CronLine:
    """One line: the five fields as sets of numbers, and the command that /bin/sh gets."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool  # one of the two day fields is `*`: then both must match, otherwise either
    wildcard: bool  # minute or hour is `*`: follows the new wall time at a DST change, never caught up
    command: str

    def matches(self, wall: datetime) -> bool:
        """Whether cron starts the line when the wall clock of its host reads `wall` (to the minute)."""
        if wall.minute not in self.minutes or wall.hour not in self.hours or wall.month not in self.months:
            return False
        day, weekday = wall.day in self.days, wall.isoweekday() in self.weekdays
        return (day and weekday) if self.any_day else (day or weekday)


def read_crontab(text: str) -> list[CronLine]:
    """The lines of a user crontab; comments, blank lines and NAME=value settings are passed over.

    Raises CrontabError.
    """
    lines = []
    for line in text.splitlines():
        words = line.strip()
        if not words or words.startswith("#") or "=" in words.split(maxsplit=1)[0]:
            continue
        fields = words.split(maxsplit=5)
        if len(fields) != 6:
            raise CrontabError(f"{line!r}: not five fields and a command")
        lines.append(_line(fields))
    return lines


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
    numbers = [_numbers(text, *bounds) for text, bounds in zip(fields[:5], RANGES, strict=True)]
    weekdays = frozenset(SUNDAY if day == 0 else day for day in numbers[4])
    return CronLine(
        *numbers[:4],
        weekdays,
        any_day=fields[2].startswith("*") or fields[4].startswith("*"),
        wildcard=fields[0].startswith("*") or fields[1].startswith("*"),
        command=fields[5],
    )


def _numbers(text: str, low: int, high: int) -> frozenset[int]:
    chosen: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            if span == "*":
                start, end = low, high
            else:
                start = int(first)
                end = int(last) if dash else start
            chosen.update(range(start, end + 1, int(step) if step else 1))
        except ValueError as error:
            raise CrontabError(f"{text!r}: cannot read this field") from error
        if not low <= start <= end <= high:
            raise CrontabError(f"{text!r}: allowed are {low}-{high}")
    return frozenset(chosen)
