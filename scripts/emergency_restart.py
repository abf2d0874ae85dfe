#!/usr/bin/env python3
"""End everything of ours that is at work, and begin anew.

Usage: .venv/bin/python scripts/emergency_restart.py [--dry-run] [--all] [--restart-tws]
Needs: nothing; by hand only. In this order, each step an event of the audit trail before and after it: ends our runs
(supervisors first, then the process groups that the journal recorded, then what else holds a lease: TERM, grace, KILL;
by number and start, never by name, never a stranger's), completes their rows in the journal, sees that no lease and no
claim is held, diagnoses TWS, and when it is healthy validates it (post_restart) and goes on: the market session is
started again where there is one, everything else by cron. It asks nothing and never touches an order.
--all: ends runs of restart.essential_tasks too.
--restart-tws: ends and starts TWS by tws.start_command and tws.stop_command, within tws.max_restarts.
--dry-run: says what would be done, changes nothing.
A repeat is safe, also after a kill: what was broken off is named. A broken edit of the configuration does not keep it
from its work: it goes on with the last good one.
Exit codes: 0 all is ended and TWS is healthy, or cannot be judged because it is restarting by itself; 1 something is
still not well (what, and what to do); 2 the configuration is wrong, or the state belongs to another user.
"""

from v6.runner.main import main

if __name__ == "__main__":
    main("emergency_restart")
