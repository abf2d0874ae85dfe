"""Freeze the day's option contracts (version 1) from the real chain.

Usage: scripts/queue_option_contracts.py [--dry-run]
Needs: TWS with market data (live, frozen, delayed or only a previous close) for the symbols of `universe.symbols`.
Queues every real contract with more than `universe.min_dte` days to expiry inside `universe.strike_band`, and chooses
which of them are collected (rules: v6.analysis.universe); expiries beyond `universe.max_dte` are not asked for.
At 08:00 the market is closed: the log says of each price whether it is a last trade, a middle or the previous close.
Writes: option_contracts. A repeat is safe: the version 1 that a day already has is kept.
Exit codes: 0 frozen, or frozen already; 1 TWS away, no price or no contracts (retried); 2 wrong configuration.
"""

from v6.analysis.universe import QUEUED
from v6.collection import chain, universe
from v6.runner.context import Context

WRITES = True


def queue_option_contracts(ctx: Context) -> str:
    on = ctx.slot_or_now().date()
    if (frozen := universe.load(ctx, on, QUEUED)) is not None:
        return f"{on} is frozen already, {frozen.words()}"
    with ctx.gateway("checks") as gateway:
        stocks = chain.underlyings(gateway, ctx.settings.universe.symbols)
        prices = chain.current_prices(ctx, gateway, stocks)
        selection = chain.choose(ctx, gateway, stocks, prices, on)
    if ctx.dry_run:
        return f"dry run: {len(selection.collected)} of {len(selection.choices)} contracts would be collected on {on}"
    values = {symbol: price.value for symbol, price in prices.items()}
    frozen = universe.freeze(ctx, on, QUEUED, selection, values)
    sources = ", ".join(f"{symbol} {price.value:g} ({price.source})" for symbol, price in prices.items())
    return f"{on} {frozen.words()}, centred on {sources}"
