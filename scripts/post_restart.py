#!/usr/bin/env python3
"""Prove that TWS works again, restore, and report what has changed.

Usage: scripts/post_restart.py [--if-needed | --light | --live]
Needs: TWS, or nothing but patience: while its port is closed on this host only the kernel's table is read. Reaches TWS
as restart.client_id, proves connection, data farms, account, order ids, historical data and every subscription of the
saved state, runs the saved scanners, compares orders and positions, writes the report (var/state/restarts) and tells
the operators once. Never places, changes or cancels an order. A repeat is safe.
--if-needed: only for a restart that should be over and is not, or for one that came outside of every window.
--light: after IBKR's own reset, a sample of the data; restores nothing.
--live: after the open, the live proof of what was proven by its close; amends the last report.
Exit codes: 0 validated, what differs is reported, or nothing was due; 1 not validated (retried); 2 a person must look:
orders are gone without a trace, the saved state cannot be believed, TWS waits for a login.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("post_restart")
