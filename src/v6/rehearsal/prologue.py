"""What must have happened before a rehearsal can begin in the middle of a day, or in a night."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from v6.checks.collectors import RECENT
from v6.journal import evidence
from v6.journal.ledger import TABLE_OF
from v6.rehearsal.crontab_lines import due
from v6.rehearsal.day import Step
from v6.rehearsal.stage import Stage, calendar_of, crontab_of
from v6.rehearsal.window import MINUTE, ONE_DAY, Window
from v6.scheduler import compiled
from v6.scheduler.compiled import Task

Planned = tuple[str, datetime]
RESTART_ANCHORS = ("restart", "restart_end")


def midnight(moment: datetime) -> datetime:
    """When the New York day of `moment` begins."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def fed_until(stage: Stage, windows: Sequence[Window]) -> datetime:
    """The first window's start. Where a restart comes before anything that feeds it, as in a night or on a Sunday, the
    end of the session's day before: its universe is what there is to restore."""
    tasks, start = tasks_of(stage), windows[0].start
    earlier = evidence.expected_runs(stage.paths, {}, midnight(start), start)
    later = [
        pair for each in windows for pair in evidence.expected_runs(stage.paths, {}, each.start, each.end + MINUTE)
    ]
    first = next((task for task, _ in later if around_restart(tasks[task]) or feeds(task, tasks)), None)
    if first is None or not around_restart(tasks[first]) or any(feeds(task, tasks) for task, _ in earlier):
        return start
    calendar, day = calendar_of(stage), midnight(start) - ONE_DAY
    while not calendar.is_trading_day(day.date()):
        day -= ONE_DAY
    return day + ONE_DAY - MINUTE


def prologue(stage: Stage, until: datetime) -> list[Planned]:
    """(task, slot) of the once-a-day tasks due before `until` on its New York day, by time: they feed what comes later.
    Those around restarts do not: each restart is saved and proven for itself.

    With them, each collector's latest slots: the first health check asks for every slot since V6's first run.
    """
    tasks = tasks_of(stage)
    earlier = evidence.expected_runs(stage.paths, {}, midnight(until), until)
    once = [(task, slot) for task, slot in earlier if feeds(task, tasks)]
    if not once:
        return []
    last = {task: slot for task, slot in earlier if tasks[task].script in TABLE_OF}
    recent = [(task, slot) for task, slot in earlier if task in last and (slot == last[task] or slot > until - RECENT)]
    return sorted({*once, *recent}, key=lambda pair: (pair[1], pair[0]))


def steps(stage: Stage, planned: Sequence[Planned]) -> list[Step]:
    """The crontab's lines of these tasks alone, each at its slot."""
    found = []
    for slot, pairs in groupby(planned, key=lambda pair: pair[1]):
        crontab = crontab_of(stage, {task for task, _ in pairs})
        found.append(Step(slot, tuple(due(crontab.lines, slot))))
    return found


def tasks_of(stage: Stage) -> dict[str, Task]:
    return compiled.load(stage.paths.compiled / "schedule.txt", {}).tasks


def around_restart(task: Task) -> bool:
    """Whether it is due so long before or after a restart window."""
    return task.anchor in RESTART_ANCHORS


def feeds(name: str, tasks: dict[str, Task]) -> bool:
    """Whether the day's later tasks need what this one has made: once a day, not one of the restarts' scripts, nor of
    those that end a day or a week: what these judge is the whole of it, and a prologue plays but a part."""
    restarts = {task.script for task in tasks.values() if around_restart(task)}
    task = tasks[name]
    return task.kind == "at" and task.script not in restarts and task.anchor != "close" and task.weekday == "*"
