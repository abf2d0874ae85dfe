"""Store one quote with greeks for every contract of today's universe.

Usage: scripts/collect_option_snapshots.py [--symbols AAPL [MSFT ...]] [--dry-run]
Needs: TWS with option market data, and today's universe (queue_option_contracts). From 09:35 on it uses version 2; the
09:35 slot waits up to 75 s for it and then goes on with version 1, which the ledger's note says.
--symbols collects only these symbols of the universe. By hand a symbol outside the universe gets a selection of its
own from the chain by the same rules; a scheduled task refuses such a symbol, whose contracts would change from slot to
slot: add it to universe.symbols. By hand, --symbols leaves the slot's ledger to the scheduled run and waits for nobody.
A slot that the market session is at work on is waited for: covered_by_session when it is committed, else taken over.
Stores bid, ask, sizes, last, volume, open interest, IV, greeks, underlying price, data type and status. A quote that
arrives after the slot's deadline is a miss. Every expected contract is complete, partial or missing with a reason.
Writes: option_snapshots, underlying_snapshots, slot ledger. A repeat is safe: it collects what is not complete yet.
Exit codes: 0 collected, or no universe today (no_input); 1 nothing collected, or TWS away (retried); 2 wrong symbols.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock, failpoint
from v6.analysis.null_shares import mostly_null
from v6.analysis.slot_account import Account, mark_stale, refuse_late
from v6.analysis.universe import QUEUED, RECENTRED, RECENTRED_AT
from v6.collection import chain, covering, universe
from v6.collection.slot_book import NOT_ASKED, SlotBook, open_lost, settle, settle_unfinished
from v6.collection.universe import Frozen
from v6.journal import ledger, runs
from v6.journal.timestamps import new_york_day
from v6.model import Contract, FatalError, MissReason, SkipRun
from v6.runner.context import Argument, Context
from v6.store.frames import quotes_to_frame

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

WRITES = True
ARGUMENTS = (Argument("--symbols", nargs="+", metavar="SYMBOL", help="only these underlyings"),)

OPTIONS, UNDERLYINGS = "option_snapshots", "underlying_snapshots"
OPEN_INTEREST = "101"
LIVE = 1
WATCHED = ("bid", "ask", "iv", "delta", "open_interest", "underlying_price")
"""Columns that should have a value in most rows; one that has not is a fault nobody would see otherwise (L13)."""
RECENTRING_TASK = "schedule_935_et"
WAIT_SECONDS, LOOK_EVERY_SECONDS = 75.0, 1.0
TIME_TO_COLLECT = 75.0
"""Seconds of an attempt that waiting for version 2 never uses up."""


def collect_option_snapshots(ctx: Context) -> str:
    by_hand = ctx.slot is None and bool(ctx.args.symbols)
    with covering.claimed_slot(ctx, claim=not by_hand) as slot:
        return _collect_slot(ctx, slot, by_hand)


def _collect_slot(ctx: Context, slot: datetime, by_hand: bool) -> str:
    if not by_hand:
        open_lost(ctx, slot, lambda lost: _begun_with(ctx, lost))
        settle_unfinished(ctx, OPTIONS, "con_id", slot, lambda entry: _expected_then(ctx, entry))
    frozen = _universe(ctx, slot)
    contracts, ad_hoc = _restricted(ctx, frozen)
    version, note = frozen.version or None, _note(slot, frozen)
    book = SlotBook(ctx, OPTIONS, slot, _keys(contracts), "con_id", version, note, keep_ledger=not by_hand)
    with book:
        wanted = book.wanted()
        if wanted or ad_hoc:
            _collect(ctx, book, [contract for contract in contracts if str(contract.con_id) in wanted], ad_hoc)
    result = book.conclude()
    if by_hand and not ctx.dry_run:
        _mend_ledger(ctx, slot)
    return _summary(ctx, slot, frozen, ad_hoc, result)


def _collect(ctx: Context, book: SlotBook, contracts: list[Contract], ad_hoc: Sequence[str]) -> None:
    book.require_time()
    with ctx.gateway("options") as gateway:
        failpoint.reach("connected")
        for contract in _ad_hoc_contracts(ctx, gateway, ad_hoc, book.slot.date()):
            contracts.append(contract)
            book.expect(str(contract.con_id), contract.symbol)
        gateway.set_market_data_type(LIVE)
        stocks = _stocks(ctx, gateway, sorted({contract.symbol for contract in contracts}))
        quotes = gateway.quotes(
            stocks + contracts, generic_ticks=OPEN_INTEREST, need_greeks=True, deadline_seconds=book.seconds_left()
        )
        failpoint.reach("quotes_collected")
    ctx.show(quotes)
    quotes = mark_stale(refuse_late(quotes, book.limit))
    book.remember(quotes[len(stocks) :])
    frames = {
        table: quotes_to_frame(part, table=table, task=ctx.task, slot=book.slot)
        for table, part in ((UNDERLYINGS, quotes[: len(stocks)]), (OPTIONS, quotes[len(stocks) :]))
    }
    if empty := mostly_null(frames[OPTIONS], WATCHED):
        ctx.log.warning("mostly null in this slot: {}", ", ".join(empty))
    if not ctx.dry_run:
        for table, frame in frames.items():
            if not frame.is_empty():
                ctx.lake.write_slot(table, task=ctx.task, slot=book.slot, frame=frame)
        failpoint.reach("quotes_stored")


def _stocks(ctx: Context, gateway: "Gateway", symbols: Sequence[str]) -> list[Contract]:
    if unknown := [symbol for symbol in symbols if symbol not in ctx.stocks]:
        ctx.stocks.update(chain.underlyings(gateway, unknown))
    return [ctx.stocks[symbol] for symbol in symbols]


def _universe(ctx: Context, slot: datetime) -> Frozen:
    """Today's universe for this slot. Without one: every symbol missing in the ledger, and the run is a skip."""
    frozen = _recentred(ctx, slot) if _recentring_slot(slot) else None
    frozen = frozen or universe.load(ctx, slot.date(), queued=False)
    if frozen is not None:
        return frozen
    if ctx.args.symbols and ctx.slot is None:
        return Frozen(0, (), frozenset(), frozenset(), {})
    with SlotBook(ctx, OPTIONS, slot, _symbols(ctx), "con_id", None, "counted by symbol: no universe") as book:
        book.miss_all(MissReason.NO_UNIVERSE, "queue_option_contracts has not frozen one")
    raise SkipRun("no_input", f"no universe of {slot.date()}: queue_option_contracts has not run or has failed")


def _recentring_slot(slot: datetime) -> bool:
    return slot.time() == RECENTRED_AT


def _recentred(ctx: Context, slot: datetime) -> Frozen | None:
    """Version 2, waiting while the job that makes it is running or about to."""
    until = clock.monotonic() + min(WAIT_SECONDS, ctx.remaining() - TIME_TO_COLLECT)
    while (frozen := universe.load(ctx, slot.date(), RECENTRED, queued=False)) is None:
        if clock.monotonic() >= until or not _expected(ctx, slot):
            ctx.log.warning("version 2 of {} is not there: going on with what is", slot.date())
            return None
        ctx.sleep(LOOK_EVERY_SECONDS)
    return frozen


def _expected(ctx: Context, slot: datetime) -> bool:
    """Whether schedule_935_et may still deliver: it is enabled, and its latest attempt has not ended for good."""
    task = ctx.config.scheduler.tasks.get(RECENTRING_TASK)
    if task is None or not task.enabled or ctx.slot is None:
        return False
    last = runs.last_on(ctx.journal, RECENTRING_TASK, new_york_day(slot))
    return last is None or last.outcome in (None, "success", "recoverable", "time_limit")


def _restricted(ctx: Context, frozen: Frozen) -> tuple[list[Contract], list[str]]:
    """The contracts of the wanted symbols, and the symbols that need a selection of their own."""
    wanted = ctx.args.symbols
    if not wanted:
        return list(frozen.collected), []
    known = {contract.symbol for contract in frozen.collected}
    unknown = [symbol for symbol in wanted if symbol not in known]
    if unknown and ctx.slot is not None:
        raise FatalError(
            f"{', '.join(unknown)}: not in today's universe ({', '.join(sorted(known))}); "
            "add it to universe.symbols, queue_option_contracts then freezes its contracts"
        )
    return [contract for contract in frozen.collected if contract.symbol in wanted], unknown


def _ad_hoc_contracts(ctx: Context, gateway: "Gateway", symbols: Sequence[str], on: date) -> list[Contract]:
    """A selection for symbols outside the universe, each an equal share of the quota, valid for this run only."""
    if not symbols:
        return []
    stocks = chain.underlyings(gateway, symbols)
    prices = chain.current_prices(ctx, gateway, stocks)
    share = max(2, ctx.settings.universe.max_contracts // len(ctx.settings.universe.symbols)) * len(symbols)
    rules = ctx.settings.universe.model_copy(update={"max_contracts": share})
    listed = chain.listed_contracts(ctx, gateway, stocks, on)
    return list(chain.chosen(ctx, prices, listed, [], on, rules).collected)


def _expected_then(ctx: Context, entry: ledger.Slot) -> dict[str, str]:
    """What an earlier slot of this task expected."""
    version = entry.universe_version
    frozen = None if version is None else universe.load(ctx, entry.slot.date(), version, queued=False)
    return _keys(_restricted(ctx, frozen)[0]) if frozen else _symbols(ctx)


def _begun_with(ctx: Context, slot: datetime) -> tuple[int, int | None]:
    """How many contracts a run of that slot would have opened the ledger with, and of which version."""
    frozen = universe.load(ctx, slot.date(), QUEUED if slot.time() < RECENTRED_AT else None, queued=False)
    return (len(_restricted(ctx, frozen)[0]), frozen.version) if frozen else (len(_symbols(ctx)), None)


def _mend_ledger(ctx: Context, slot: datetime) -> None:
    """A run by hand may have completed what the scheduled run of its slot could not get."""
    entry = ledger.slot_of(ctx.journal, ctx.task, slot)
    frozen = universe.load(ctx, slot.date(), entry.universe_version, queued=False) if entry else None
    if entry and entry.state == "closed" and frozen:
        book = SlotBook(ctx, OPTIONS, slot, _keys(frozen.collected), "con_id", entry.universe_version, entry.note)
        settle(book, NOT_ASKED)


def _symbols(ctx: Context) -> dict[str, str]:
    """What a slot without a universe expected: at least something of every symbol."""
    return {symbol: symbol for symbol in ctx.args.symbols or ctx.settings.universe.symbols}


def _keys(contracts: Sequence[Contract]) -> dict[str, str]:
    return {str(contract.con_id): contract.symbol for contract in contracts}


def _note(slot: datetime, frozen: Frozen) -> str:
    late = slot.time() >= RECENTRED_AT and frozen.version < RECENTRED
    return "universe version 1: version 2 was not there" if late else ""


def _summary(ctx: Context, slot: datetime, frozen: Frozen, ad_hoc: Sequence[str], result: Account) -> str:
    how = "dry run, nothing written: " if ctx.dry_run else ""
    sources = [f"universe version {frozen.version}"] if frozen.version else []
    sources += [f"{symbol} selected for this run" for symbol in ad_hoc]
    return f"{how}{slot:%H:%M} {result.words()}, {', '.join(sources)}"
