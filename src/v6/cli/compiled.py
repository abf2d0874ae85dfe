"""The compiled calendar and schedule as questions need them: brought up to date first, the way the gate does it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.config.load import Config
    from v6.scheduler.compiled import Schedule
    from v6.scheduler.nyse_calendar import NYSECalendar


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is in force on this host now; the environment's switches are applied. `refused`: why a later edit is not,
    else ""."""

    schedule: "Schedule"
    calendar: "NYSECalendar"
    refused: str


def timetable() -> Timetable:
    """Raises FatalError when nothing usable was ever compiled; a refused edit is only said on stderr."""
    from v6.scheduler import compiled
    from v6.scheduler.nyse_calendar import NYSECalendar

    paths = Paths.locate()
    refused = _bring_up_to_date(paths)
    try:
        schedule = compiled.load(paths.compiled / "schedule.txt", dict(os.environ))
    except compiled.ScheduleError as error:
        raise FatalError(refused or str(error)) from error
    calendar = NYSECalendar(paths.compiled / "calendar.txt", observe_holidays=schedule.observe_holidays)
    if refused:
        _say_refused(refused)
    return Timetable(schedule, calendar, refused)


def configuration(*, say: bool = True) -> "Config":
    """The configuration as gate and jobs have it: after a broken edit the one the schedule in force was compiled from,
    which is said on stderr (not with `say` false, where `timetable` says it). Raises ConfigError without one, and for
    what the environment itself has wrong."""
    from v6.config.errors import ConfigError
    from v6.config.load import load
    from v6.config.sources import compiled_sources

    paths = Paths.locate()
    try:
        return load(paths)
    except ConfigError as error:
        last_good = compiled_sources(paths)
        if last_good is None:
            raise
        try:
            found = load(paths, os.environ, last_good)
        except ConfigError as again:
            raise ConfigError(*dict.fromkeys((*error.problems, *again.problems))) from again
        if say:
            _say_refused(str(error))
        return found


def require_task(name: str, allowed: Iterable[str]) -> None:
    """Raises FatalError that names the tasks there are."""
    if name not in allowed:
        raise FatalError(f"{name!r} is no task of the schedule, allowed: {', '.join(allowed)}")


def _say_refused(why: str) -> None:
    """In one line: what is allowed can be long, and `v6 schedule check` has it."""
    first, *others = why.splitlines()
    more = f" (and {len(others)} more)" if others else ""
    said = f"{first.partition(', allowed')[0]}{more}; `v6 schedule check` says all"
    typer.echo(f"v6: the configuration is refused, shown is the last good one: {said}", err=True)


def _bring_up_to_date(paths: Paths) -> str:
    """Compile as the gate would; why it was refused, else "". Another user's state is read, never written."""
    if paths.var.exists() and paths.var.stat().st_uid != os.getuid():
        return ""
    from v6.scheduler.compile import compile_all

    return compile_all(paths).error
