#!/usr/bin/env python3
"""Explain positions and orders of TWS by what was stored and traded.

Usage: scripts/validate_positions.py [--baseline --because TEXT] [--dry-run]
Needs: TWS. Reads positions, open and completed orders of every client, and today's executions.
Expected: the accepted state and every execution since (rules and formulas: v6.analysis.reconcile, .reconcile_orders,
.expected_positions). What differs is a break: missing, unexpected, quantity, average_cost, corporate_action suspected,
order_missing, order_unexpected, order_changed. A break is looked at twice, some seconds apart, before it is believed.
The first check records a baseline. A break stays open, against the state from before it, until TWS agrees again, an
execution explains it, or a person accepts what is there: --baseline with the reason in --because; who and why is kept.
An alert goes out when a break is new or TWS says something new of it, then once a day, and when all have ended.
A TWS whose answer contradicts itself (no positions in an account that is worth something, a known account gone, a
quantity that is no number) is not believed: could_not_check, never "all missing".
Writes: executions, positions, open_orders, reconciliation. A repeat is safe: it is another check, and one at a time.
Exit codes: 0 everything is explained, or a baseline; 1 a break (not tried again, the next check is the next hour's), or
TWS away or not to be believed (tried again); 2 wrong arguments.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("validate_positions")
