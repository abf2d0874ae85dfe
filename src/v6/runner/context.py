"""What a job is given: its slot, its arguments, the settings, and the doors to TWS, the lake and the journal."""

import argparse
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from v6 import clock
from v6.config.load import Config
from v6.config.settings import Settings
from v6.journal import database
from v6.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loguru import Logger

    from v6.gateway.client import Gateway
    from v6.model import Contract, Quote
    from v6.scheduler.compiled import Window
    from v6.scheduler.nyse_calendar import NYSECalendar
    from v6.store.lake import Lake

Purpose = Literal["options", "futures", "checks"]

CLOSING_SECONDS = 10.0
"""What a job keeps of its attempt for its own end when it waits for a TWS that has lost IBKR."""


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
    stocks: "dict[str, Contract]" = field(default_factory=dict)
    """Underlyings that TWS has named to this process, by symbol: the market session need not ask at every slot."""
    claimed: ClassVar[bool] = False
    """Whether the caller holds the claim of the slot already (`v6.runner.slot_claims`)."""

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

    def show(self, quotes: "Sequence[Quote]") -> None:
        """Quotes that a collector has just heard, for a caller that shows them; a run of its own does not."""

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
        return self._gateway(purpose, client_id, says_status=True)

    def unsaid_gateway(self, purpose: Purpose) -> "Gateway":
        """The same for a caller that tells the journal itself how its connection stands. For the budget always a first
        attempt: what it opens serves every later slot."""
        return self._gateway(purpose, None, says_status=False)

    def _gateway(self, purpose: Purpose, client_id: int | None, *, says_status: bool) -> "Gateway":
        from v6.runner.watched_gateway import ConnectionRecords, WatchedGateway

        return WatchedGateway(
            self.settings.ibkr,
            ConnectionRecords(
                self.paths.journal, self.task, self.log, place=self.settings.ibkr.place, says_status=says_status
            ),
            purpose=purpose,
            leases=self.paths.leases,
            client_id=client_id,
            until=self.deadline - CLOSING_SECONDS,
            attempt=self.attempt if says_status else 1,
        )
