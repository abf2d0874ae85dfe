#!/usr/bin/env python3
"""Does V6 reach TWS, and how far? For a person, by hand.

Usage: scripts/test_connection.py [--level basic|account|data] [--symbols AAPL SPY]
Needs: TWS. basic: connects as any run does, asks the time, names server version and accounts. account: also the summary
of the accounts, and a disconnect after which no socket is left, counted in the kernel's tables. data: also a quote of
each symbol (stocks; without --symbols `health.check_symbol`): live while the market is open, else frozen or the close.
Writes nothing. A repeat is safe; each is one connection of the budget (`ibkr.connections_per_hour`).
Its last line on stdout is `Result: PASS`, or `Result: FAIL: ` with why and what to do (docs/connection.md).
Exit codes: 0 pass; 1 it may mend itself, or another try may help; 2 a person or a change of settings is needed.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("test_connection")
