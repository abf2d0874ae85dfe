"""Re-centre the day's contracts on the opening prices (version 2).

Usage: scripts/schedule_935_et.py [--dry-run]
Needs: TWS with today's opening bars (else a current price), and version 1 of today. Without version 1 (its job failed)
it builds version 2 from the chain directly and says so: the day is not lost.
Chooses again among the contracts that version 1 queued, with the open positions of now. When the market opened further
away than half the strike band, the chain is asked again. Contracts that version 1 collected and version 2 does not end
here: `option_contracts` and the slot ledger name them with the reason `recentred`.
Writes: option_contracts, slot ledger. A repeat is safe: the version 2 that a day already has is kept.
Exit codes: 0 frozen, frozen already, or no session today; 1 TWS away or no price (retried); 2 wrong configuration.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.universe import QUEUED, RECENTRED, RECENTRED_AT, Selection, dropped
from v6.collection import chain, universe
from v6.collection.chain import Price
from v6.collection.universe import DROPPED, Frozen
from v6.journal import ledger
from v6.model import Contract, SkipRun
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

WRITES = True

COLLECTOR = "collect_option_snapshots"


def schedule_935_et(ctx: Context) -> str:
    on = ctx.slot_or_now().date()
    session = ctx.calendar.session(on)
    if session is None:
        raise SkipRun("holiday", f"no session on {on}: {ctx.calendar.closure_reason(on)}")
    before = universe.load(ctx, on, QUEUED)
    if (frozen := universe.load(ctx, on, RECENTRED)) is not None:
        if before and not ctx.dry_run:  # a run that was killed may not have come to the ledger
            _end_in_ledger(ctx, on, dropped(before.collected, frozen.collected), session.open + timedelta(minutes=5))
        return f"{on} is frozen already, {frozen.words()}"
    with ctx.gateway("checks") as gateway:
        stocks = chain.underlyings(gateway, ctx.settings.universe.symbols)
        prices = chain.opening_prices(ctx, gateway, stocks, session.open)
        selection = _select(ctx, gateway, stocks, prices, before, on)
    gone = dropped(before.collected, selection.collected) if before else []
    if ctx.dry_run:
        return f"dry run: {len(selection.collected)} contracts would be collected on {on}, {len(gone)} dropped"
    values = {symbol: price.value for symbol, price in prices.items()}
    frozen = universe.freeze(ctx, on, RECENTRED, selection, values, gone)
    _end_in_ledger(ctx, on, gone, session.open + timedelta(minutes=5))
    origin = f"{len(gone)} of version 1 dropped ({DROPPED})" if before else "built from the chain: version 1 is missing"
    return f"{on} {frozen.words()}, {origin}"


def _select(
    ctx: Context,
    gateway: "Gateway",
    stocks: Mapping[str, Contract],
    prices: Mapping[str, Price],
    before: Frozen | None,
    on: date,
) -> Selection:
    if before is None:
        ctx.log.warning("version 1 of {} is missing: building the universe from the chain now", on)
        return chain.choose(ctx, gateway, stocks, prices, on)
    far = [symbol for symbol, price in prices.items() if _gap(price.value, before.prices.get(symbol)) > _most(ctx)]
    if far:
        ctx.log.warning("{} opened far from the price of version 1: asking for the chain again", ", ".join(far))
        return chain.choose(ctx, gateway, stocks, prices, on)
    return chain.chosen(ctx, prices, before.contracts, chain.open_option_positions(gateway), on)


def _gap(price: float, before: float | None) -> float:
    return float("inf") if before is None else abs(price / before - 1)


def _most(ctx: Context) -> float:
    return ctx.settings.universe.strike_band / 2


def _end_in_ledger(ctx: Context, on: date, gone: list[Contract], otherwise: datetime) -> None:
    """From the 09:35 slot on, the collector no longer expects these contracts."""
    slot = datetime.combine(on, RECENTRED_AT, clock.NEW_YORK) if ctx.slot is None else ctx.slot
    ends = [ledger.Drop(str(contract.con_id), contract.symbol, DROPPED) for contract in gone]
    ledger.drop(ctx.journal, COLLECTOR, max(slot, otherwise), ends)
