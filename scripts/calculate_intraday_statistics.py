#!/usr/bin/env python3
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

from v6.runner.main import main

if __name__ == "__main__":
    main("calculate_intraday_statistics")
