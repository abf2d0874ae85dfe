"""What a job is given: its slot, its arguments, the settings, and the doors to TWS, the lake and the journal."""

import argparse
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from v6 import clock
from v6.config.load import Config
from v6.config.settings import Settings
from v6.journal import database, restarts
from v6.paths import Paths

if TYPE_CHECKING:
    from loguru import Logger

    from v6.gateway.client import Gateway
    from v6.scheduler.compiled import Window
    from v6.scheduler.nyse_calendar import NYSECalendar
    from v6.store.lake import Lake

Purpose = Literal["options", "futures", "checks"]

CLOSING_SECONDS = 10.0
"""What a job keeps of its attempt for its own end when it waits for a TWS that has lost IBKR."""
OUTAGE_BUSY_SECONDS = 0.25
"""How long a locked journal may hold up the connection that saw an outage."""


class Argument:
    """One command-line argument of a job: what `argparse.add_argument` takes."""

    def __init__(self, *flags: str, **options: Any) -> None:
        self.flags = flags
        self.options = options


@dataclass
class Context:
    """One attempt of one job. `slot` is aware New York time, None when a person started the job.

    `deadline` is on `clock.monotonic()`: the supervisor ends the attempt then.
    """

    task: str
    slot: datetime | None
    args: argparse.Namespace
    config: Config
    paths: Paths
    log: "Logger"
    deadline: float
    dry_run: bool = False
    attempt: int = field(default=1)

    @property
    def settings(self) -> Settings:
        return self.config.settings

    def now(self) -> datetime:
        return clock.now()

    def slot_or_now(self) -> datetime:
        """The slot, or for a run by hand the five-minute mark at or before now."""
        if self.slot is not None:
            return self.slot
        now = clock.now()
        return now.replace(second=0, microsecond=0) - timedelta(minutes=now.minute % 5)

    def remaining(self) -> float:
        """Seconds left for this attempt, never negative."""
        return max(0.0, self.deadline - clock.monotonic())

    @property
    def last_attempt(self) -> bool:
        """Whether the run ends with this attempt if it fails recoverably; by hand it does. False where only the
        deadline will keep the supervisor from another one: then the supervisor tells."""
        entry = self.config.scheduler.tasks.get(self.task)
        return self.slot is None or entry is None or self.attempt > entry.max_retries

    def sleep(self, seconds: float) -> None:
        """Wait, but never past the deadline."""
        clock.sleep(min(seconds, self.remaining()))

    @cached_property
    def journal(self) -> sqlite3.Connection:
        return database.connect(self.paths.journal)

    @cached_property
    def calendar(self) -> "NYSECalendar":
        from v6.scheduler.nyse_calendar import NYSECalendar

        return NYSECalendar(
            self.paths.compiled / "calendar.txt", observe_holidays=self.config.scheduler.enable_holiday_check
        )

    @cached_property
    def lake(self) -> "Lake":
        from v6.store.lake import Lake

        return Lake.at(self.settings.lake, self.paths)

    @cached_property
    def windows(self) -> "tuple[Window, ...]":
        """The restart windows, `host` zones resolved. Raises ScheduleError before the first compilation."""
        from v6.scheduler import compiled

        return compiled.load(self.paths.compiled / "schedule.txt").windows

    def gateway(self, purpose: Purpose, client_id: int | None = None) -> "Gateway":
        """A connection to TWS; `with ctx.gateway("options") as gateway:` always disconnects.

        On a client id leased from the pool, or on this one (outside the pool, for what owns orders)."""
        from v6.gateway.client import connect

        return connect(
            self.settings.ibkr,
            purpose=purpose,
            leases=self.paths.leases,
            log=self.log,
            task=self.task,
            client_id=client_id,
            on_outage=self._outage,
            until=self.deadline - CLOSING_SECONDS,
        )

    def _outage(self, kind: str, evidence: str) -> None:
        """Keep it for the search for unknown restart windows; a side channel, so it never fails or delays the run."""
        self.log.warning("outage seen: {}: {}", kind, evidence)
        try:
            with closing(database.connect(self.paths.journal, OUTAGE_BUSY_SECONDS)) as db:
                restarts.outage(db, kind, evidence, self.task)
        except (sqlite3.Error, database.JournalError, OSError) as error:
            self.log.warning("the outage could not be written into the journal: {}", error)
