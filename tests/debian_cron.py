"""Debian's cron (3.0pl1, cron.c main loop and find_jobs), as far as when it fires lines of the kind we write.

Its virtual clock counts the minutes the host's clocks show. A forward jump under three hours: lines whose minute or
hour begins with `*` run for the new minute only, all others for every minute jumped over, right after the jump.
A backward jump under three hours: until the clocks have caught up, only the former run.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from v6.scheduler.crontab_grammar import minutes_of

WEEK = 7 * 24 * 60
THURSDAY = 4 * 24 * 60
"""1970-01-01, minute 0, was a Thursday; cron's weeks begin on Sunday."""


class Spell(NamedTuple):
    """Real minutes [start, end) through which the host's clocks are `offset` minutes ahead of UTC."""

    start: int
    end: int
    offset: int


def spells(zone: str, first: int, last: int) -> list[Spell]:
    """The host's UTC offsets over [first, last]; zones change theirs on quarter hours."""
    host = ZoneInfo(zone)
    found: list[Spell] = []
    start, offset = first, None
    for minute in range(first, last + 1, 15):
        shown = datetime.fromtimestamp(minute * 60, host).utcoffset()
        assert shown is not None
        now = int(shown.total_seconds()) // 60
        if offset is not None and now != offset:
            found.append(Spell(start, minute, offset))
            start = minute
        offset = now
    assert offset is not None
    return [*found, Spell(start, last + 1, offset)]


def firings(fields: str, over: list[Spell]) -> Iterator[int]:
    """The real minutes in which cron runs a line with these five fields, as often as it runs it."""
    week = _minutes_of_week(fields)
    wildcard = any(field.startswith("*") for field in fields.split()[:2])
    shown_last = over[0].start + over[0].offset - 1
    for spell in over:
        resumes = spell.start
        if not wildcard:
            shown = spell.start + spell.offset
            for _ in _matches(week, shown_last + 1, shown):  # jumped over: all at once, now
                yield spell.start
            resumes = max(spell.start, shown_last + 1 - spell.offset)  # repeated: not again
        for shown in _matches(week, resumes + spell.offset, spell.end + spell.offset):
            yield shown - spell.offset
        shown_last = max(shown_last, spell.end - 1 + spell.offset)


def _minutes_of_week(fields: str) -> list[int]:
    minute, hour, day, month, weekday = fields.split()
    assert (day, month) == ("*", "*")
    return sorted(
        (of_week * 24 + of_day) * 60 + of_hour
        for of_week in minutes_of(weekday, "day of week")
        for of_day in minutes_of(hour, "hour")
        for of_hour in minutes_of(minute, "minute")
    )


def _matches(week: list[int], first: int, end: int) -> Iterator[int]:
    """Shown minutes in [first, end) that the line names."""
    base = (first + THURSDAY) // WEEK * WEEK - THURSDAY
    index = bisect_left(week, first - base)
    while True:
        if index == len(week):
            base, index = base + WEEK, 0
        if not week or base + week[index] >= end:
            return
        yield base + week[index]
        index += 1
