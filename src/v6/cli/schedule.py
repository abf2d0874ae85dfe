"""`v6 schedule`: what is configured, what is next, what is due, and the crontab of a host."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from v6 import clock
from v6.cli import moments, output, schedule_day
from v6.cli.compiled import Timetable, require_task, timetable
from v6.cli.render import host_zone, render
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.scheduler.compiled import Task
    from v6.scheduler.due import Decision

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
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many runs of each task.")] = 1,
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, max=10_000, help="Instead: how many runs, of all together.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The next runs, in New York and host time: those of each task, or with -n those of all together."""
    from v6.scheduler import upcoming

    now = timetable()
    instant = moments.moment(after)
    here = ZoneInfo(host_zone())
    chosen, windows = [one for one in _chosen(now, task) if one.enabled], now.schedule.windows
    if number is not None:
        found = upcoming.next_runs(chosen, instant, number, now.calendar, windows)
    else:
        each = [
            (slot, one.name)
            for one in chosen
            for slot in upcoming.following(one, instant, count, now.calendar, windows)
        ]
        found = sorted(each, key=lambda run: (run[0].timestamp(), run[1]))
    if as_json:
        output.as_json([{"slot": slot, "host": slot.astimezone(here), "task": name} for slot, name in found])
        return
    for slot, name in found:
        output.say(f"{_shown(slot)}  {slot.astimezone(here):%a %H:%M %Z} here  {name}")
    _say_lines(task)


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
    """A New York day as a timeline: runs with gates, dependencies, worst-case ends; and what will not run, and why.

    The worst case: every attempt takes its whole time limit, with the longest waits between, after dependencies that
    take as long; a deadline ends it.
    """
    from v6.scheduler import timeline

    now = timetable()
    date_, here = moments.day(day), ZoneInfo(host_zone())
    tasks = now.schedule.tasks
    chosen = [one.name for one in _chosen(now, task)]
    found = timeline.of_day(tasks, date_, now.calendar, now.schedule.windows, chosen)
    if as_json:
        output.as_json(schedule_day.as_rows(found, tasks, here))
    elif task:
        schedule_day.say_slots(found, date_)
    else:
        schedule_day.say_timeline(found, now, date_, here)
    if not as_json:
        _say_lines(task)


group.command()(render)


def _say_lines(task: str | None) -> None:
    """What is not in cron does not run, whatever the schedule says."""
    from v6.cron.present import present

    lines = present(Paths.locate())
    if lines and (words := lines.words(task)):
        typer.echo(f"note: {words}", err=True)


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
        "must_finish_by": None if task.must_finish_by is None else _time(*task.must_finish_by),
        "idempotent": task.idempotent,
        "catch_up": task.catch_up,
        "depends_on": task.depends_on,
        "next_slot": following[0] if following else None,
    }


def _when(task: "Task") -> str:
    if task.kind == "every":
        return f"every {task.period_min} min" if task.period_min < 60 else f"hourly at :{task.minute:02d}"
    on = f"{WEEKDAYS[int(task.weekday)]} " if task.weekday != "*" else ""
    return f"{on}{_time(task.anchor, task.offset_min)}"


def _time(anchor: str, minutes: int) -> str:
    if anchor == "clock":
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{anchor}{minutes:+d}min" if minutes else anchor


def _decision(name: str, decision: "Decision") -> dict[str, Any]:
    return {"task": name, "run": decision.run, "reason": decision.reason, "slot": decision.slot}


def _verdict(decision: "Decision") -> str:
    return "run" if decision.run else f"skip: {decision.reason}"


def _shown(slot: datetime | None) -> str:
    return f"{slot:%a %Y-%m-%d %H:%M %Z}" if slot else ""
