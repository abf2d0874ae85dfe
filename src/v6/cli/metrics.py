"""`v6 metrics`: what Prometheus is told."""

from contextlib import closing
from typing import Annotated

import typer

from v6.cli import output
from v6.cli.journals import journal
from v6.model import FatalError
from v6.paths import Paths


def register(app: typer.Typer) -> None:
    app.command()(metrics)


def metrics(
    write: Annotated[bool, typer.Option("--write", help="Write them to metrics.textfile now and say where.")] = False,
) -> None:
    """Print the metrics in Prometheus' text format, as node_exporter's textfile collector gets them."""
    from v6.metrics import exporter
    from v6.runner.ownership import require_own

    paths = Paths.locate()
    if write:
        require_own(paths.var, ".venv/bin/v6 metrics --write")
    elif not paths.journal.exists():
        raise FatalError(f"{paths.journal} is not there yet: nothing has run here")
    with closing(journal()) as db:
        if not write:
            typer.echo(exporter.text(db, paths), nl=False)
            return
        place = exporter.place(paths)
        if place is None:
            raise FatalError("metrics.textfile is empty: none are written, allowed: a file name ending in .prom")
        try:
            exporter.write(db, place, paths)
        except OSError as error:
            raise FatalError(f"{place}: {error}") from error
    output.say(f"written to {place}")
