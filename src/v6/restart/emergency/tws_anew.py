"""TWS ended and started again by its configuration, within the budget that all restarts of it share (L29)."""

import asyncio
import sqlite3
from datetime import timedelta

from v6 import clock
from v6.config.settings import Ibkr, TwsProcess
from v6.gateway import process
from v6.gateway.connection import Log
from v6.journal import events
from v6.restart.emergency.failures import NotDone

LISTENS = "listens"  # the last step of a start that has succeeded
BY_HAND = "restart it by hand (File > Exit, start it, sign in), then call this again without --restart-tws"


def restart(settings: TwsProcess, ibkr: Ibkr, db: sqlite3.Connection, log: Log) -> str:
    """What was done, in words. Raises NotDone when nothing was, or when TWS does not listen afterwards."""
    if refused := why_not(settings, db):
        raise NotDone(f"TWS was not restarted: {refused}; {BY_HAND}")
    before = events.latest_id(db, process.STEP)
    said = asyncio.run(process.TwsProcess(settings, ibkr, db, log).restart("emergency_restart"))
    steps = events.after(db, process.STEP, before)
    if said is not None and steps and steps[-1].details.get("action") == LISTENS:
        return said
    why = said or (steps[-1].text if steps else "the one started before has not opened its port: a login may wait")
    raise NotDone(f"TWS was not restarted: {why}; look at its window, then {BY_HAND}")


def why_not(settings: TwsProcess, db: sqlite3.Connection | None) -> str:
    """Why TWS cannot be restarted here; "" when it can. Without a journal nothing has been restarted yet."""
    if not settings.start_command:
        return "tws.start_command is not configured"
    since = clock.now() - timedelta(hours=settings.per_hours)
    done = events.count_since(db, process.RESTART, since) if db is not None else 0
    if done < settings.max_restarts:
        return ""
    return f"{done} restarts in the last {settings.per_hours:g} h, tws.max_restarts allows {settings.max_restarts}"
