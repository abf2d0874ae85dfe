#!/usr/bin/env python3
"""Fill the gaps of the bars.

Usage: scripts/load_historical_data.py [--symbols AAPL [MSFT ...]] [--ask-again] [--dry-run]
Needs: TWS with historical data, and the compiled calendars.
A gap is a session that is over and has no final bar: of the last bars.daily_sessions sessions for daily bars and
volatilities, of the last bars.intraday_sessions for intraday bars, counted by NYSE's calendar, for futures by CME's
(each session of a future is asked of the month that was its front month by CME's roll dates, also of an expired one).
Asked newest first, several requests in flight, at most bars.max_requests a run and no longer than the attempt lasts;
what is left is said in the summary, and the next run goes on with it. Rows are committed by month and each minute, so
that a kill loses little. Only historical bars with their own times are ever stored, never a current quote.
A session that TWS has no bars of, although it ended a week ago or more, is recorded and not asked for again during
bars.ask_again_days; --ask-again forgets these records of the symbols first.
--dry-run lists the gaps. It asks TWS for the contracts too; with TWS away it lists the gaps of stocks and indices that
have bars already, and says which symbols it cannot tell of.
A symbol that TWS does not know is reported in the summary, the log and an event, and is no failure.
Writes: bars, the journal's bars_unavailable. A repeat is safe: it asks only for what is missing.
A request that fails is repeated a few seconds later, three tries in all. A connection that ends, ends the run: what
came before is stored, and the retry asks for the rest.
Exit codes: 0 filled, partly filled or nothing to fill; 1 a request failed at every try (the rest is stored), or TWS
away (retried); 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("load_historical_data")
