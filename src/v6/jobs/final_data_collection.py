"""Store closing quotes, marks and open interest, and complete the day's ledger.

Usage: scripts/final_data_collection.py [--date TODAY] [--dry-run]
Needs: TWS with option market data, after the close and before midnight in New York; today's universe.
1. Ledger: every slot that the calendar asked of a collector in the last seven days and that has no row gets one, with
   the reason that schedule, gate log and journal tell; rows that a killed run left open are closed from the lake.
2. Closing quotes of every option that a version of today's universe collected and of every one held, with IV, delta,
   open interest (generic tick 101; without it the row is partial, no_open_interest) and a settlement-like mark:
   mid when the market is two-sided and its spread at most max(0.25 x mid, 0.20); else the last trade of this session
   inside the quote; else one_sided, the bid when nobody offers, half the ask when nobody bids and it is at most 0.20;
   else null. mark_source says which.
3. The day's final daily bars of the universe's underlyings and VIX, for the evening's statistics.
--date takes no other day than today: a quote of now would be another day's. Until midnight a run by hand completes.
Writes: closing_marks, bars, slot ledger. A repeat is safe: it collects only what is not complete.
Exit codes: 0 stored, or no universe today (no_input); 1 nothing collected, or TWS away (retried); 2 another day, or the
session is open.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from v6.collection import closing, daily_bars, day_ledger
from v6.collection.slot_book import SlotBook
from v6.gateway.errors import GatewayError
from v6.model import MissReason, RecoverableError, SkipRun
from v6.runner.context import Argument, Context
from v6.scheduler.nyse_calendar import Session

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

WRITES = True
ARGUMENTS = (Argument("--date", type=date.fromisoformat, metavar="TODAY", help="only today, after the close"),)
VIX = "VIX"
NO_BARS = "no daily bars: "


def final_data_collection(ctx: Context) -> str:
    session = closing.session_to_close(ctx, ctx.args.date)
    unaccounted = day_ledger.words(day_ledger.complete(ctx))
    if unaccounted:
        ctx.log.warning("{}", unaccounted)
    parts = [_collect(ctx, session), unaccounted or "the ledger has every slot"]
    if ctx.dry_run:
        parts = ["dry run, nothing written", parts[0]]
    return "; ".join(parts)


def _collect(ctx: Context, session: Session) -> str:
    slot = closing.slot_of(ctx, session)
    contracts = closing.contracts_of(ctx, session.date)
    if not contracts:
        with SlotBook(
            ctx, closing.TABLE, slot, _symbols(ctx), "con_id", None, "counted by symbol: no universe"
        ) as book:
            book.miss_all(MissReason.NO_UNIVERSE, "queue_option_contracts has not frozen one")
        with ctx.gateway("checks") as gateway:
            bars = _bars(ctx, gateway, [])
        words = f"no universe of {session.date}, so no closing quotes; {bars}"
        if NO_BARS in words:
            raise RecoverableError(words)
        raise SkipRun("no_input", words)
    book = SlotBook(ctx, closing.TABLE, slot, {str(each.con_id): each.symbol for each in contracts}, "con_id")
    with book:
        wanted = book.wanted()
        with ctx.gateway("options") as gateway:
            if wanted:
                closing.collect(ctx, gateway, book, [each for each in contracts if str(each.con_id) in wanted])
            bars = _bars(ctx, gateway, [each.symbol for each in contracts])
    words = f"{slot:%H:%M} {book.conclude().words()}; {bars}"
    if bars.startswith(NO_BARS):
        raise RecoverableError(words)
    return words


def _symbols(ctx: Context) -> dict[str, str]:
    return {symbol: symbol for symbol in ctx.settings.universe.symbols}


def _bars(ctx: Context, gateway: "Gateway", symbols: Sequence[str]) -> str:
    """What came of the daily bars, in words: their failure must not cost the quotes, and is raised after them."""
    wanted = sorted({*symbols, *ctx.settings.universe.symbols, VIX})
    try:
        return daily_bars.store_final_daily_bars(ctx, gateway, wanted)
    except (GatewayError, RecoverableError) as error:
        ctx.log.error("daily bars: {}", error)
        return f"{NO_BARS}{error}"
