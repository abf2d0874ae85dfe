"""`v6 schedule`: what is configured, what is next, what is due, and the crontab of a host."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import Timetable, require_task, timetable
from v6.cli.render import host_zone, render
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.scheduler.compiled import Task
    from v6.scheduler.due import Decision
    from v6.scheduler.upcoming import Planned

group = typer.Typer(no_args_is_help=True, help="The schedule: what runs when, and the crontab that makes it run.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


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
    here = ZoneInfo(host_zone())
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


group.command()(render)


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
