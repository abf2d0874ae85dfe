#!/usr/bin/env python3
"""Compile the calendar anew and say what has changed.

Usage: scripts/refresh_calendar.py [--dry-run]
Needs: pandas_market_calendars, as installed; no network and no TWS.
Asks for NYSE's sessions and those of CME's equity index futures again, although nothing they are made from has changed
since they were compiled (the gate compiles by itself when it has), and compares with the compiled ones: days added,
removed or changed, how far they reach, another version of the package. Each difference is a line of the log and of an
event; a changed day of the present or the future is also alerted: a task may run on another day than was thought.
Writes: var/compiled (both calendars and what the gate reads). A repeat is safe: it finds no difference any more.
Exit codes: 0 compiled, with or without differences; 1 it cannot be compiled, and the old one stays in force.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("refresh_calendar")
