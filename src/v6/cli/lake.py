"""`v6 lake`: what the tables hold, putting the small files of a day together, backups and the way back."""

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import configuration
from v6.restart.counted import counted

if TYPE_CHECKING:
    from v6.paths import Paths
    from v6.store.columns import Partition
    from v6.store.lake import Lake
    from v6.store.maintenance import Compacted, TableStatus
    from v6.store.manifest import Manifest

group = typer.Typer(no_args_is_help=True, help="The Delta Lake tables.")

KEPT_BY = {"trade_date": "day", "month": "month"}
"""A table's partition -> what it is called."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def _lake() -> "Lake":
    from v6.paths import Paths
    from v6.store.lake import Lake

    return Lake.at(configuration().settings.lake, Paths.locate())


@group.command()
def status(as_json: AsJson = False) -> None:
    """Rows, files, bytes and the first and last trade date of every table, and its partitions: days or months."""
    tables = [entry for entry in _lake().status() if entry.exists]
    if as_json:
        output.as_json([asdict(entry) for entry in tables])
        return
    if not tables:
        output.say("no table has been written yet")
        return
    output.table(
        None,
        ("table", "rows", "files", "kB", "bytes/row", "partitions", "first day", "last day", "last slot"),
        [_status_row(entry) for entry in tables],
        right="rows files kB bytes/row",
    )


@group.command()
def compact(
    date: Annotated[
        str | None, typer.Option(help="One trade date, YYYY-MM-DD, of tables kept by month its month; default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the files of each day together, or of each month where a table is kept by month, one a day or month. Exit
    code 1: no table has rows of the date, or of its month."""
    from v6.paths import Paths
    from v6.runner.ownership import require_own
    from v6.store.columns import partition_of
    from v6.store.tables import TABLES

    require_own(Paths.locate().var, ".venv/bin/v6 lake compact")
    lake = _lake()
    day = moments.day(date) if date else None
    tables = [entry.name for entry in lake.status() if entry.exists]
    empty = [name for name in tables if day and partition_of(TABLES[name], day) not in lake.partitions(name)]
    done = [lake.compact(name, day) for name in tables if name not in empty]
    if as_json:
        output.as_json([asdict(result) for result in done])
    else:
        _show_compacted(done, tables, empty, day)
    if empty and not done:
        raise typer.Exit(output.NO)


@group.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.")], as_json: AsJson = False
) -> None:
    """Copy every table at one version, and the journal; collectors may go on. The manifest has every checksum."""
    from v6.paths import Paths
    from v6.store import backup as backups
    from v6.store.manifest import JOURNAL

    lake = _lake()
    made = backups.make(lake, Paths.locate().journal, folder.absolute())
    if as_json:
        output.as_json(asdict(made))
        return
    size = made.size_bytes / 1e6
    files = counted(len(made.files), "file")
    journal = "with the journal" if JOURNAL in made.files else "WITHOUT a journal: there is none yet"
    output.say(f"{folder}: {_size(made)}, {files}, {size:.1f} MB, {journal}")


@group.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `v6 lake backup` made.")],
    journal: Annotated[bool, typer.Option("--journal", help="The journal too, as it was then.")] = False,
) -> None:
    """Put a backup in the lake's place: copied beside it, verified whole, then exchanged; the old lake is kept."""
    from contextlib import closing

    from v6.journal import audits, database
    from v6.paths import Paths
    from v6.runner.ownership import require_own
    from v6.store import restore as back
    from v6.store.manifest import JOURNAL, BackupError, manifest_of

    paths = Paths.locate()
    require_own(paths.var, ".venv/bin/v6 lake restore")
    lake, source = _lake(), folder.absolute()
    if JOURNAL not in manifest_of(source).files and journal:
        raise BackupError(f"{source}: has no journal, nothing was restored: without --journal the lake is")
    _require_quiet(paths)
    if journal:
        back.require_closed(paths.journal)
    staged = back.stage(lake, source)
    _require_quiet(paths, staged.folder)
    aside = back.switch(lake, staged)
    made = _moment(staged.manifest.made_at)
    rows = f"{_size(staged.manifest)} of {made}"
    output.say(f"{lake.root}: {rows}, every row was read" + (f"; the lake of before is {aside}" if aside else ""))
    kept = None
    if journal:
        kept = back.restore_journal(source, staged.manifest, paths.journal, staged.stamp)
        output.say(f"{paths.journal}: of {made}" + (f"; the journal of before is {kept}" if kept else ""))
    with closing(database.connect(paths.journal)) as db:
        audits.restored(db, f"{source}: {rows}")
    output.say("now look at it: scripts/audit_data_integrity.py")
    of_before = [shlex.quote(str(aside))] if aside else []
    of_before += [f"{shlex.quote(str(kept))}*"] if kept else []  # with what SQLite kept beside it
    if of_before:
        output.say(f"when all is well, remove what was before: rm -r {' '.join(of_before)}")


def _size(manifest: "Manifest") -> str:
    return f"{counted(len(manifest.tables), 'table')}, {counted(manifest.rows, 'row')}"


def _moment(made_at: str) -> str:
    """The manifest's UTC as New York's clock had it: the names of what is kept are of that clock."""
    return f"{datetime.datetime.fromisoformat(made_at).astimezone(clock.NEW_YORK):%Y-%m-%d %H:%M %Z}"


def _require_quiet(paths: "Paths", staged: Path | None = None) -> None:
    """Raises FatalError that names the runs at work; what was staged is removed then."""
    import shutil

    from v6.model import FatalError
    from v6.restart import runs_at_work

    try:
        locked = runs_at_work.holders_of(paths.locks, configuration(say=False).scheduler.tasks)
    except runs_at_work.CannotLook as error:
        raise FatalError(f"which runs are at work cannot be told, nothing was restored: {error}") from error
    busy = {process.pid: f"{task} (pid {process.pid})" for task, process in locked}
    busy |= {run.pid: str(run) for run in runs_at_work.connected(paths.leases)}
    if not busy:
        return
    if staged is not None:
        shutil.rmtree(staged)
    raise FatalError(
        f"nothing was restored, runs are at work: {', '.join(busy.values())}. Wait for their end, or switch the "
        "schedule off first (SCHEDULER_ENABLE_ALL=false in .env)"
    )


def _show_compacted(
    done: "Sequence[Compacted]", tables: Sequence[str], empty: Sequence[str], day: "datetime.date | None"
) -> None:
    from v6.store.tables import TABLES

    for name in empty:
        assert day is not None
        output.say(f"{name}: no rows of {_part(TABLES[name].partition, day)}")
    if not tables:
        output.say("no table has been written yet")
    for result in done:
        output.say(
            f"{result.table}: {_rewritten(result)}, {counted(result.rows, 'row')}, "
            f"{result.files_before} -> {counted(result.files_after, 'file')}, "
            f"{result.bytes_before // 1000} -> {result.bytes_after // 1000} kB, {result.removed_files} dead removed"
        )


def _rewritten(result: "Compacted") -> str:
    """`2 days rewritten`, `1 month rewritten (2026-11)`, `nothing to rewrite`."""
    if not result.rewritten:
        return "nothing to rewrite"
    names = ", ".join(_part(result.partition, part) for part in result.rewritten[:3])
    more = ", ..." if len(result.rewritten) > 3 else ""
    return f"{counted(len(result.rewritten), KEPT_BY[result.partition])} rewritten ({names}{more})"


def _part(partition: "Partition", day: "datetime.date") -> str:
    """The day, or its month as `2026-11`."""
    return f"{day:%Y-%m}" if partition == "month" else str(day)


def _status_row(entry: "TableStatus") -> tuple[object, ...]:
    last = entry.last_slot.astimezone(clock.NEW_YORK) if entry.last_slot else None
    return (
        entry.name,
        entry.rows,
        entry.files,
        entry.size_bytes // 1000,
        entry.size_bytes // entry.rows if entry.rows else None,
        counted(entry.partitions, KEPT_BY[entry.partition]),
        entry.first_date,
        entry.last_date,
        f"{last:%Y-%m-%d %H:%M %Z}" if last else None,
    )
