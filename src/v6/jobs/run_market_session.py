"""Hold one connection for the session and collect every slot on it.

Usage: scripts/run_market_session.py [--resume]
Needs: TWS, ibkr.persistent_connection, and a compiled schedule (any call of scripts/cron_wrapper.sh makes one).
From open-5min until session.keep_after_close_minutes after the close, at most until 5 minutes before TWS restarts, it
keeps one connection, proves it every session.ping_every_seconds and begins it anew when it fails. At each slot of an
enabled collector (every session.cycle_minutes) it runs the collector's job on it. It claims each slot ahead while the
connection is usable: cron's run of the slot then waits, ends with covered_by_session when the slot is committed, and
collects it otherwise. A connection that fails, a session that dies or is ended leaves its slots to cron at once.
Ends by itself also when ibkr.persistent_connection is set to false (looked at each minute), its own settings change or,
after a cycle, session.max_memory_mb is passed; SIGTERM ends it within 10 s. Its next cron line begins it anew.
--resume is what that line says: begin only what is not running.
Writes: what the collectors write, the connection's status, var/live/quotes.json.
A repeat is safe: one session at a time, another start is a skip (running).
Exit codes: 0 ended by itself, or nothing to do; 1 ended by what another start can mend; 2 wrong configuration.
"""

import os

from v6.journal.connections import SESSION_LOCK
from v6.model import SkipRun
from v6.runner import lock
from v6.runner.context import Argument, Context

ARGUMENTS = (Argument("--resume", action="store_true", help="begin only what is not running"),)

LOCK = SESSION_LOCK.removesuffix(".lock")


def run_market_session(ctx: Context) -> str:
    if not ctx.settings.ibkr.persistent_connection:
        origin = ctx.config.origin["ibkr.persistent_connection"]
        raise SkipRun("not_persistent", f"ibkr.persistent_connection is false ({origin}): every run connects by itself")
    held = lock.acquire(str(ctx.paths.locks), LOCK)
    if held is None:
        raise SkipRun("running", "a market session is running")
    try:
        from v6.session.run import run

        return run(ctx)
    finally:
        os.close(held)
