"""Store a quote and the changes of the ES, NQ and RTY front months.

Usage: scripts/collect_futures_snapshots.py [--dry-run]
Needs: TWS with futures market data and five-minute bars of `futures.symbols`.
Front month: of the two nearest months the one with more volume in its last completed session (one daily bar each), by
open interest where a volume is unknown, else the nearest month with more than eight days to expiry. Decided once a
trade date, recorded as an event, and kept all day. Changes are fractions of P(t), the close of the last five-minute bar
that had ended at or before t, null when no bar ended within 15 minutes before t:
  change_1h        price / P(slot - 1 h) - 1
  change_4h        price / P(slot - 4 h) - 1
  change_overnight P(today's NYSE open) / P(previous NYSE close) - 1; until the open, price takes P(open)'s place
  change_daily     price / P(previous NYSE close) - 1
Price is the last trade, else the middle of bid and ask. One request for bars per symbol and slot.
A slot that the market session is at work on is waited for: covered_by_session when it is committed, else taken over.
Writes: futures_snapshots, slot ledger. A repeat is safe: it collects what is not complete yet.
Exit codes: 0 collected; 1 nothing collected, or TWS away (retried); 2 wrong configuration.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import failpoint
from v6.analysis.futures import Changes, FrontMonth, Month, changes, front_month, nearest_months, price_of
from v6.analysis.slot_account import mark_stale, refuse_late
from v6.collection import covering, front_months
from v6.collection.sessions import previous_session
from v6.collection.slot_book import SlotBook, open_lost, settle_unfinished
from v6.gateway.errors import GatewayError
from v6.journal import events
from v6.model import Bar, Contract, MissReason, Quote, QuoteStatus
from v6.runner.context import Context
from v6.store.frames import quotes_to_frame

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

WRITES = True

FUTURES = "futures_snapshots"
OPEN_INTEREST = "588"
LIVE = 1


def collect_futures_snapshots(ctx: Context) -> str:
    with covering.claimed_slot(ctx) as slot:
        return _collect_slot(ctx, slot)


def _collect_slot(ctx: Context, slot: datetime) -> str:
    symbols = {symbol: symbol for symbol in ctx.settings.futures.symbols}
    open_lost(ctx, slot, lambda _: (len(symbols), None))
    settle_unfinished(ctx, FUTURES, "symbol", slot, lambda _: symbols)
    book = SlotBook(ctx, FUTURES, slot, symbols, "symbol")
    with book:
        if wanted := sorted(book.wanted()):
            _collect(ctx, book, wanted)
    result = book.conclude()
    return f"{'dry run, nothing written: ' if ctx.dry_run else ''}{slot:%H:%M} {result.words()}"


def _collect(ctx: Context, book: SlotBook, symbols: list[str]) -> None:
    book.require_time()
    with ctx.gateway("futures") as gateway:
        failpoint.reach("connected")
        contracts = _front_months(ctx, gateway, book, symbols)
        gateway.set_market_data_type(LIVE)
        quotes = gateway.quotes(
            contracts, generic_ticks=OPEN_INTEREST, need_greeks=False, deadline_seconds=book.seconds_left()
        )
        quotes = mark_stale(refuse_late(quotes, book.limit))
        moves = {quote.contract.con_id: _changes(ctx, gateway, quote, book.slot) for quote in _usable(quotes)}
        failpoint.reach("quotes_collected")
    ctx.show(quotes)
    book.remember(quotes)
    if moves and not ctx.dry_run:
        extra = {con_id: asdict(moved) for con_id, moved in moves.items()}
        frame = quotes_to_frame(quotes, table=FUTURES, task=ctx.task, slot=book.slot, extra=extra)
        ctx.lake.write_slot(FUTURES, task=ctx.task, slot=book.slot, frame=frame)


def _usable(quotes: Iterable[Quote]) -> list[Quote]:
    return [quote for quote in quotes if quote.status is not QuoteStatus.MISSING]


def _front_months(ctx: Context, gateway: "Gateway", book: SlotBook, symbols: list[str]) -> list[Contract]:
    """The day's front month of each symbol; a symbol that TWS lists no months for is a miss of its own."""
    on = book.slot.date()
    decided = front_months.stored(ctx, on, on)
    unknown = [symbol for symbol in symbols if symbol not in decided]
    wanted = [Contract("FUT", symbol, ctx.settings.futures.symbols[symbol]) for symbol in unknown]
    for symbol, answer in zip(unknown, gateway.contract_details_many(wanted), strict=True):
        listed = [] if isinstance(answer, GatewayError) else [details.contract for details in answer]
        front = _decide(ctx, gateway, nearest_months(listed, on), on)
        if front is None:
            detail = str(answer) if isinstance(answer, GatewayError) else "TWS lists no living month"
            book.miss(symbol, MissReason.NO_CONTRACT, detail)
        else:
            decided[symbol] = front.contract
    return [decided[symbol] for symbol in symbols if symbol in decided]


def _decide(ctx: Context, gateway: "Gateway", months: list[Contract], on: date) -> FrontMonth | None:
    sized = [Month(month, _last_volume(ctx, gateway, month, on)) for month in months]
    front = front_month(sized, on)
    if front is not None and not ctx.dry_run:
        volumes = ", ".join(f"{_name(month.contract)} {month.volume}" for month in sized)
        text = f"{front.contract.symbol} on {on}: {_name(front.contract)} by {front.rule} (volumes: {volumes})"
        events.record(ctx.journal, "front_month", text, ctx.task)
    return front


def _name(contract: Contract) -> str:
    return contract.local_symbol or str(contract)


def _last_volume(ctx: Context, gateway: "Gateway", month: Contract, on: date) -> float | None:
    """Contracts traded in the last session that was over before `on`; None when TWS has no such bar."""
    bars = _bars(ctx, gateway, month, "5 D", "1 day")
    finished = [bar for bar in bars if bar.start.date() < on]
    return finished[-1].volume if finished else None


def _changes(ctx: Context, gateway: "Gateway", quote: Quote, slot: datetime) -> Changes:
    session = ctx.calendar.session(slot.date())
    before = previous_session(ctx.calendar, slot.date())
    days = max(2, (slot.date() - before.date).days + 1)
    bars = _bars(ctx, gateway, quote.contract, f"{days} D", "5 mins")
    return changes(price_of(quote), bars, slot, session.open if session else None, before.close)


def _bars(ctx: Context, gateway: "Gateway", contract: Contract, duration: str, size: str) -> list[Bar]:
    """Bars around the clock; none when TWS refuses them, which leaves the changes null and the quote as it is."""
    try:
        return gateway.historical_bars(contract, duration, size, "TRADES", use_rth=False)
    except GatewayError as error:
        ctx.log.warning("no {} bars of {}: {}", size, contract, error)
        return []
