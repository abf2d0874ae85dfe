"""The final daily bars of a session that has just ended, for the evening's statistics."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from v6.analysis.bar_gaps import DAILY, is_final, windows
from v6.collection import symbols as resolving
from v6.collection.bar_fetch import BarFetch
from v6.collection.bar_series import TRADES, Calendars, Series, stored_days
from v6.collection.bars import BarBook
from v6.model import RecoverableError
from v6.runner.context import CLOSING_SECONDS, Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway


def store_final_daily_bars(ctx: Context, gateway: "Gateway", symbols: Sequence[str]) -> str:
    """Store the TRADES bar of the last session that is over, of stocks and indices in regular hours, of futures around
    the clock. Those that are stored already are not asked for. Returns what was stored and what TWS has not.

    A bar that is asked for within five minutes after the close is stored, but not as final. Raises RecoverableError
    when TWS gives none at all, GatewayError when it cannot be asked.
    """
    calendars = Calendars(ctx)
    found = resolving.resolve(ctx, gateway, symbols)
    now = ctx.now()
    wanted = []
    for contract in found.contracts.values():
        series = Series(contract, DAILY, TRADES)
        [session] = calendars.begun(series, now, 1, over=True)
        if session.date not in stored_days(ctx, DAILY, session.date).get(series.stored_key, ()):
            wanted.append((series, session))
    book = BarBook(ctx, calendars)
    fetch = BarFetch(ctx, gateway, book, ctx.deadline - CLOSING_SECONDS)
    fetch.run(((series, windows([session], DAILY, now)[0]) for series, session in wanted), len(wanted))
    account = fetch.account
    lacking = [series.contract.symbol for series, session in wanted if session.date not in account.came.get(series, ())]
    if wanted and len(lacking) == len(wanted):
        raise RecoverableError(f"TWS gave no daily bar: {account.failures() or 'no data'}")
    final = sum(is_final(session, now) for series, session in wanted if series.contract.symbol not in lacking)
    words = f"{final} final daily bars"
    if len(found.contracts) > len(wanted):
        words += f", {len(found.contracts) - len(wanted)} were there"
    if lacking or found.unknown:
        words += f", none of {', '.join(sorted([*lacking, *found.unknown]))}"
    if account.failed:
        words += f", failed: {account.failures()}"
    return words
