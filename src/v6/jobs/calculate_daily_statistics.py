"""Compute the day's statistics.

Usage: scripts/calculate_daily_statistics.py [--date 2026-11-20 | --from 2026-01-02 [--to 2026-11-20]] [--dry-run]
Needs: nothing but the lake: universe, quotes and final daily bars. Default is the slot's day; any stored day can be
computed again, also (by --date) a day to come that a rehearsal has played in this home. The surface is that of the
session's last slot with at least half of the quotes of its best one.
Without --from and --to it also brings intraday_statistics to the session's end, and computes those of the 25 sessions
before anew whose bars have come since. Where TWS sent no usable volatility, one is computed first, once.
--from and --to computes every session between them in one pass; on a terminal it shows how far it is. Ranks look back
over 252 sessions: after a recomputation of old days compute the days after them as well. A day whose quotes have been
cleaned up keeps its stored statistics.
Formulas: v6.analysis.option_statistics, surface, parity, realised_volatility, ranks, regime. A null has its reason.
Writes: daily_statistics, intraday_statistics, option_greeks. A repeat is safe: where nothing has changed, it writes
nothing.
Exit codes: 0 computed; no session (holiday), its session not over (not_yet), or no universe (no_input); 1 the day has
no quotes at all (its rows are stored and say so), or the lake was busy (retried); 2 no such dates, or nothing in them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from v6.model import FatalError, RecoverableError, SkipRun
from v6.restart.counted import counted
from v6.runner.context import Argument, Context

if TYPE_CHECKING:
    from v6.statistics.daily import Computed

WRITES = True
ARGUMENTS = (
    Argument("--date", metavar="YYYY-MM-DD", help="a New York date; default: today's"),
    Argument("--from", dest="first", metavar="YYYY-MM-DD", help="first of several days"),
    Argument("--to", dest="last", metavar="YYYY-MM-DD", help="last of them; default: the newest session that is over"),
)


def calculate_daily_statistics(ctx: Context) -> str:
    if ctx.args.first is None and ctx.args.last is None:
        return _one_day(ctx)
    allowed = "allowed: --date DAY, --from DAY, or --from DAY --to DAY"
    if ctx.args.date is not None:
        flag = "--to" if ctx.args.first is None else "--from"
        raise FatalError(f"{flag} does not go with --date: one day, or several; {allowed}")
    if ctx.args.first is None:
        raise FatalError(f"--to needs --from: the first of the days; {allowed}")
    return _several_days(ctx)


def _one_day(ctx: Context) -> str:
    from v6.statistics import daily, intraday

    day = ctx.slot_or_now().date() if ctx.args.date is None else _date("--date", ctx.args.date)
    if (session := ctx.calendar.session(day)) is None:
        raise SkipRun("holiday", f"no session on {day}: {ctx.calendar.closure_reason(day)}")
    if ctx.now() < session.close and not _rehearsed(ctx, day):
        raise SkipRun("not_yet", f"the session of {day} is over at {session.close:%H:%M}")
    slots = intraday.compute(ctx, day)
    if slots and not ctx.dry_run:
        intraday.store(ctx, day, slots)  # first: the greeks that it computes are those of the day's statistics too
    computed = daily.compute(ctx, [*daily.unfinished(ctx, day), day])
    if day in computed.without_universe:
        raise SkipRun("no_input", f"no universe of {day}: queue_option_contracts has not run or has failed")
    words = _stored(ctx, computed)
    if day in computed.unquoted:
        raise RecoverableError(f"no quotes of {day} are stored; {words}")
    return words


def _rehearsed(ctx: Context, day: date) -> bool:
    """Whether the lake has quotes of a day to come: those of a rehearsal, in whose home the clock has gone back."""
    return day > ctx.now().date() and len(ctx.lake.read("option_snapshots", trade_date=day, columns=["slot"])) > 0


def _several_days(ctx: Context) -> str:
    from v6.statistics import daily, series

    first = _date("--from", ctx.args.first)
    last = ctx.now().date() if ctx.args.last is None else _date("--to", ctx.args.last)
    if first > last:
        end = f"today, {last}" if ctx.args.last is None else f"--to {last}"
        raise FatalError(f"--from {first} is after {end}; allowed: a first day not after the last")
    covered = ctx.calendar.covers
    if first < covered[0] or last > covered[1]:
        raise FatalError(f"{first} to {last}: the calendar covers {covered[0]} to {covered[1]}")
    sessions = series.sessions_between(ctx.calendar, first, last)
    days = [day for day in sessions if (found := ctx.calendar.session(day)) and found.close <= ctx.now()]
    if not days:
        raise FatalError(f"{first} to {last}: no session of these days is over")
    with _progress(len(days)) as told:
        computed = daily.compute(ctx, days, told)
    if not computed.days and not computed.kept:
        raise FatalError(f"{first} to {last}: none of {counted(len(days), 'session')} has a universe in the lake")
    return _stored(ctx, computed)


def _stored(ctx: Context, computed: "Computed") -> str:
    from v6.statistics import daily

    words = f"{_words(computed)}, {_volatilities(len(computed.greeks))} computed"
    if ctx.dry_run:
        return f"dry run, nothing written: {words}"
    changed = daily.store(ctx, computed)
    return f"{words}, {counted(changed, 'row')} new or changed"


def _words(computed: "Computed") -> str:
    days = computed.days
    span = f"{days[0]} to {days[-1]}, {len(days)} sessions" if len(days) > 1 else "".join(map(str, days))
    words = f"{span}: {counted(len(computed.rows), 'row')}" if days else "nothing to compute"
    if computed.unquoted:
        words += f", {counted(len(computed.unquoted), 'session')} without quotes"
    if computed.without_universe:
        words += f", {counted(len(computed.without_universe), 'session')} without a universe left out"
    if computed.kept:
        words += f", {counted(len(computed.kept), 'session')} whose quotes are gone kept as they were"
    return words


def _volatilities(number: int) -> str:
    return f"{number} volatility" if number == 1 else f"{number} volatilities"


@contextmanager
def _progress(days: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal; what it yields is told how many days are done."""
    import sys

    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("days"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("days", total=days)
        yield lambda done: bar.update(task, advance=done)


def _date(flag: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FatalError(f"{flag} {text!r} is wrong, allowed: a date such as 2026-11-20") from error
