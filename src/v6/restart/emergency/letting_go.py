"""What the kernel frees when a process dies, looked at afterwards, and what it does not know: quarantines of client ids
and the last words of the dead about their connection."""

import os
import sqlite3
from collections.abc import Collection
from pathlib import Path

from v6 import byte_locks
from v6.gateway import client_ids
from v6.journal import connections
from v6.restart.emergency.at_work import Places
from v6.restart.emergency.failures import NotDone
from v6.restart.runs_at_work import living

NOTE = "ended by emergency_restart"


def let_go(places: Places, db: sqlite3.Connection, busy: Collection[str]) -> str:
    """What was freed, in words. `busy`: tasks that are rightly at work still. Raises NotDone for what is held though
    nothing of ours is at work."""
    leased = [holder for holder in client_ids.holders(places.leases) if holder.task not in busy]
    claimed = [] if busy else claimed_slots(places.locks)
    cleared = client_ids.clear_quarantines(places.leases)
    waiting = _silence_the_dead(db)
    held = [f"client id {one.client_id} by pid {one.pid} ({one.task})" for one in leased]
    held += [f"slots of {task}" for task in claimed]
    if held:
        raise NotDone(f"still held: {', '.join(held)}; `v6 gateway clients` shows the owners, end them by hand")
    words = ["no lease and no claim is held" if not busy else f"held only by {', '.join(sorted(busy))}"]
    words += [f"quarantine of client ids {', '.join(map(str, cleared))} cleared"] if cleared else []
    words += [f"connection of {', '.join(waiting)} is waiting"] if waiting else []
    return ", ".join(words)


def claimed_slots(locks: Path) -> list[str]:
    """Tasks of which another process claims a slot."""
    found = []
    for path in sorted(locks.glob("*.slots")):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if byte_locks.any_taken_by_another(descriptor):
                found.append(path.stem)
        finally:
            os.close(descriptor)
    return found


def _silence_the_dead(db: sqlite3.Connection) -> list[str]:
    """A process that was killed could not say that it is no longer connected."""
    dead = [row.task for row in connections.known(db) if row.status != connections.WAITING and living(row.pid) is None]
    for task in dead:
        connections.say(db, task, connections.WAITING, NOTE)
    return dead
