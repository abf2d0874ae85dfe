#!/usr/bin/env python3
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

from v6.runner.main import main

if __name__ == "__main__":
    main("collect_option_snapshots")
