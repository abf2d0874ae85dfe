#!/usr/bin/env python3
"""Re-centre the day's contracts on the opening prices (version 2).

Usage: scripts/schedule_935_et.py [--dry-run]
Needs: TWS with today's opening bars (else a current price), and version 1 of today. Without version 1 (its job failed)
it builds version 2 from the chain directly and says so: the day is not lost.
Chooses again among the contracts that version 1 queued, with the open positions of now. When the market opened further
away than half the strike band, the chain is asked again. Contracts that version 1 collected and version 2 does not end
here: `option_contracts` and the slot ledger name them with the reason `recentred`.
Writes: option_contracts, slot ledger. A repeat is safe: the version 2 that a day already has is kept.
Exit codes: 0 frozen, frozen already, or no session today; 1 TWS away or no price (retried); 2 wrong configuration.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("schedule_935_et")
