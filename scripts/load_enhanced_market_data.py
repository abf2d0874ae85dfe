#!/usr/bin/env python3
"""Fetch the bars and volatilities since the last stored ones.

Usage: scripts/load_enhanced_market_data.py [--symbols AAPL [MSFT ...]] [--dry-run]
Needs: TWS with historical data, and the compiled calendars.
Of the universe's underlyings, the watchlist (bars.watchlist) and the futures: daily and intraday bars (TRADES; stocks
and indices in regular hours, futures around the clock, so that the night is there before the open), and daily bars of
OPTION_IMPLIED_VOLATILITY and HISTORICAL_VOLATILITY (annualised, not of futures). Asked for is what is not stored as
final of the last 30 sessions (daily) and 5 sessions (intraday), no more: what lies further back, also of an empty lake,
is load_historical_data's. A daily bar is asked for when its session is over. The session going on gets its intraday
bars so far, never as final; the next run replaces them.
A symbol that TWS does not know is reported in the summary, the log and an event, and is no failure.
A request that fails is repeated a few seconds later, three tries in all.
Writes: bars, the journal's bars_unavailable. A repeat is safe: it asks for what is not final yet.
Exit codes: 0 stored, or everything was there; 1 no bars at all, a request failed at every try (the rest is stored), or
TWS away (retried); 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("load_enhanced_market_data")
