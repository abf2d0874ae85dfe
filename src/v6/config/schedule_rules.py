"""What must hold between tasks, and between a task and the checkout. Each rule yields `path: problem` lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from v6.config.scheduler_config import PERIOD_MINUTES, Scheduler, Task

COLLECTORS = frozenset({"scripts/collect_option_snapshots.py", "scripts/collect_futures_snapshots.py"})
"""Their slots are quotes of an instant: what was missed cannot be had later (L16)."""


def problems(scheduler: Scheduler, root: Path) -> list[tuple[str, str]]:
    """(path below `scheduler`, problem) for everything wrong; empty when the schedule can be used."""
    tasks = scheduler.tasks
    return [
        *_missing_scripts(tasks, root),
        *_same_command(tasks),
        *_unknown_dependencies(tasks),
        *_cycles(tasks),
        *_late_deadlines(tasks),
        *_forged_quotes(tasks),
        *_restart_without_windows(scheduler),
    ]


def _missing_scripts(tasks: Mapping[str, Task], root: Path) -> Iterator[tuple[str, str]]:
    for name, task in tasks.items():
        if not (root / task.script).is_file():
            yield f"tasks.{name}.script", f"{task.script} does not exist in {root}"


def _same_command(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, task in tasks.items():
        first = seen.setdefault((task.script, task.args), name)
        if first != name:
            yield f"tasks.{name}.script", f"the same script with the same args as task {first}, allowed: different args"


def _unknown_dependencies(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    for name, task in tasks.items():
        for needed in task.depends_on:
            if needed not in tasks:
                yield f"tasks.{name}.depends_on", f"{needed} is not a task, allowed: {', '.join(sorted(tasks))}"


def _cycles(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    reported: set[str] = set()
    for name in tasks:
        trail = _trail_back(name, name, tasks, set())
        if trail and not reported & set(trail):
            reported.update(trail)
            yield f"tasks.{name}.depends_on", f"waits for itself: {' -> '.join((name, *trail))}"


def _trail_back(start: str, here: str, tasks: Mapping[str, Task], visited: set[str]) -> tuple[str, ...]:
    for needed in tasks[here].depends_on if here in tasks else ():
        if needed == start:
            return (needed,)
        if needed not in visited:
            visited.add(needed)
            if trail := _trail_back(start, needed, tasks, visited):
                return (needed, *trail)
    return ()


def _late_deadlines(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    for name, task in tasks.items():
        period = PERIOD_MINUTES.get(task.frequency)
        if period and task.deadline_seconds and task.deadline_seconds > period * 60 and not task.long_lived:
            yield (
                f"tasks.{name}.deadline_seconds",
                f"{task.deadline_seconds} reaches past the next slot, allowed: at most {period * 60}",
            )


def _forged_quotes(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    for name, task in tasks.items():
        if task.catch_up != "none" and task.script in COLLECTORS:
            yield f"tasks.{name}.catch_up", f"{task.catch_up} of a collector would forge quotes, allowed: none"


def _restart_without_windows(scheduler: Scheduler) -> Iterator[tuple[str, str]]:
    if any(window.acts for window in scheduler.restart_windows.values()):
        return
    for name, task in scheduler.tasks.items():
        if task.enabled and task.time and task.time.startswith("restart"):
            yield (
                f"tasks.{name}.time",
                f"{task.time} needs a restart window that acts; restart_windows has none, allowed: enabled: false",
            )
