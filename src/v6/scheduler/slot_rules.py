"""What must hold of the slots of a compiled schedule, on all virtual days. Each rule yields (task, keys, problem)."""

from collections.abc import Iterator, Sequence

from v6.scheduler import slots, virtual, wall
from v6.scheduler.compiled import Schedule, Task, Window
from v6.scheduler.deadline import latest_end, must_finish

Problem = tuple[str, tuple[str, ...], str]
WHEN = ("time", "day", "days", "market_phase")


def problems(schedule: Schedule) -> Iterator[Problem]:
    """`keys`: those of the task that can be why."""
    for name, task in schedule.tasks.items():
        if not _can_run(task, schedule.windows):
            yield (
                name,
                WHEN,
                f"can never run: its time, day, days ({task.days}), market_phase ({task.phase}) and restart windows "
                "never meet, allowed: a slot that exists",
            )
        elif not _can_finish(task, schedule.windows):
            yield (
                name,
                ("must_finish_by", *WHEN),
                "must_finish_by is never after its slot on the same day, allowed: a later time",
            )
        else:
            for needed in task.depends_on:
                if not _can_be_met(task, schedule.tasks[needed], schedule.windows):
                    yield (
                        name,
                        ("depends_on", *WHEN),
                        f"depends_on {needed}, which has no slot before the deadline of this task on the same New York "
                        "day, allowed: a task that is due earlier",
                    )


def _can_run(task: Task, windows: Sequence[Window]) -> bool:
    return virtual.can_run(task, windows) or (task.anchor.startswith("restart") and not task.enabled)


def _can_finish(task: Task, windows: Sequence[Window]) -> bool:
    """Whether some slot is before its `must_finish_by`; true of a task without one, or without any slot."""
    if task.must_finish_by is None:
        return True
    found = False
    for slot, calendar in virtual.slots_with_calendar(task, windows):
        limit = must_finish(task, slot, calendar, windows)
        if limit is None or limit > slot:
            return True
        found = True
    return not found


def _can_be_met(task: Task, needed: Task, windows: Sequence[Window]) -> bool:
    """Whether on some day a slot of what is needed comes before the deadline of a slot of the task."""
    found = False
    for slot, calendar in virtual.slots_with_calendar(task, windows):
        day = wall.new_york(slot).date()
        first = wall.first_minute(slots.NEW_YORK, day, 0)
        last = latest_end(task, wall.new_york(slot), calendar, windows) // 60
        earlier = slots.between(needed, first, last, calendar, windows)
        if any(virtual.suits(needed, minute, calendar) and wall.new_york(minute).date() == day for minute in earlier):
            return True
        found = True
    return not found
