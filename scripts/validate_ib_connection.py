#!/usr/bin/env python3
"""Prove before the open that TWS answers, has data and agrees on the calendar.

Usage: scripts/validate_ib_connection.py
Needs: TWS. Without a connection it ends with the verdict of `v6 gateway diagnose` and its cure. Over one it checks a
round trip, the account, the data farms, a quote of `health.check_symbol` (live while the market is open; before it,
frozen data or a closing price are accepted, and the summary says so), the clock skew, and the compiled calendar against
the hours that TWS itself lists for the coming days.
Writes nothing. A repeat is safe.
Exit codes: 0 every check passed, or could not be made for a reason that is named; 1 a check failed, or no connection
that may come back by itself (retried); 2 a person must look: the connection needs one, or the calendars disagree
(config/calendar_overrides.yaml).
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_ib_connection")
