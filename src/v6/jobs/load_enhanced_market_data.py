"""Fetch the bars and volatilities since the last stored ones.

Usage: scripts/load_enhanced_market_data.py [--symbols AAPL [MSFT ...]] [--dry-run]
Needs: TWS with historical data, and the compiled calendars.
Of the universe's underlyings, the watchlist (bars.watchlist) and the futures: daily and intraday bars (TRADES; stocks
and indices in regular hours, futures around the clock, so that the night is there before the open), and daily bars of
OPTION_IMPLIED_VOLATILITY and HISTORICAL_VOLATILITY (annualised, not of futures). Asked for is what is not stored as
final of the last 30 sessions (daily) and 5 sessions (intraday), no more: what lies further back, also of an empty lake,
is load_historical_data's. A daily bar is asked for when its session is over. The session going on gets its intraday
bars so far, never as final; the next run replaces them.
A symbol that TWS does not know is reported in the summary, the log and an event, and is no failure.
A request that fails is repeated a few seconds later, three tries in all.
Writes: bars, the journal's bars_unavailable. A repeat is safe: it asks for what is not final yet.
Exit codes: 0 stored, or everything was there; 1 no bars at all, a request failed at every try (the rest is stored), or
TWS away (retried); 2 wrong configuration.
"""

from collections.abc import Sequence

from v6.analysis.bar_gaps import DAILY, SETTLED, Window, missing, windows
from v6.collection import bar_reports, symbols
from v6.collection.bar_backlog import believed
from v6.collection.bar_fetch import BarFetch
from v6.collection.bar_series import TRADES, Calendars, Series, in_order, of_contract, stored_days
from v6.collection.bars import BarBook
from v6.journal import bars_unavailable
from v6.model import Contract, RecoverableError
from v6.restart.counted import counted
from v6.runner.context import Argument, Context

WRITES = True
ARGUMENTS = (Argument("--symbols", nargs="+", metavar="SYMBOL", help="only these, also beside the watchlist"),)

DAILY_SESSIONS = 30
INTRADAY_SESSIONS = 5
END_SECONDS = 45.0
"""Of the attempt, kept for answers that are still to come and for the last commit."""


def load_enhanced_market_data(ctx: Context) -> str:
    names = symbols.wanted(ctx, ctx.args.symbols)
    calendars = Calendars(ctx).ready(names)
    book = BarBook(ctx, calendars)
    with ctx.gateway("checks") as gateway:
        found = symbols.resolve(ctx, gateway, names)
        bar_reports.unknown(ctx, found)
        if not found.contracts:
            raise RecoverableError(f"TWS knows none of {', '.join(names)}: {found.words()}")
        wanted = _wanted(ctx, calendars, list(found.contracts.values()))
        fetch = BarFetch(ctx, gateway, book, ctx.deadline - END_SECONDS)
        fetch.run(wanted, len(wanted))
    account = fetch.account
    if not ctx.dry_run:
        bars_unavailable.record(ctx.journal, sorted(believed(ctx, account)))
    if not book.bars and (account.failed or any(_must_come(ctx, *each) for each in wanted)):
        raise RecoverableError(
            f"no bars at all from {counted(len(wanted), 'request')}: {account.failures() or 'no data'}"
        )
    words = bar_reports.summary(ctx, found, account, book, len(wanted) - account.requests)
    if account.lost:
        raise RecoverableError(f"{account.last_words()}, the next run asks for them again: {words}")
    return words


def _must_come(ctx: Context, series: Series, window: Window) -> bool:
    """Whether TWS should have bars: a stock may have no options, and a session that has just begun no bar yet."""
    return series.what == TRADES and window.sessions[-1] < ctx.now().date()


def _wanted(ctx: Context, calendars: Calendars, contracts: Sequence[Contract]) -> list[tuple[Series, Window]]:
    """What is not final yet of the newest sessions, and TWS may have."""
    now = ctx.now()
    series = [each for contract in contracts for each in of_contract(ctx.settings, contract)]
    lengths = {DAILY: DAILY_SESSIONS, ctx.settings.bars.intraday_size: INTRADAY_SESSIONS}
    absent = bars_unavailable.known(ctx.journal, ctx.settings.bars.ask_again_days)
    found: list[tuple[Series, Window]] = []
    for size, count in lengths.items():
        of_size = [each for each in in_order(series) if each.bar_size == size]
        begun = {each: calendars.begun(each, now, count, over=size == DAILY) for each in of_size}
        first = min(sessions[-1].date for sessions in begun.values())
        there = stored_days(ctx, size, first)
        for each, sessions in begun.items():
            key = (each.contract.con_id, size, each.what)
            lacking = missing(sessions, there.get(each.stored_key, ()), absent.get(key, ()))
            found += [(each, window) for window in windows(lacking, size, now - SETTLED)]
    return found
