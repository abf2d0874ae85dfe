#!/usr/bin/env python3
"""Hold one connection for the session and collect every slot on it.

Usage: scripts/run_market_session.py [--resume]
Needs: TWS, and ibkr.persistent_connection.
A repeat is safe: one session at a time.
Exit codes: 0 ended by itself, or nothing to do; 1 ended by what another start can mend; 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("run_market_session")
