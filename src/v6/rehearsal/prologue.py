"""What must have happened on a day before a rehearsal can begin in the middle of it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from v6.checks.collectors import RECENT
from v6.journal import evidence
from v6.journal.ledger import TABLE_OF
from v6.rehearsal.crontab_lines import due
from v6.rehearsal.day import Step
from v6.rehearsal.stage import Stage, crontab_of
from v6.scheduler import compiled

Planned = tuple[str, datetime]


def midnight(start: datetime) -> datetime:
    """When the New York day of `start` begins."""
    return start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def prologue(stage: Stage, start: datetime) -> list[Planned]:
    """(task, slot) of the once-a-day tasks due before `start` on its New York day, by time: they feed what comes later.

    With them, each collector's latest slots: the first health check asks for every slot since V6's first run.
    """
    tasks = compiled.load(stage.paths.compiled / "schedule.txt", {}).tasks
    earlier = evidence.expected_runs(stage.paths, {}, midnight(start), start)
    once = [(task, slot) for task, slot in earlier if tasks[task].kind == "at"]
    if not once:
        return []
    last = {task: slot for task, slot in earlier if tasks[task].script in TABLE_OF}
    recent = [(task, slot) for task, slot in earlier if task in last and (slot == last[task] or slot > start - RECENT)]
    return sorted({*once, *recent}, key=lambda pair: (pair[1], pair[0]))


def steps(stage: Stage, planned: Sequence[Planned]) -> list[Step]:
    """The crontab's lines of these tasks alone, each at its slot."""
    found = []
    for slot, pairs in groupby(planned, key=lambda pair: pair[1]):
        crontab = crontab_of(stage, {task for task, _ in pairs})
        found.append(Step(slot, tuple(due(crontab.lines, slot))))
    return found
