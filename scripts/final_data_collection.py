#!/usr/bin/env python3
"""Store closing quotes, marks and open interest, and complete the day's ledger.

Usage: scripts/final_data_collection.py [--date TODAY] [--dry-run]
Needs: TWS with option market data, after the close and before midnight in New York; today's universe.
1. Ledger: every slot that the calendar asked of a collector in the last seven days and that has no row gets one, with
   the reason that schedule, gate log and journal tell; rows that a killed run left open are closed from the lake.
2. Closing quotes of every option that a version of today's universe collected and of every one held, with IV, delta,
   open interest (generic tick 101; without it the row is partial, no_open_interest) and a settlement-like mark:
   mid when the market is two-sided and its spread at most max(0.25 x mid, 0.20); else the last trade of this session
   inside the quote; else one_sided, the bid when nobody offers, half the ask when nobody bids and it is at most 0.20;
   else null. mark_source says which.
3. The day's final daily bars of the universe's underlyings and VIX, for the evening's statistics.
--date takes no other day than today: a quote of now would be another day's. Until midnight a run by hand completes.
Writes: closing_marks, bars, slot ledger. A repeat is safe: it collects only what is not complete.
Exit codes: 0 stored, or no universe today (no_input); 1 nothing collected, or TWS away (retried); 2 another day, or the
session is open.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("final_data_collection")
