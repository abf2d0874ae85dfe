"""`v6 schedule`: what is configured, what is next, what is due, and the crontab of a host."""

import os
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import Timetable, require_task, timetable
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.config.load import Config
    from v6.scheduler.compiled import Task
    from v6.scheduler.due import Decision
    from v6.scheduler.upcoming import Planned

group = typer.Typer(no_args_is_help=True, help="The schedule: what runs when, and the crontab that makes it run.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


class For(StrEnum):
    """What starts the jobs."""

    CRON = "cron"
    WINDOWS = "windows"


WEEKDAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@group.command()
def check(as_json: AsJson = False) -> None:
    """Say whether the configuration is right, naming file, key, what is wrong and what is allowed. Exit code 1: not."""
    from v6.config.errors import ConfigError
    from v6.scheduler.compile import check as checked

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    summary = ""
    paths = Paths.locate()
    try:
        config = checked(paths, environ=os.environ)
        warnings = config.warnings
        tasks = config.scheduler.tasks
        off = [name for name, task in tasks.items() if not task.enabled]
        summary = (
            f"the configuration is right: {len(tasks) - len(off)} of {len(tasks)} tasks enabled, home {paths.home}"
        )
        if off:
            summary += f", disabled: {', '.join(off)}"
        if not paths.production_config.exists():
            warnings += (f"{paths.production_config} does not exist: defaults only",)
    except ConfigError as error:
        problems = error.problems
    if as_json:
        output.as_json({"right": not problems, "problems": problems, "warnings": warnings})
    for line in () if as_json else (*problems, *(f"warning: {warning}" for warning in warnings), summary):
        if line:
            output.say(line)
    if problems:
        raise typer.Exit(output.NO)


@group.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every task: when it runs, how a run behaves, and its next slot."""
    now = timetable()
    rows = [_described(now, task) for task in now.schedule.tasks.values()]
    if as_json:
        output.as_json(rows)
        return
    columns = ("task", "enabled", "when", "days", "phase", "needs TWS", "limit", "retries", "next slot")
    output.table(
        None,
        columns,
        [
            (
                row["task"],
                "yes" if row["enabled"] else "no",
                row["when"],
                row["days"],
                row["phase"],
                "yes" if row["needs_gateway"] else "",
                f"{row['timeout_seconds']} s",
                row["max_retries"],
                _shown(row["next_slot"]),
            )
            for row in rows
        ],
        right="limit retries",
    )


@group.command("next")
def next_(
    task: Annotated[str | None, typer.Argument(help="Only this task.")] = None,
    after: Annotated[str, typer.Option(help="'YYYY-MM-DD HH:MM', HH:MM (today) or now.")] = "now",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many slots a task.")] = 1,
    as_json: AsJson = False,
) -> None:
    """The next slots in which tasks will run."""
    from v6.scheduler import upcoming

    now = timetable()
    instant = moments.moment(after)
    found = sorted(
        (slot, one.name)
        for one in _chosen(now, task)
        if one.enabled
        for slot in upcoming.following(one, instant, count, now.calendar, now.schedule.windows)
    )
    if as_json:
        output.as_json([{"slot": slot, "task": name} for slot, name in found])
        return
    here = ZoneInfo(_host_zone())
    for slot, name in found:
        output.say(f"{_shown(slot)}  {slot.astimezone(here):%a %H:%M %Z} here  {name}")


@group.command()
def due(
    when: Annotated[str, typer.Argument(help="'YYYY-MM-DD HH:MM', HH:MM (today) or now.")] = "now",
    as_json: AsJson = False,
) -> None:
    """For every task: due at that minute, or why not. Exit code 1: nothing is due."""
    from v6.scheduler.due import decide

    now = timetable()
    instant = moments.moment(when)
    decided = [
        (task.name, decide(task, instant, now.calendar, now.schedule.windows)) for task in now.schedule.tasks.values()
    ]
    if as_json:
        output.as_json([_decision(name, decision) for name, decision in decided])
    else:
        output.say(f"{instant:%A %Y-%m-%d %H:%M %Z}, {now.calendar.get_market_phase(instant)}")
        output.table(
            None,
            ("task", "decision", "slot"),
            [(name, _verdict(decision), _shown(decision.slot)) for name, decision in decided],
        )
    if not any(decision.run for _, decision in decided):
        raise typer.Exit(output.NO)


@group.command()
def day(
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, today, yesterday or tomorrow.")] = "today",
    task: Annotated[str | None, typer.Option(help="Only this task, slot by slot.")] = None,
    as_json: AsJson = False,
) -> None:
    """All slots of a New York day. Slots that will not run are counted with their reason."""
    from v6.scheduler import upcoming

    now = timetable()
    date_ = moments.day(day)
    planned = upcoming.of_day(_chosen(now, task), date_, now.calendar, now.schedule.windows)
    if as_json:
        output.as_json([{**_decision(one.task, one.decision), "slot": one.slot} for one in planned])
    elif task:
        for one in planned:
            output.say(f"{one.slot:%H:%M %Z}  {_verdict(one.decision)}")
        output.say(f"{sum(one.decision.run for one in planned)} runs on {date_:%A} {date_}")
    else:
        output.table(
            f"{date_:%A} {date_}", ("task", "runs", "first", "last", "skipped"), _day_rows(planned), right="runs"
        )


@group.command()
def render(
    zone: Annotated[str | None, typer.Option(help="Zone of the host's cron daemon; default: this host's.")] = None,
    user: Annotated[
        str | None, typer.Option(help="For /etc/cron.d: the user that runs the lines. For Windows: the user in WSL.")
    ] = None,
    for_: Annotated[For, typer.Option("--for", help="cron; windows: TWS on Windows, V6 in its WSL.")] = For.CRON,
    out: Annotated[Path | None, typer.Option(help="windows: the folder to write the files into.")] = None,
    distro: Annotated[str | None, typer.Option(help="windows: the distribution of WSL; default: this one.")] = None,
    linux_path: Annotated[str | None, typer.Option(help="windows: V6's folder in WSL; default: this one.")] = None,
    windows_folder: Annotated[str, typer.Option(help="windows: where the files will lie there.")] = r"C:\V6",
    tws: Annotated[str, typer.Option(help="windows: the program that starts TWS.")] = r"C:\Jts\tws.exe",
) -> None:
    """Print the crontab of a host: all its zone can need, the gate picks the real slots.

    --for windows: Task Scheduler definitions and a batch file for the restarts of a TWS that lives on Windows.
    """
    from v6.config.load import load
    from v6.config.scheduler_config import require_zone
    from v6.scheduler import crontab_grammar

    paths = Paths.locate()
    config = load(paths)
    if config.settings.ibkr.simulator:
        raise FatalError(f"{paths.home} is a rehearsal's home (ibkr.simulator): unset V6_HOME or name the real one")
    try:
        if zone is not None:
            require_zone(zone)
    except ValueError as error:
        raise typer.BadParameter(f"--zone: {error}") from error
    zone = zone or _host_zone()
    if for_ is For.WINDOWS:
        from v6.cli import windows

        host = windows.host(
            config, paths, zone, distro=distro, root=linux_path, folder=windows_folder, tws=tws, user=user
        )
        windows.render(config, host, out)
        return
    try:
        typer.echo(_crontab(config, paths, zone, user), nl=False)
    except ValueError as error:
        raise typer.BadParameter(f"--zone: {error}") from error
    except crontab_grammar.CrontabError as error:
        raise FatalError(str(error)) from error


def _crontab(config: "Config", paths: Paths, zone: str, user: str | None) -> str:
    from v6.scheduler import crontab

    text = crontab.render(config.scheduler, zone, paths.root, home=paths.home, user=user)
    # the lines write there before the gate could make it
    (paths.home / config.scheduler.log_directory / "cron").mkdir(parents=True, exist_ok=True)
    return text


def _host_zone() -> str:
    from v6.scheduler.host import HostZoneError, host_zone

    try:
        return host_zone()
    except HostZoneError as error:
        raise FatalError(str(error)) from error


def _chosen(now: Timetable, task: str | None) -> "Iterable[Task]":
    tasks = now.schedule.tasks
    if task is None:
        return tasks.values()
    require_task(task, tasks)
    return [tasks[task]]


def _described(now: Timetable, task: "Task") -> dict[str, Any]:
    from v6.scheduler import upcoming

    following = upcoming.following(task, clock.now(), 1, now.calendar, now.schedule.windows) if task.enabled else []
    return {
        "task": task.name,
        "script": " ".join((task.script, *task.args)),
        "enabled": task.enabled,
        "when": _when(task),
        "days": task.days,
        "phase": task.phase,
        "needs_gateway": task.needs_gateway,
        "timeout_seconds": task.timeout,
        "max_retries": task.max_retries,
        "deadline_seconds": task.deadline,
        "depends_on": task.depends_on,
        "next_slot": following[0] if following else None,
    }


def _when(task: "Task") -> str:
    if task.kind == "every":
        return f"every {task.period_min} min" if task.period_min < 60 else f"hourly at :{task.minute:02d}"
    on = f"{WEEKDAYS[int(task.weekday)]} " if task.weekday != "*" else ""
    if task.anchor == "clock":
        return f"{on}{task.offset_min // 60:02d}:{task.offset_min % 60:02d}"
    return f"{on}{task.anchor}{task.offset_min:+d}min" if task.offset_min else f"{on}{task.anchor}"


def _decision(name: str, decision: "Decision") -> dict[str, Any]:
    return {"task": name, "run": decision.run, "reason": decision.reason, "slot": decision.slot}


def _verdict(decision: "Decision") -> str:
    return "run" if decision.run else f"skip: {decision.reason}"


def _day_rows(planned: "list[Planned]") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name in dict.fromkeys(one.task for one in planned):
        mine = [one for one in planned if one.task == name]
        runs = [one.slot for one in mine if one.decision.run]
        reasons = [one.decision.reason for one in mine if not one.decision.run]
        skipped = ", ".join(f"{reason} {reasons.count(reason)}" for reason in dict.fromkeys(reasons))
        first, last = (f"{runs[0]:%H:%M}", f"{runs[-1]:%H:%M}") if runs else ("", "")
        rows.append((name, len(runs), first, last, skipped))
    return rows


def _shown(slot: datetime | None) -> str:
    return f"{slot:%a %Y-%m-%d %H:%M %Z}" if slot else ""
