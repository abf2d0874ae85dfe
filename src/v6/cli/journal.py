"""`v6 journal`: whether the journal is whole, and what to do when it is not."""

from contextlib import closing
from typing import Annotated

import typer

from v6 import clock
from v6.cli import output
from v6.paths import Paths

group = typer.Typer(no_args_is_help=True, help="The journal: SQLite's own check of it, and its repair.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@group.command()
def check(as_json: AsJson = False) -> None:
    """What SQLite finds wrong with the journal. Exit code 1: something is."""
    from v6.journal import repair as repairs
    from v6.runner.ownership import require_own

    paths = Paths.locate()
    require_own(paths.var, ".venv/bin/v6 journal check")  # SQLite leaves files beside it
    path = paths.journal
    flaws = repairs.flaws(path)
    if as_json:
        output.as_json({"journal": path, "flaws": flaws})
    else:
        cure = "v6 journal repair saves what can be read of it, v6 lake restore DIR --journal brings back a backup"
        output.say("\n".join([f"{path} is damaged", *flaws, cure]) if flaws else f"{path} is whole")
    if flaws:
        raise typer.Exit(output.NO)


@group.command()
def repair() -> None:
    """Everything that can be read of a damaged journal into a new one; the old one is kept beside it.

    Refused while anything runs, and where nothing is wrong. `v6 lake restore DIR --journal` brings back a backup.
    """
    from v6.journal import database, events
    from v6.journal import repair as repairs
    from v6.runner.ownership import require_own

    paths = Paths.locate()
    require_own(paths.var, ".venv/bin/v6 journal repair")
    repaired = repairs.repair(paths.journal, paths.locks)
    words = repairs.said(repaired)
    with closing(database.connect(paths.journal)) as db:
        events.record(db, "journal_repaired", words, details={table.name: table.kept for table in repaired.tables})
    output.table(
        None,
        ("table", "rows saved", "read to its end"),
        [(table.name, table.kept, "yes" if table.complete else "NO") for table in repaired.tables],
        right="rows",
    )
    output.say(f"{clock.now():%Y-%m-%d %H:%M:%S %Z}: {words}")
