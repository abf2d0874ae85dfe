"""Room for a preparation: the lock that the restart jobs share, and the graceful end of V6's other runs."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from v6 import clock
from v6.journal import restarts
from v6.restart import runs_at_work
from v6.restart.alone import Busy, alone
from v6.restart.preparation.graceful_shutdown import Undone

LOCK_SECONDS = 15.0
LOOK_EVERY_SECONDS = 0.1


class MakingRoom:
    """`task` is ours: another run of it is a preparation too, and is left alone, as are the `essential` ones."""

    def __init__(
        self, db: sqlite3.Connection, locks: Path, leases: Path, task: str, essential: Collection[str]
    ) -> None:
        self._db = db
        self._locks = locks
        self._leases = leases
        self._task = task
        self._spared = {*essential, task}
        self._held = ExitStack()
        self._locked = False

    def lock_at_once(self) -> None:
        """Raises Busy only for another preparation: any other restart job is ended first."""
        try:
            self._lock()
        except Busy as busy:
            if self._task in busy.holder.split():
                raise

    async def end_others(self, needing_tws: Collection[str]) -> str:
        """End what is connected and the runs of the tasks `needing_tws`, then hold the lock. Raises Undone when some of
        them stay, Busy when it is a restart job that stays."""
        scanners = restarts.registrations(self._db, "scanner")
        watching = {row.owner for row in (*scanners, *restarts.registrations(self._db, "subscription"))}
        runs, unseen = runs_at_work.connected(self._leases, watching), []
        try:
            runs += runs_at_work.supervised(self._locks, needing_tws)
        except runs_at_work.CannotLook as error:
            unseen = [f"could not check which runs are under way: {error}"]
        wanted = runs_at_work.all_but(runs, self._spared)
        stay = await runs_at_work.end(wanted)
        await self._wait_for_the_lock()
        if stay or unseen:
            raise Undone("; ".join([*(f"{run} does not end" for run in stay), *unseen]))
        ended = f"ended {', '.join(map(str, wanted))}" if wanted else "none was at work"
        return f"{ended}; {len(scanners)} scanners close with their connections" if scanners else ended

    def close(self) -> None:
        self._held.close()

    def _lock(self) -> None:
        if not self._locked:
            self._held.enter_context(alone(self._locks, 0.0, self._task))
            self._locked = True

    async def _wait_for_the_lock(self) -> None:
        until = clock.monotonic() + LOCK_SECONDS
        while not self._locked:
            try:
                self._lock()
            except Busy:
                if clock.monotonic() >= until:
                    raise
                await asyncio.sleep(LOOK_EVERY_SECONDS)
