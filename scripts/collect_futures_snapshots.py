#!/usr/bin/env python3
"""Store a quote and the changes of the ES, NQ and RTY front months.

Usage: scripts/collect_futures_snapshots.py [--dry-run]
Needs: TWS with futures market data and five-minute bars of `futures.symbols`.
Front month: of the two nearest months the one with more volume in its last completed session (one daily bar each), by
open interest where a volume is unknown, else the nearest month with more than eight days to expiry. Decided once a
trade date, recorded as an event, and kept all day. Changes are fractions of P(t), the close of the last five-minute bar
that had ended at or before t, null when no bar ended within 15 minutes before t:
  change_1h        price / P(slot - 1 h) - 1
  change_4h        price / P(slot - 4 h) - 1
  change_overnight P(today's NYSE open) / P(previous NYSE close) - 1; until the open, price takes P(open)'s place
  change_daily     price / P(previous NYSE close) - 1
Price is the last trade, else the middle of bid and ask. One request for bars per symbol and slot.
A slot that the market session is at work on is waited for: covered_by_session when it is committed, else taken over.
Writes: futures_snapshots, slot ledger. A repeat is safe: it collects what is not complete yet.
Exit codes: 0 collected; 1 nothing collected, or TWS away (retried); 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("collect_futures_snapshots")
