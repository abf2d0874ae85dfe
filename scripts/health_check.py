#!/usr/bin/env python3
"""Say what is well, what has failed and what could not be checked.

Usage: scripts/health_check.py
Needs: nothing; what it cannot look at it says. Checks the gateway (a round trip, but not inside a restart window), the
slots that the collectors should have kept since the last check, the lake's freshness, disk, journal, cron, the
calendar's horizon and runs that were killed. Each is ok, failed or could_not_check, with its evidence in the log.
Writes nothing. A repeat is safe.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, or nothing could be checked.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("health_check")
