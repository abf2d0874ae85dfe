"""`v6 lake`: what the tables hold, and putting the small files of a day together."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from v6 import clock
from v6.cli import moments, output

if TYPE_CHECKING:
    from v6.store.lake import Lake
    from v6.store.maintenance import Compacted, TableStatus

group = typer.Typer(no_args_is_help=True, help="The Delta Lake tables.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def _lake() -> "Lake":
    from v6.config.load import load
    from v6.paths import Paths
    from v6.store.lake import Lake

    paths = Paths.locate()
    return Lake.at(load(paths).settings.lake, paths)


@group.command()
def status(as_json: AsJson = False) -> None:
    """Rows, files, bytes and the first and last date of every table."""
    tables = [entry for entry in _lake().status() if entry.exists]
    if as_json:
        output.as_json([asdict(entry) for entry in tables])
        return
    if not tables:
        output.say("no table has been written yet")
        return
    output.table(
        None,
        ("table", "rows", "files", "kB", "bytes/row", "dates", "from", "to", "last slot"),
        [_status_row(entry) for entry in tables],
        right="rows files kB bytes/row dates",
    )


@group.command()
def compact(
    date: Annotated[str | None, typer.Option(help="One trade date, YYYY-MM-DD; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put the files of each trade date together, one a date. Exit code 1: no table has rows of the date."""
    from v6.paths import Paths
    from v6.runner.ownership import require_own

    require_own(Paths.locate().var, ".venv/bin/v6 lake compact")
    lake = _lake()
    day = moments.day(date) if date else None
    tables = [entry.name for entry in lake.status() if entry.exists]
    empty = [name for name in tables if day and lake.read(name, trade_date=day, columns=["trade_date"]).is_empty()]
    done = [lake.compact(name, day) for name in tables if name not in empty]
    if as_json:
        output.as_json([asdict(result) for result in done])
    else:
        _show_compacted(done, tables, empty, day)
    if empty and not done:
        raise typer.Exit(output.NO)


def _show_compacted(
    done: "Sequence[Compacted]", tables: Sequence[str], empty: Sequence[str], day: "datetime.date | None"
) -> None:
    for name in empty:
        output.say(f"{name}: no rows of {day}")
    if not tables:
        output.say("no table has been written yet")
    for result in done:
        output.say(
            f"{result.table}: {len(result.dates)} dates rewritten, {result.rows} rows, "
            f"{result.files_before} -> {result.files_after} files, "
            f"{result.bytes_before // 1000} -> {result.bytes_after // 1000} kB, {result.removed_files} dead removed"
        )


def _status_row(entry: "TableStatus") -> tuple[object, ...]:
    last = entry.last_slot.astimezone(clock.NEW_YORK) if entry.last_slot else None
    return (
        entry.name,
        entry.rows,
        entry.files,
        entry.size_bytes // 1000,
        entry.size_bytes // entry.rows if entry.rows else None,
        entry.dates,
        entry.first_date,
        entry.last_date,
        f"{last:%Y-%m-%d %H:%M %Z}" if last else None,
    )
