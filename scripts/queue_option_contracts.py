#!/usr/bin/env python3
"""Freeze the day's option contracts (version 1) from the real chain.

Usage: scripts/queue_option_contracts.py [--dry-run]
Needs: TWS with market data (live, frozen, delayed or only a previous close) for the symbols of `universe.symbols`.
Queues every real contract with more than `universe.min_dte` days to expiry inside `universe.strike_band`, and chooses
which of them are collected (rules: v6.analysis.universe); expiries beyond `universe.max_dte` are not asked for.
At 08:00 the market is closed: the log says of each price whether it is a last trade, a middle or the previous close.
Writes: option_contracts. A repeat is safe: the version 1 that a day already has is kept.
Exit codes: 0 frozen, or frozen already; 1 TWS away, no price or no contracts (retried); 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("queue_option_contracts")
