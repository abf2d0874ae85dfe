"""Remove what is older than its retention, compact the tables, rotate the logs.

Usage: scripts/cleanup_old_data.py [--dry-run]
Needs: an audit of the last 14 days that found nothing (audit_data_integrity); without one only logs are rotated.
Removes whole trade dates of the tables that `retention.tables` names, and only days that were closed: never today,
never statistics, ledgers, bars, positions or the universe. Old is what the clock says and the days that left a trace
since bear out: a clock that is a year ahead removes nothing, and the message says so. Then compacts every table (one
file a partition; dead files leave the disk after seven days), lets rows of the journal go that are older than
`journal_days` and that the lake has, and removes or renames old and large logs. What went is in the log, line by line;
--dry-run lists what would go.
Writes: the lake, the journal, the logs' folder. A repeat is safe, after a kill at any moment too: it finds less to do.
Exit codes: 0 done, or nothing to do; 1 the lake is busy or away (retried next week); 2 refused: the audit failed or is
missing (the message has the command), or the lake lacks what the journal was to let go.
"""

from collections.abc import Mapping

from v6.journal import audits
from v6.model import FatalError
from v6.restart.counted import counted
from v6.runner.context import Context
from v6.upkeep import journal_trim, retention, rotation
from v6.upkeep.closed_sums import gone_missing
from v6.upkeep.retention import Expired
from v6.upkeep.rotation import Rotation

WRITES = True


def cleanup_old_data(ctx: Context) -> str:
    objection = audits.objection(ctx.journal) or _missing(ctx)
    logs = _logs(ctx)
    if objection and not ctx.dry_run:
        raise FatalError(f"nothing but logs was removed ({_logs_in_words(logs)}): {objection}")
    going = _lake(ctx)
    journal = _journal(ctx)
    compacted = _dead_files(ctx) if ctx.dry_run else _compact(ctx)
    refused = f"now it would be refused: {objection}" if objection else ""
    words = [_days_in_words(going, ctx.settings.retention.tables), _open_in_words(going), _held_in_words(going)]
    parts = [*words, journal, compacted, _logs_in_words(logs), refused]
    return ("would go: " if ctx.dry_run else "") + "; ".join(part for part in parts if part)


def _missing(ctx: Context) -> str:
    """What has gone since the audit: a copy of a table from before may have been put in its place."""
    missing = gone_missing(ctx.journal, ctx.lake)
    return f"closed days are not whole ({'; '.join(missing[:5])}): run {audits.COMMAND}" if missing else ""


def _logs(ctx: Context) -> Rotation:
    directory = ctx.paths.home / ctx.config.scheduler.log_directory
    due = rotation.due(directory, ctx.now().date(), ctx.settings.retention.logs_days)
    for log in due.removed:
        ctx.log.info("log {}: {:.1f} MB", log.path, log.size / 1e6)
    for log, target in due.renamed:
        ctx.log.info("log {}: {:.1f} MB, becomes {}", log.path, log.size / 1e6, target.name)
    if not ctx.dry_run:
        rotation.carry_out(due)
    return due


def _lake(ctx: Context) -> list[Expired]:
    found = retention.expired(ctx)
    for going in found:
        if going.days:
            ctx.log.info("{}: {}", going, ", ".join(map(str, going.days)))
        if going.not_closed:
            days = ", ".join(map(str, going.not_closed))
            ctx.log.warning("{}: kept though old, never closed: {}", going.table, days)
        if going.held_back:
            ctx.log.warning("{}: {}", going.table, going.held_back)
        if not ctx.dry_run:
            retention.remove(ctx, going)
    return found


def _journal(ctx: Context) -> str:
    days, notes = journal_trim.due(ctx)
    if days:
        ctx.log.info("journal: runs and slots of {} {} to {}", counted(len(days), "day"), days[0], days[-1])
    if notes:
        ctx.log.info("journal: {} of events, alerts and requests", counted(notes, "row"))
    if ctx.dry_run:
        return f"journal: {counted(len(days), 'day')} and {counted(notes, 'note')}" if days or notes else ""
    rows = journal_trim.let_go(ctx)
    return f"journal: {counted(rows, 'row')} of {counted(len(days), 'day')}" if rows else ""


def _dead_files(ctx: Context) -> str:
    tables = [entry.name for entry in ctx.lake.status() if entry.exists]
    dead = [f"{table}/{file}" for table in tables for file in ctx.lake.dead_files(table)]
    for file in dead:
        ctx.log.info("dead file {}", file)
    return counted(len(dead), "dead file") if dead else ""


def _compact(ctx: Context) -> str:
    done = [ctx.lake.compact(entry.name) for entry in ctx.lake.status() if entry.exists]
    before, after = sum(one.files_before for one in done), sum(one.files_after for one in done)
    dead = sum(one.removed_files for one in done)
    tables = counted(len(done), "table")
    return f"{tables} compacted: {before} -> {counted(after, 'file')}, {dead} dead removed"


def _days_in_words(going: list[Expired], tables: Mapping[str, int]) -> str:
    """`tables`: those with a retention."""
    if not tables:
        return "retention.tables names no table: no day of the lake may go"
    some = [one for one in going if one.days]
    if not some:
        return "no day of the lake is old enough"
    size = sum(one.size_bytes for one in some) / 1e6
    days = ", ".join(f"{one.table} {len(one.days)}" for one in some)
    return f"days of the lake: {days} ({counted(sum(one.rows for one in some), 'row')}, {size:.1f} MB)"


def _open_in_words(going: list[Expired]) -> str:
    days = sorted({day for one in going for day in one.not_closed})
    if not days:
        return ""
    kept = f"{counted(len(days), 'old day')} kept, never closed"
    return f"{kept}: scripts/validate_data_quality.py --date {days[0]} closes one"


def _held_in_words(going: list[Expired]) -> str:
    """Of the first table: the clock is the same for all."""
    held = [f"{one.table}: {one.held_back}" for one in going if one.held_back]
    return held[0] if held else ""


def _logs_in_words(logs: Rotation) -> str:
    if not logs.removed and not logs.renamed:
        return "no log is due"
    return f"logs: {len(logs.removed)} removed ({logs.removed_bytes / 1e6:.1f} MB), {len(logs.renamed)} rotated"
