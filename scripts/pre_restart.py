#!/usr/bin/env python3
"""Save the trading state and end cleanly before TWS restarts.

Usage: scripts/pre_restart.py [--dry-run] [--window NAME]
Needs: TWS. Within restart.prepare_seconds and in this order: warns the operators, ends V6's other runs (not those of
restart.essential_tasks), reads and saves the trading state (var/state/trading_state.json), cancels open orders by
restart.cancel, closes the positions that restart.close_positions names, asks TWS what is left, disconnects, runs
restart.hooks.pre_restart with the report on standard input, writes the report (var/state/restarts).
--window NAME: prepares for the next occurrence of that window, up to a day ahead; without it the next one that acts.
--dry-run: reads, and says what would be cancelled; nobody is warned, nothing is ended, saved, cancelled or reported.
What the time does not suffice for is cut off (the connection is reset) and reported. A TWS that has gone before its
window is awaited within that time. A repeat is safe, also after a kill: no order is cancelled twice, no position is
closed twice, and what was saved first stays the state from before the restart.
Exit codes: 0 saved and done, or TWS waits for a login, or IBKR's weekend reset is on (what is not done is told); 1 not
everything, or TWS is away already (retried); 2 no restart is near, or the policy is refused: restart.cancel is all on a
real account without restart.allow_global_cancel; nothing was touched then.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("pre_restart")
