#!/usr/bin/env python3
"""Compute the day's statistics.

Usage: scripts/calculate_daily_statistics.py [--date 2026-11-20 | --from 2026-01-02 [--to 2026-11-20]] [--dry-run]
Needs: nothing but the lake: universe, quotes and final daily bars. Default is the slot's day; any stored day can be
computed again, also (by --date) a day to come that a rehearsal has played in this home. The surface is that of the
session's last slot with at least half of the quotes of its best one.
Without --from and --to it also brings intraday_statistics to the session's end, and computes those of the 25 sessions
before anew whose bars have come since. Where TWS sent no usable volatility, one is computed first, once.
--from and --to computes every session between them in one pass; on a terminal it shows how far it is. Ranks look back
over 252 sessions: after a recomputation of old days compute the days after them as well. A day whose quotes have been
cleaned up keeps its stored statistics.
Formulas: v6.analysis.option_statistics, surface, parity, realised_volatility, ranks, regime. A null has its reason.
Writes: daily_statistics, intraday_statistics, option_greeks. A repeat is safe: where nothing has changed, it writes
nothing.
Exit codes: 0 computed; no session (holiday), its session not over (not_yet), or no universe (no_input); 1 the day has
no quotes at all (its rows are stored and say so), or the lake was busy (retried); 2 no such dates, or nothing in them.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("calculate_daily_statistics")
