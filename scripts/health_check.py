#!/usr/bin/env python3
"""Say what is well, what has failed and what could not be checked.

Usage: scripts/health_check.py [--after-boot]
Needs: nothing; what it cannot look at it says. Checks the gateway (the market session's last round trip, or one of its
own, but not inside a restart window), the session itself, the budget of connections, the slots that the collectors
should have kept since the last check, the lake's freshness, disk, journal, configuration, cron and the lines installed
for it, the calendar's horizon, runs that were killed, TWS's restart. Each is ok, failed or could_not_check, with its
evidence in the log. Writes to the journal only: a restart that should be over becomes DEGRADED, and a person is told
of it, of the weekly login that is near, of outages no window explains and of a restart unlike the others.
A repeat is safe: it tells nobody twice, and what a restart that is not over has made fail is told with the restart,
not again as a failed check.
Slots that were due since the last check and never ran are recorded with their likely cause and told; runs of tasks with
catch_up: same_day are started then. --after-boot is for the crontab's @reboot line: it records that the host was
started, looks for missed slots, and checks the host alone.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, or nothing could be checked.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("health_check")
