"""The crontab of a host in any zone: every wall time a slot can have there. The gate picks the real ones.

Debian's cron knows no CRON_TZ, so the lines are in the host's time and carry the union over all DST combinations.
When clocks go back it does not repeat lines with fixed times, but lets lines whose minute or hour begins with `*`
follow the clock (cron(8)): a slot in the second pass of a repeated hour needs such a line.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from v6.config.scheduler_config import Scheduler
from v6.scheduler import compiled, crontab_mark, schedule_text, virtual, wall
from v6.scheduler.compiled import Task
from v6.scheduler.crontab_grammar import check

Times = frozenset[tuple[int, int]]
"""(weekday as cron counts it, Sunday 0; minute of the day)"""

WEEK = frozenset(range(7))
DAY = frozenset(range(24))
LOOKS = "scripts/health_check.py"
"""What looks for missed slots."""


class Line(NamedTuple):
    """The three time fields that are used, as the sets they stand for."""

    minutes: frozenset[int]
    hours: frozenset[int]
    weekdays: frozenset[int]

    def times(self) -> Times:
        return frozenset(
            (day, hour * 60 + minute) for day in self.weekdays for hour in self.hours for minute in self.minutes
        )

    def fields(self) -> str:
        return f"{spelt(self.minutes, 60)} {spelt(self.hours, 24)} * * {spelt(self.weekdays, 7)}"

    def follows_the_clock(self) -> bool:
        """Whether Debian's cron takes it for a wildcard job."""
        return any(field.startswith("*") for field in self.fields().split()[:2])


def render(
    scheduler: Scheduler,
    host_zone: str,
    root: Path | str,
    *,
    home: Path | str | None = None,
    user: str | None = None,
    cron_zone: str | None = None,
    reboot_line: bool = False,
) -> str:
    """The whole file for a host in `host_zone`; with `user` in the format of /etc/cron.d. `home`: V6_HOME when it is
    not the checkout. `cron_zone`: of a daemon that has another one than its host, where TWS lives. `reboot_line`:
    with one that looks for missed slots after a start of the host. Raises CrontabError when a path cannot be written
    into a crontab."""
    zone = cron_zone or host_zone
    schedule = compiled.parse(schedule_text.render(scheduler, host_zone=host_zone))
    apart = home is not None and str(home) != str(root)
    lines = [
        f"# V6 on a host in {zone}. Written by `v6 schedule render`: change the schedule, not this file.",
        "# Times are the host's. A line may fire when there is no slot in New York: the wrapper's --slot sorts it out.",
        "SHELL=/bin/sh",
        f'V6_ROOT="{root}"',
        *([f'V6_HOME="{home}"'] if apart else []),
        f'V6_LOGS="{Path(home or root) / scheduler.log_directory / "cron"}"',
    ]
    for task in schedule.tasks.values():
        lines += ["", f"# {task.name}: {' '.join(scheduler.tasks[task.name].description.split())}"]
        who = f"{user} " if user else ""
        command = f"{who}{_command(task, '--slot')}"
        lines += [f"{line.fields()} {command}" for line in lines_of(task, schedule.windows, zone)]
    lines += _reboot_lines(schedule.tasks.values(), f"{user} " if user else "") if reboot_line else []
    text = crontab_mark.sealed("\n".join(lines) + "\n")
    check(text, system=user is not None)
    return text


def lines_of(task: Task, windows: Iterable[compiled.Window], host_zone: str) -> list[Line]:
    """The fewest lines we know whose firing includes every slot the task can have on such a host."""
    wanted: set[tuple[int, int]] = set()
    repeated: set[tuple[int, int]] = set()
    for minute in virtual.slot_minutes(task, tuple(windows), (host_zone,)):
        shown = wall.at(minute, host_zone)
        time = (shown.isoweekday() % 7, shown.hour * 60 + shown.minute)
        wanted.add(time)
        if shown.fold:
            repeated.add(time)
    lines = compact(frozenset(wanted))
    followed = {time for line in lines if line.follows_the_clock() for time in line.times()}
    lost = frozenset(repeated - followed)
    if not lost:
        return lines
    return [*compact(frozenset(wanted - lost)), *_following(lost)]


def _following(times: Times) -> list[Line]:
    """Wildcard lines for them: every hour, the gate passes the right one."""
    minutes: dict[int, set[int]] = defaultdict(set)
    for day, minute in times:
        minutes[day].add(minute % 60)
    return [Line(frozenset(of_day), DAY, frozenset({day})) for day, of_day in sorted(minutes.items())]


def compact(times: Times) -> list[Line]:
    """Lines that fire at exactly these times."""
    return min((list(_by_hours(times)), list(_by_weekdays(times))), key=len)


def _minutes_of_hours(times: Times) -> dict[tuple[int, int], frozenset[int]]:
    minutes: dict[tuple[int, int], set[int]] = defaultdict(set)
    for day, minute in times:
        minutes[day, minute // 60].add(minute % 60)
    return {key: frozenset(value) for key, value in minutes.items()}


def _by_hours(times: Times) -> Iterator[Line]:
    """Weekdays with the same hours share a line."""
    hours: dict[tuple[frozenset[int], int], set[int]] = defaultdict(set)
    for (day, hour), minutes in _minutes_of_hours(times).items():
        hours[minutes, day].add(hour)
    weekdays: dict[tuple[frozenset[int], frozenset[int]], set[int]] = defaultdict(set)
    for (minutes, day), found in hours.items():
        weekdays[minutes, frozenset(found)].add(day)
    yield from _ordered((minutes, found, frozenset(days)) for (minutes, found), days in weekdays.items())


def _by_weekdays(times: Times) -> Iterator[Line]:
    """Hours on the same weekdays share a line."""
    days: dict[tuple[frozenset[int], int], set[int]] = defaultdict(set)
    for (day, hour), minutes in _minutes_of_hours(times).items():
        days[minutes, hour].add(day)
    hours: dict[tuple[frozenset[int], frozenset[int]], set[int]] = defaultdict(set)
    for (minutes, hour), found in days.items():
        hours[minutes, frozenset(found)].add(hour)
    yield from _ordered((minutes, frozenset(at), found) for (minutes, found), at in hours.items())


def _ordered(lines: Iterable[tuple[frozenset[int], frozenset[int], frozenset[int]]]) -> list[Line]:
    return [
        Line(*line)
        for line in sorted(lines, key=lambda line: tuple(sorted(part) for part in (line[2], line[1], line[0])))
    ]


def spelt(values: frozenset[int], size: int) -> str:
    """A time field: `*`, `*/5`, `30-55/5`, `9-16`, `0,5,7`."""
    ordered = sorted(values)
    if len(ordered) == size:
        return "*"
    steps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(steps) == 1 and len(ordered) > 2:
        step = steps.pop()
        if step > 1 and ordered == list(range(0, size, step)):
            return f"*/{step}"
        span = f"{ordered[0]}-{ordered[-1]}"
        return span if step == 1 else f"{span}/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: list[int]) -> Iterator[str]:
    start = previous = ordered[0]
    for value in [*ordered[1:], -1]:
        if value != previous + 1:
            yield (
                str(start)
                if start == previous
                else f"{start}-{previous}"
                if previous - start > 1
                else f"{start},{previous}"
            )
            start = value
        previous = value


def _reboot_lines(tasks: Iterable[Task], who: str) -> list[str]:
    """Of the one enabled task that looks; of several none could be named without its own arguments."""
    looking = [task for task in tasks if task.script == LOOKS]
    if len(looking) != 1 or not looking[0].enabled:
        return []
    words = "after a start of the host, what was missed while it was down is found at once"
    return ["", f"# {looking[0].name}: {words}", f"@reboot {who}{_command(looking[0], '', '--after-boot')}"]


def _command(task: Task, option: str, *more: str) -> str:
    """A missing log folder is made anew; a log that cannot be written is said to cron, and stops no run."""
    words = shlex.join((*([option] if option else []), task.script, *task.args, *more))
    log = f'"$V6_LOGS/{Path(task.script).stem}.log"'
    output = f'[ -d "$V6_LOGS" ] || mkdir -p "$V6_LOGS"; command exec >>{log} 2>&1'
    return f'{output}; "$V6_ROOT/scripts/cron_wrapper.sh" {words}'.replace("%", r"\%")
