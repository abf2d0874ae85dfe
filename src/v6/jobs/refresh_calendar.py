"""Compile the calendar anew and say what has changed.

Usage: scripts/refresh_calendar.py [--dry-run]
Needs: pandas_market_calendars, as installed; no network and no TWS.
Asks for NYSE's sessions and those of CME's equity index futures again, although nothing they are made from has changed
since they were compiled (the gate compiles by itself when it has), and compares with the compiled ones: days added,
removed or changed, how far they reach, another version of the package. Each difference is a line of the log and of an
event; a changed day of the present or the future is also alerted: a task may run on another day than was thought.
Writes: var/compiled (both calendars and what the gate reads). A repeat is safe: it finds no difference any more.
Exit codes: 0 compiled, with or without differences; 1 it cannot be compiled, and the old one stays in force.
"""

from datetime import date

from v6.config.errors import ConfigError
from v6.journal import events
from v6.model import RecoverableError
from v6.runner.context import Context
from v6.scheduler import compile as compiling
from v6.scheduler.calendar_changes import Changes, changes
from v6.scheduler.futures_calendar import FILE
from v6.scheduler.nyse_calendar import CalendarError

WRITES = True

CALENDARS = (("NYSE", "calendar.txt", "09:30-16:00"), ("CME futures", FILE, "18:00-17:00"))
CHANGED = "calendar_changed"


def refresh_calendar(ctx: Context) -> str:
    before = [_text(ctx, file) for _, file, _ in CALENDARS]
    after = _compared(ctx) if ctx.dry_run else _compiled(ctx)
    found: list[str] = []
    for (name, _, regular), old, new in zip(CALENDARS, before, after, strict=True):
        found += [f"{name}: {line}" for line in _changes(old, new, regular).lines]
    for line in found:
        ctx.log.warning("{}", line)
    if found and not ctx.dry_run:
        _tell(ctx, found)
    horizon = ctx.calendar.covers[1] if not ctx.dry_run else None
    words = f"{len(found)} differences: {'; '.join(found)}" if found else "no difference from the compiled one"
    reach = f", covers up to {horizon}" if horizon else ""
    return f"{'dry run, nothing written: ' if ctx.dry_run else ''}{words}{reach}"


def _changes(old: str, new: str, regular: str) -> Changes:
    return changes(old, new, regular) if old else Changes(days=("there was none before",))


def _compared(ctx: Context) -> tuple[str, ...]:
    try:
        return tuple(compiling.calendars(ctx.paths))
    except ConfigError as error:
        raise RecoverableError(f"the calendar cannot be compiled, the old one stays: {error}") from error


def _compiled(ctx: Context) -> tuple[str, ...]:
    result = compiling.compile_all(ctx.paths, calendars_anew=True)
    if result.error:
        raise RecoverableError(f"the calendar cannot be compiled, the old one stays: {result.error}")
    try:
        return tuple(_text(ctx, file, needed=True) for _, file, _ in CALENDARS)
    except CalendarError as error:
        raise RecoverableError(str(error)) from error


def _text(ctx: Context, file: str, *, needed: bool = False) -> str:
    """ "" when there is none yet."""
    try:
        return (ctx.paths.compiled / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if needed:
            raise CalendarError(f"{file}: {error}") from error
        return ""


def _tell(ctx: Context, found: list[str]) -> None:
    events.record(ctx.journal, CHANGED, "; ".join(found), ctx.task, {"changes": found})
    if ahead := [line for line in found if _is_ahead(line, ctx.now().date())]:
        events.raise_alert(
            ctx.journal,
            severity="warning",
            title="the trading calendar has changed",
            body="\n".join(ahead),
            key=f"calendar changed: {'; '.join(ahead)}"[:200],
            task=ctx.task,
        )


def _is_ahead(line: str, today: date) -> bool:
    """Whether a line is about a day that is not over."""
    words = line.partition(": ")[2].split(" ", 1)[0]
    try:
        return date.fromisoformat(words) >= today
    except ValueError:
        return False
