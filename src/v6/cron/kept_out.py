"""Lines of an installation that a person has commented out stay out when it is made anew.

A line of a new file stays out when everything it would fire at was commented out for its task, or when nothing of the
task was left in. The state is the file itself: who removes the `#` has the line back.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from v6.scheduler.crontab_grammar import minutes_of

HEADING = re.compile(r"# ([a-z][a-z0-9_]*): ")
ENTRY = re.compile(r"(?P<off>#[#\s]*)?(?P<when>@[a-z]+|[0-9*]\S*(?: \S+){4}) (?P<rest>.*cron_wrapper\.sh.*)")


class Times(NamedTuple):
    """When a line fires: (weekday, minute of the day), or a word such as @reboot."""

    at: frozenset[object]

    def __bool__(self) -> bool:
        return bool(self.at)


@dataclass
class Part:
    """What an installation has of one task."""

    off: set[object] = field(default_factory=set)
    on: set[object] = field(default_factory=set)


def disabled(body: str) -> tuple[str, ...]:
    """Tasks of which at least one line is commented out, in their order."""
    return tuple(name for name, part in _parts(body).items() if part.off)


def kept_out(body: str, before: str) -> tuple[str, list[str]]:
    """The new body with the lines commented out that stay out, and words for what could not be kept."""
    old = _parts(before)
    lines, name, kept = [], "", set[str]()
    for line in body.splitlines(keepends=True):
        heading, entry = HEADING.match(line), ENTRY.match(line)
        if entry is None:
            name = heading[1] if heading else name
        elif name in old and _stays_out(times(entry["when"]), old[name]):
            kept.add(name)
            line = f"#{line}"  # noqa: PLW2901
        lines.append(line)
    new = _parts(body)
    lost = [
        f"{task}: its line that was commented out is no longer one of the schedule's, nothing of it is out now"
        if task in new
        else f"{task}: was commented out, and is no task any more"
        for task, part in old.items()
        if part.off and task not in kept
    ]
    lost += [
        f"{task}: a line that was added by hand is not kept, and none of V6's own is in: change the configuration instead"
        for task in sorted(kept)
        if old[task].on and all(_stays_out(Times(frozenset(new[task].on)), old[task]) for _ in "1")
    ]
    return "".join(lines), lost


def times(when: str) -> Times:
    if when.startswith("@"):
        return Times(frozenset({when}))
    minute, hour, _, _, weekday = when.split(" ")
    try:
        return Times(
            frozenset(
                (day, of_day * 60 + of_hour)
                for day in minutes_of(weekday, "day of week")
                for of_day in minutes_of(hour, "hour")
                for of_hour in minutes_of(minute, "minute")
            )
        )
    except ValueError:
        return Times(frozenset())


def _stays_out(wanted: Times, part: Part) -> bool:
    return bool(part.off) and (not part.on or wanted.at <= part.off)


def _parts(body: str) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    name = ""
    for line in body.splitlines():
        heading, entry = HEADING.match(line), ENTRY.match(line)
        if entry is not None and name:
            part = parts.setdefault(name, Part())
            (part.off if entry["off"] else part.on).update(times(entry["when"]).at)
        elif heading is not None:
            name = heading[1]
    return parts
