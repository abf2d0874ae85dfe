#!/usr/bin/env python3
"""Prove before the open that TWS answers, has data and agrees on the calendar.

Usage: scripts/validate_ib_connection.py
Needs: TWS. Each must be proven: a round trip within `ibkr.probe_seconds`, the account, no data farm down, a quote of
`health.check_symbol` (live while the market is open; before it, frozen data or a closing price are accepted, and the
summary says so). The first that is not ends the run with the verdict of `v6 gateway diagnose`, its evidence and cure.
Then the clock skew, and the compiled calendar against the hours that TWS itself lists for the coming days.
Writes nothing. A repeat is safe.
Exit codes: 0 all is proven (the hours may be unknown, which is said); 1 a check failed that may pass at another try
(retried); 2 a person must look: the connection or the data need one, or the calendars disagree
(config/calendar_overrides.yaml).
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_ib_connection")
