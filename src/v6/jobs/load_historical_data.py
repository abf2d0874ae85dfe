"""Fill the gaps of the bars.

Usage: scripts/load_historical_data.py [--symbols AAPL [MSFT ...]] [--ask-again] [--dry-run]
Needs: TWS with historical data, and the compiled calendars.
A gap is a session that is over and has no final bar: of the last bars.daily_sessions sessions for daily bars and
volatilities, of the last bars.intraday_sessions for intraday bars, counted by NYSE's calendar, for futures by CME's
(each session of a future is asked of the month that was its front month by CME's roll dates, also of an expired one).
Asked newest first, several requests in flight, at most bars.max_requests a run and no longer than the attempt lasts;
what is left is said in the summary, and the next run goes on with it. Rows are committed by month and each minute, so
that a kill loses little. Only historical bars with their own times are ever stored, never a current quote.
A session that TWS has no bars of, although it ended a week ago or more, is recorded and not asked for again during
bars.ask_again_days; --ask-again forgets these records of the symbols first.
--dry-run lists the gaps. It asks TWS for the contracts too; with TWS away it lists the gaps of stocks and indices that
have bars already, and says which symbols it cannot tell of.
A symbol that TWS does not know is reported in the summary, the log and an event, and is no failure.
Writes: bars, the journal's bars_unavailable. A repeat is safe: it asks only for what is missing.
A request that fails is repeated a few seconds later, three tries in all. A connection that ends, ends the run: what
came before is stored, and the retry asks for the rest.
Exit codes: 0 filled, partly filled or nothing to fill; 1 a request failed at every try (the rest is stored), or TWS
away (retried); 2 wrong configuration.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from v6.analysis.bar_gaps import Window, windows
from v6.collection import bar_reports, symbols
from v6.collection.bar_backlog import Backlog
from v6.collection.bar_fetch import Account, BarFetch
from v6.collection.bar_series import Calendars, Series
from v6.collection.bars import BarBook
from v6.gateway.errors import GatewayError
from v6.journal import bars_unavailable
from v6.model import RecoverableError
from v6.restart.counted import counted
from v6.runner.context import Argument, Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

WRITES = True
ARGUMENTS = (
    Argument("--symbols", nargs="+", metavar="SYMBOL", help="only these, also beside the watchlist"),
    Argument("--ask-again", action="store_true", help="also for what TWS did not have the last time"),
)

END_SECONDS = 60.0
"""Of the attempt, kept for answers that are still to come and for the last commit."""


def load_historical_data(ctx: Context) -> str:
    names = symbols.wanted(ctx, ctx.args.symbols)
    calendars = Calendars(ctx).ready(names)
    if ctx.dry_run:
        return _listed(ctx, calendars, names)
    if ctx.args.ask_again:
        gone = bars_unavailable.forget(ctx.journal, names)
        ctx.log.info("forgotten: {} of bars that TWS did not have", counted(gone, "record"))
    book = BarBook(ctx, calendars)
    with ctx.gateway("checks") as gateway:
        found = _resolved(ctx, gateway, names)
        backlog = Backlog(ctx, calendars, found)
        fetch = BarFetch(ctx, gateway, book, ctx.deadline - END_SECONDS)
        _fill(ctx, backlog, fetch)
    account = fetch.account
    if account.failed and not account.came:
        raise RecoverableError(f"{counted(account.requests, 'request')}, all failed: {account.failures()}")
    words = f"{bar_reports.summary(ctx, found, account, book, 0)}; {backlog.words()}"
    if account.lost:
        raise RecoverableError(f"{account.last_words()}, the next run asks for them again: {words}")
    return words


def _resolved(ctx: Context, gateway: "Gateway", names: Sequence[str]) -> symbols.Resolved:
    found = symbols.resolve(ctx, gateway, names)
    bar_reports.unknown(ctx, found)
    if not found.contracts:
        raise RecoverableError(f"TWS knows none of {', '.join(names)}: {found.words()}")
    return found


def _listed(ctx: Context, calendars: Calendars, names: Sequence[str]) -> str:
    """The gaps; with TWS away those that the lake alone can tell of."""
    away = ""
    try:
        with ctx.gateway("checks") as gateway:
            found = _resolved(ctx, gateway, names)
    except GatewayError as error:
        found = symbols.stored(ctx, names)
        if not error.recoverable:
            raise
        if not found.contracts:
            raise RecoverableError(f"{error}; without TWS only gaps of symbols that have bars can be listed") from error
        ctx.log.warning("TWS is away, only the gaps of stored stocks and indices are listed: {}", error)
        away = "; TWS is away" + (f", it would have to name {found.words()}" if found.unknown else "")
    return f"dry run, nothing asked or written: {Backlog(ctx, calendars, found).listed()}{away}"


def _fill(ctx: Context, backlog: Backlog, fetch: BarFetch) -> None:
    """Round after round: sessions before the first bar of an answer are asked for once more, up to their own end. What
    failed at every try is the next run's."""
    budget = ctx.settings.bars.max_requests
    while True:
        before = fetch.account.requests
        wanted = _windows(ctx, backlog, fetch.account)
        if not wanted or before >= budget or not fetch.has_time():
            return
        try:
            fetch.run(wanted, budget - before)
        finally:
            backlog.settle(fetch.account)
        if fetch.account.requests == before:
            return


def _windows(ctx: Context, backlog: Backlog, account: Account) -> list[tuple[Series, Window]]:
    now = ctx.now()
    found: list[tuple[Series, Window]] = []
    for series, sessions in backlog.lacking.items():
        lost = account.lost.get(series, ())
        left = [session for session in sessions if session.date not in lost]
        found += [(series, window) for window in windows(left, series.bar_size, now)]
    return found
