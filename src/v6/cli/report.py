"""`v6 report`: a trade date on one HTML page."""

import os
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import configuration, timetable
from v6.model import FatalError
from v6.paths import Paths

FOLDER = "reports"


def register(app: typer.Typer) -> None:
    app.command()(report)


def report(
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, today, yesterday.")],
    file: Annotated[
        Path | None,
        typer.Option("--output", help="Where to; default: var/reports/DATE.html.", dir_okay=False, resolve_path=True),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the page's figures as JSON, and write no page.")
    ] = False,
) -> None:
    """Write one self-contained page of a day: slots, what is missing, volatility, statistics, quality.

    Exit code 1: nothing is stored of that day.
    """
    from v6.report.day import NothingOfDay, read

    paths, date_ = Paths.locate(), _begun(moments.day(day))
    calendar = timetable().calendar
    try:
        found = read(paths, os.environ, configuration(say=False), calendar, date_)
    except NothingOfDay as nothing:
        typer.echo(f"v6: {nothing}", err=True)
        raise typer.Exit(output.NO) from nothing
    if as_json:
        output.as_json(asdict(found))
        return
    from v6.report.page import render

    target = file or paths.var / FOLDER / f"{date_}.html"
    _write(target, render(found), paths, own=file is None)
    output.say(str(target))


def _begun(day: date) -> date:
    """Raises FatalError for a day that is still to come."""
    today = clock.now().date()
    if day > today:
        raise FatalError(f"{day} has not begun (it is {today} in New York), allowed: a day until today")
    return day


def _write(target: Path, page: str, paths: Paths, *, own: bool) -> None:
    """In one step, so that nobody reads half a page. Raises FatalError where it cannot be written."""
    from v6.runner.ownership import require_own

    if own:
        require_own(paths.var, ".venv/bin/v6 report")
    try:
        if own:
            target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        beside.write_text(page, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise FatalError(f"--output {target}: {error.strerror}") from error
