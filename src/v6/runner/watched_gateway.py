"""What a run's connection to TWS leaves in the journal: how it stands, signs of an outage, a budget nearly used up.

Side channels all: none of them fails the run, or holds it up longer than a moment.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from v6.config.settings import Ibkr
from v6.gateway.client import Gateway
from v6.gateway.connection_budget import ConnectionBudgetSpent, Limit, NoRoomForRetries
from v6.gateway.errors import (
    ConnectFailed,
    GatewayError,
    LibraryUnusable,
    NoClientId,
    NotASimulator,
    RequestTimeout,
)
from v6.gateway.verdicts import TABLE
from v6.journal import connections, database, events, restarts

if TYPE_CHECKING:
    from loguru import Logger

BUSY_SECONDS = 0.25
"""How long a locked journal may hold up the connection."""
CLOSED_BUSY_SECONDS = 1.0
"""The same once it has ended: a word lost then would leave it called connected."""
QUIET = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
OF_ERROR = {
    ConnectionBudgetSpent: connections.BUDGET_SPENT,
    NoRoomForRetries: connections.BUDGET_SPENT,
    NoClientId: connections.NO_CLIENT_ID,
    LibraryUnusable: connections.LIBRARY_UNUSABLE,
    NotASimulator: connections.NOT_A_SIMULATOR,
}
ADVICE = (
    "Beyond the limit connections are refused until older ones are an hour or a day past, retries sooner; restarts and "
    "orders go on. TWS throttles a host that connects all day long: find the task that connects so often, or why its "
    "runs fail."
)


class ConnectionRecords:
    """Of one task's connections to the TWS at `place`."""

    def __init__(self, journal: Path, task: str, log: "Logger", *, place: str, says_status: bool = True) -> None:
        self.task = task
        self.place = place
        self.log = log
        self._journal = journal
        self._says_status = says_status

    def say(self, status: str, detail: str = "", *, client_id: int | None = None, busy: float = BUSY_SECONDS) -> None:
        """See `journal.connections`. Not flushed to the disk: a power cut ends every connection anyway."""
        if not self._says_status:
            return
        with self._written("the connection's status", busy) as db:
            db.execute("PRAGMA synchronous = NORMAL")
            connections.say(db, self.task, status, detail, client_id=client_id, place=self.place)

    def outage(self, kind: str, evidence: str) -> None:
        """Keep it for the search for unknown restart windows."""
        self.log.warning("outage seen: {}: {}", kind, evidence)
        with self._written("the outage") as db:
            restarts.outage(db, kind, evidence, self.task)

    def near(self, limit: Limit) -> None:
        """Tell a person, once an hour or a day, before connections are refused (L29)."""
        self.log.warning("{}", limit.words)
        with self._written("the alert") as db:
            events.raise_alert(
                db,
                severity="warning",
                title="connections to TWS are nearly used up",
                body=f"{limit.words}.\n{ADVICE}",
                key=f"connections near the limit of the {limit.span}",
                task=self.task,
                quiet=QUIET[limit.span],
            )

    @contextmanager
    def _written(self, what: str, busy: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
        try:
            with closing(database.connect(self._journal, busy)) as db:
                yield db
        except (sqlite3.Error, database.JournalError, OSError) as error:
            self.log.warning("{} could not be written into the journal: {}", what, error)


class WatchedGateway(Gateway):
    """The gateway of a run, whose comings and goings are in the journal."""

    def __init__(
        self,
        settings: Ibkr,
        records: ConnectionRecords,
        *,
        purpose: Literal["options", "futures", "checks"],
        leases: Path,
        client_id: int | None = None,
        until: float | None = None,
        attempt: int = 1,
    ) -> None:
        super().__init__(
            settings,
            purpose=purpose,
            leases=leases,
            log=records.log,
            task=records.task,
            client_id=client_id,
            on_outage=records.outage,
            on_budget=records.near,
            until=until,
        )
        self.attempt = attempt
        self._records = records
        self._told_open = False
        self._unanswered = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note_unanswered(error)
        super().__exit__(kind, error, trace)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note_unanswered(error)
        await super().__aexit__(kind, error, trace)

    async def open_async(self) -> None:
        try:
            await super().open_async()
        except GatewayError as error:
            self._records.say(connections.DISCONNECTED, _verdict(error))
            raise
        self._told_open = True
        self._records.say(connections.CONNECTED, client_id=self.client_id)

    async def close_async(self) -> None:
        bad = self._bad_end()
        try:
            await super().close_async()
        finally:
            self._tell_closed(bad)

    async def abort_async(self) -> None:
        bad = self._bad_end()
        try:
            await super().abort_async()
        finally:
            self._tell_closed(bad)

    def _note_unanswered(self, error: BaseException | None) -> None:
        """A run that ends by its time limit or a signal while TWS owes it an answer has not proven that TWS is well."""
        owed = self._connection is not None and self._connection.receiver.answers
        if isinstance(error, RequestTimeout) or (error is not None and owed):
            self._unanswered = f"{connections.UNANSWERED}: {error}"

    def _bad_end(self) -> str:
        """What was wrong before we ended the connection; "" when it was well."""
        lost = self._connection.wire.lost_words if self._connection is not None else ""
        return f"{connections.LOST}: {lost}" if lost else self._unanswered

    def _tell_closed(self, bad: str) -> None:
        told, self._told_open = self._told_open, False
        if told:
            status = connections.DISCONNECTED if bad else connections.WAITING
            self._records.say(status, bad, busy=CLOSED_BUSY_SECONDS)


def _verdict(error: GatewayError) -> str:
    if isinstance(error, ConnectFailed):
        return TABLE[error.verdict].words
    return f"{OF_ERROR.get(type(error), connections.NO_CONNECTION)}: {error}"
