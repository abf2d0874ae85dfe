"""Compute the statistics of the slots collected so far.

Usage: scripts/calculate_intraday_statistics.py [--date 2026-11-20] [--dry-run]
Needs: nothing but the lake: the day's universe and the collector's quotes. Default is the slot's day. Every slot of the
session that is over (five minutes after it) and has quotes gets a row for each underlying of the universe, so a slot
whose quotes were completed later is computed anew. Where TWS sent no usable volatility, one is computed first, once.
Formulas: v6.analysis.option_statistics, surface and parity. A null has its reason beside it.
Writes: intraday_statistics of the day, option_greeks. A repeat is safe: it computes the day's rows anew and, where
nothing has changed, writes nothing.
Exit codes: 0 computed; no session (holiday); no universe, or no slot with quotes on an earlier day or in the first hour
after the open (no_input); 1 no slot with quotes an hour after the open, or the lake was busy (retried); 2 no such date.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.model import FatalError, RecoverableError, SkipRun
from v6.runner.context import Argument, Context

if TYPE_CHECKING:
    from v6.scheduler.nyse_calendar import Session

WRITES = True
ARGUMENTS = (Argument("--date", metavar="YYYY-MM-DD", help="a New York date; default: today's"),)

PATIENCE = timedelta(hours=1)


def calculate_intraday_statistics(ctx: Context) -> str:
    from v6.statistics import intraday

    session = _session(ctx)
    computed = intraday.compute(ctx, session.date)
    if computed is None:
        raise _nothing(ctx, session)
    if ctx.dry_run:
        return f"dry run, nothing written: {session.date} {computed.words()}"
    changed = intraday.store(ctx, session.date, computed)
    return f"{session.date} {computed.words()}{'' if changed else ', nothing new'}"


def _session(ctx: Context) -> "Session":
    day = ctx.slot_or_now().date()
    if ctx.args.date is not None:
        try:
            day = date.fromisoformat(ctx.args.date)
        except ValueError as error:
            raise FatalError(f"--date {ctx.args.date!r} is wrong, allowed: a date such as 2026-11-20") from error
    if (session := ctx.calendar.session(day)) is None:
        raise SkipRun("holiday", f"no session on {day}: {ctx.calendar.closure_reason(day)}")
    return session


def _nothing(ctx: Context, session: "Session") -> Exception:
    """What there is to say when there is nothing to compute."""
    if ctx.lake.universe(session.date).is_empty():
        return SkipRun("no_input", f"no universe of {session.date}: queue_option_contracts has not run or has failed")
    words = f"no slot of {session.date} with quotes is stored"
    if session.date < ctx.now().date() or ctx.now() < session.open + PATIENCE:
        return SkipRun("no_input", words)
    return RecoverableError(
        f"{words}, {PATIENCE.seconds // 3600} h after the open: collect_option_snapshots stores none"
    )
