"""`v6 report`: a trade date on one HTML page."""

import os
from dataclasses import asdict
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
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, today, yesterday, tomorrow.")],
    file: Annotated[
        Path | None,
        typer.Option("--output", help="Where to; default: var/reports/DATE.html.", dir_okay=False, resolve_path=True),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the page's figures as JSON, and write no page.")
    ] = False,
) -> None:
    """Write one self-contained page of a day: slots, what is missing, volatility, statistics, quality.

    Exit code 1: nothing is stored of that day; a part that cannot be read is said on the page.
    """
    from v6.report.day import NothingOfDay, read

    paths, date_ = Paths.locate(), moments.day(day)
    if file is not None and not as_json:
        _require_folder(file)
    calendar = timetable().calendar
    try:
        found = read(paths, os.environ, configuration(say=False), calendar, date_)
    except NothingOfDay as nothing:
        typer.echo(f"v6: {nothing}", err=True)
        raise typer.Exit(output.REFUSED if date_ > clock.now().date() else output.NO) from nothing
    if as_json:
        output.as_json(asdict(found))
        return
    from v6.report.page import render

    target = file or paths.var / FOLDER / f"{date_}.html"
    _write(target, render(found), paths, own=file is None)
    output.say(str(target))


def _require_folder(file: Path) -> None:
    """Before the work, not after it. Raises FatalError."""
    if not file.parent.is_dir():
        raise FatalError(f"--output {file}: there is no folder {file.parent}, allowed: a file in a folder that exists")


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
