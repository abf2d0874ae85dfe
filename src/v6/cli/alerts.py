"""`v6 alerts`: what people were told, what waits, and whether a message arrives."""

import os
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from v6.cli import output
from v6.cli.compiled import configuration, require_task
from v6.cli.journals import journal_if_any
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.journal.events import Alert

group = typer.Typer(no_args_is_help=True, help="What people were told, what waits, and whether a message arrives.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@group.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those nobody has received, the oldest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The latest alerts, and whether somebody has received them."""
    from v6.journal import events

    db = journal_if_any()
    found: list[Alert] = []
    if db is not None:
        with closing(db):
            found = events.undelivered(db, limit) if waiting else events.latest_alerts(db, limit)
    if as_json:
        output.as_json([alert._asdict() for alert in found])
        return
    if not found:
        output.say("no alert waits to be delivered" if waiting else "no alert in the journal")
        return
    rows = [(alert.id, f"{alert.at:%Y-%m-%d %H:%M}", alert.severity, _state(alert), alert.title) for alert in found]
    output.table(None, ("id", "at", "severity", "delivered", "title"), rows, right="id")


@group.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `v6 alerts list` shows it.")], as_json: AsJson = False
) -> None:
    """One alert as it was sent, what it means and what to do."""
    from v6.alerts import advice, templates
    from v6.journal import events

    db = journal_if_any()
    found = None
    if db is not None:
        with closing(db):
            found = events.alert(db, number)
    if found is None:
        raise FatalError(f"there is no alert {number}, allowed: an id of `v6 alerts list`")
    known = advice.of(found.key)
    if as_json:
        output.as_json({**found._asdict(), "meaning": known.meaning if known else None})
        return
    message = templates.message([found])
    output.say(f"{message.title}  ({found.severity}, {_state(found)})\n{message.body}")
    if known:
        output.say(f"What it means: {known.meaning}")


@group.command("deliveries")
def deliveries_(
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What left last: messages (tests too) and pings of dead man's switches, and whether they were taken."""
    from v6.journal import deliveries

    db = journal_if_any()
    found = []
    if db is not None:
        with closing(db):
            channels = (deliveries.ALERT, deliveries.HEARTBEAT)
            found = [one for channel in channels for one in deliveries.recent(db, channel, limit)]
    found = sorted(found, key=lambda one: one.id, reverse=True)[:limit]
    if as_json:
        output.as_json([one._asdict() for one in found])
        return
    if not found:
        output.say("nothing was ever sent")
        return
    rows = [
        (
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            one.channel,
            one.alerts or "",
            f"no: {one.error}" if one.error else "yes",
            one.what,
        )
        for one in found
    ]
    output.table(None, ("at", "channel", "alerts", "taken", "what"), rows, right="alerts")


@group.command("test")
def try_(
    heartbeat: Annotated[
        str | None, typer.Option(metavar="TASK", help="Instead ping the dead man's switch of this task, as a success.")
    ] = None,
) -> None:
    """Send a message through every address of V6_ALERT_URLS now, whatever the quiet hours and limits.

    Exit code 1 when one of them does not take it.
    """
    if heartbeat is not None:
        _ping(heartbeat)
        return
    from v6 import clock
    from v6.alerts import services
    from v6.alerts.outbox import DeliveryError
    from v6.config import dotenv
    from v6.runner.ownership import require_own

    paths = Paths.locate()
    require_own(paths.var, ".venv/bin/v6 alerts test")
    try:
        addresses = services.urls({**dotenv.read(paths.dotenv), **os.environ})
    except (dotenv.DotenvError, OSError) as error:
        raise FatalError(f"{paths.dotenv}: {error}") from error
    if not addresses:
        raise FatalError(f"{services.URLS} is not set, allowed: apprise URLs in {paths.dotenv} or the environment")
    title, body = "V6: a test", f"Alerts of {paths.home} arrive here. {clock.now():%Y-%m-%d %H:%M:%S %Z}"
    results = []
    for service in services.services(addresses):
        try:
            service.send("info", title, body)
            results.append("")
        except DeliveryError as error:
            results.append(str(error))
        output.say(results[-1] or f"{service.label}: taken")
    _record(paths, title, results)
    if any(results):
        raise typer.Exit(output.NO)


def _ping(task: str) -> None:
    from v6.alerts import heartbeat
    from v6.runner.ownership import require_own
    from v6.scheduler import side_channels

    paths = Paths.locate()
    require_own(paths.var, f".venv/bin/v6 alerts test --heartbeat {task}")
    config = configuration()
    require_task(task, config.scheduler.tasks)
    settings = side_channels.settings(config)
    if not side_channels.address(task, tuple(settings["heartbeat.tasks"].split(",")), config.environment):
        own, common = f"{side_channels.HEARTBEAT_URL}_{task.upper()}", side_channels.HEARTBEAT_URL
        raise FatalError(f"{task} has no address, allowed: {own}, or {common} for a task in heartbeat.tasks, in .env")
    if heartbeat.main((task, heartbeat.SKIP, "0", "a test")):
        raise typer.Exit(output.NO)
    output.say(f"{task}: taken")


def _record(paths: Paths, title: str, errors: Sequence[str]) -> None:
    import sqlite3

    from v6.journal import database, deliveries

    try:
        with closing(database.connect(paths.journal)) as db:
            for error in errors:
                deliveries.record(db, deliveries.ALERT, title, error=error)
    except (database.JournalError, sqlite3.Error, OSError) as unusable:
        output.say(f"{paths.journal}: it could not be recorded: {unusable}")


def _state(alert: "Alert") -> str:
    if alert.delivered_at:
        return f"{alert.delivered_at:%Y-%m-%d %H:%M}"
    return f"no, {alert.tries} tries: {alert.error}" if alert.tries else "waits"
