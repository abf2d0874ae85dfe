"""Lines of an installation that a person has commented out stay out when it is made anew.

A line of a new file stays out when everything it would fire at was commented out for its task, or when nothing of the
task was left in. The state is the file itself: who removes the `#` has the line back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from v6.scheduler.crontab_grammar import minutes_of

HEADING = re.compile(r"# ([a-z][a-z0-9_]*): ")
ENTRY = re.compile(r"(?P<off>#[#\s]*)?(?P<when>@[a-z]+|[0-9*]\S*(?: \S+){4}) .*cron_wrapper\.sh.*")

Times = frozenset[object]
"""When lines fire: (weekday, minute of the day), or a word such as @reboot."""


@dataclass
class Part:
    """When the lines of one task fire, by whether they are commented out."""

    off: set[object] = field(default_factory=set)
    on: set[object] = field(default_factory=set)

    def keeps_out(self, times: Times) -> bool:
        return bool(self.off) and (not self.on or times <= self.off)


def disabled(body: str) -> tuple[str, ...]:
    """Tasks of which at least one line is commented out, in their order."""
    return tuple(name for name, part in _parts(body).items() if part.off)


def kept_out(body: str, before: str) -> str:
    """The new body, with the lines commented out that were so in the body before."""
    old = _parts(before)
    lines = []
    for name, times, line in _lines(body):
        out = times is not None and name in old and old[name].keeps_out(times)
        lines.append(f"#{line}" if out else line)
    return "".join(lines)


def not_kept(body: str, before: str) -> list[str]:
    """What a person did to the body before that the new one (of `kept_out`) does not show, in words."""
    old, new = _parts(before), _parts(body)
    words = []
    for name, part in old.items():
        if name not in new:
            words += [f"{name} was commented out and is no task any more"] if part.off else []
        elif part.off and not new[name].off:
            words.append(f"{name}: the line that was commented out is none of the schedule's any more; all of it is in")
        elif part.off and part.on and not new[name].on:
            words.append(f"{name}: what ran of it was none of V6's lines, and those stay out: it no longer runs")
    return words


def _parts(body: str) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for name, times, line in _lines(body):
        if times is not None:
            part = parts.setdefault(name, Part())
            (part.off if line.startswith("#") else part.on).update(times)
    return parts


def _lines(body: str) -> Iterator[tuple[str, Times | None, str]]:
    """Each line with the task it belongs to and when it fires, None for what is no line of a task."""
    name = ""
    for line in body.splitlines(keepends=True):
        entry = ENTRY.match(line)
        heading = None if entry else HEADING.match(line)
        name = heading[1] if heading else name
        yield name, _times(entry["when"]) if entry and name else None, line


def _times(when: str) -> Times | None:
    if when.startswith("@"):
        return frozenset({when})
    minute, hour, _, _, weekday = when.split(" ")
    try:
        return frozenset(
            (day, of_day * 60 + of_hour)
            for day in minutes_of(weekday, "day of week")
            for of_day in minutes_of(hour, "hour")
            for of_hour in minutes_of(minute, "minute")
        )
    except ValueError:
        return None  # words that look like a line
