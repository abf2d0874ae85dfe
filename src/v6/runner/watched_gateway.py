"""What a run's connection to TWS leaves in the journal: how it stands, signs of an outage, a budget nearly used up.

Side channels all: none of them fails the run, or holds it up longer than a moment.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from v6.config.settings import Ibkr
from v6.gateway.client import Gateway
from v6.gateway.connection_budget import ConnectionBudgetSpent, Limit
from v6.gateway.errors import ConnectFailed, GatewayError, NoClientId
from v6.gateway.verdicts import TABLE
from v6.journal import connections, database, events, restarts

if TYPE_CHECKING:
    from loguru import Logger

BUSY_SECONDS = 0.25
"""How long a locked journal may hold up the connection."""
CLOSED_BUSY_SECONDS = 1.0
"""The same once it has ended: a word lost then would leave it called connected."""
QUIET = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
OF_ERROR = {ConnectionBudgetSpent: "connection budget spent", NoClientId: "no client id is free"}
ADVICE = (
    "Beyond the limit connections are refused until older ones are an hour or a day past; restarts and orders go on. "
    "TWS throttles a host that connects all day long: find the task that connects so often, or why its runs fail."
)


class ConnectionRecords:
    """Of one task's connections."""

    def __init__(self, journal: Path, task: str, log: "Logger", *, says_status: bool = True) -> None:
        self.task = task
        self.log = log
        self._journal = journal
        self._says_status = says_status

    def say(self, status: str, detail: str = "", *, client_id: int | None = None, busy: float = BUSY_SECONDS) -> None:
        """See `journal.connections`. Not flushed to the disk: a power cut ends every connection anyway."""
        if not self._says_status:
            return
        with self._written("the connection's status", busy) as db:
            db.execute("PRAGMA synchronous = NORMAL")
            connections.say(db, self.task, status, detail, client_id=client_id)

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
        self._records = records
        self._told_open = False

    async def open_async(self) -> None:
        try:
            await super().open_async()
        except GatewayError as error:
            self._records.say(connections.DISCONNECTED, _verdict(error))
            raise
        self._told_open = True
        self._records.say(connections.CONNECTED, client_id=self.client_id)

    async def close_async(self) -> None:
        lost = self._lost_words()
        try:
            await super().close_async()
        finally:
            self._tell_closed(lost)

    async def abort_async(self) -> None:
        lost = self._lost_words()
        try:
            await super().abort_async()
        finally:
            self._tell_closed(lost)

    def _lost_words(self) -> str:
        """How TWS ended the connection before we did; "" when it did not."""
        return self._connection.wire.lost_words if self._connection is not None else ""

    def _tell_closed(self, lost: str) -> None:
        told, self._told_open = self._told_open, False
        if told:
            status = connections.DISCONNECTED if lost else connections.WAITING
            self._records.say(status, lost, busy=CLOSED_BUSY_SECONDS)


def _verdict(error: GatewayError) -> str:
    if isinstance(error, ConnectFailed):
        return TABLE[error.verdict].words
    return OF_ERROR.get(type(error), str(error))
