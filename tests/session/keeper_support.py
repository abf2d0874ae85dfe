"""A keeper of a simulated TWS's connection on the test's own event loop, with pauses of a moment."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))

from gateway_support import ROOT, ibkr

from v6.config.settings import Session
from v6.gateway.client import connect
from v6.journal import connections, database
from v6.journal.connections import Known
from v6.paths import Paths
from v6.session import live
from v6.session.keeper import Keeper
from v6.session.status import StatusRow

TASK = "run_market_session"
QUICK = {"ping_every_seconds": 0.06, "ping_seconds": 4.0, "quote_age_seconds": 10.0}
SHORT = (0.05, 0.05, 0.05, 0.05, 0.05)
PATIENCE = 20.0


class Log:
    """Keeps every line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str, /) -> None:
        self.lines.append(message)

    info = warning = debug


class Stage:
    """Everything around one keeper. `changes` are those of `usable`, in order; `rows` every status ever said."""

    def __init__(self, port: int, home: Path, **settings: Any) -> None:
        self.paths = Paths.locate({"V6_HOME": str(home)})
        self.paths.var.mkdir(parents=True, exist_ok=True)
        self.log = Log()
        self.ibkr = ibkr(port, **settings.pop("ibkr", {}))
        self.market_open = settings.pop("market_open", True)
        backoff = settings.pop("backoff", SHORT)
        settled = settings.pop("settled", 0.0)
        document = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["session"]
        session = Session.model_validate({**document, **QUICK, **settings})
        self.changes: list[bool] = []
        self.rows: list[tuple[str, int, str]] = []
        row = _Row(self.paths.journal, TASK, self.log, home=home, log_directory=home / "logs")
        row.told = self.rows
        self.keeper = Keeper(
            session,
            opener=lambda: connect(
                self.ibkr, purpose="checks", leases=self.paths.leases, log=self.log, task=TASK, until=None
            ),
            market_open=lambda: bool(self.market_open),
            status=row,
            live=live.Live(live.place(self.paths), self.log),
            log=self.log,
            backoff_seconds=backoff,
            settled_seconds=settled,
        )
        self.keeper.listeners.append(self.changes.append)

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until it is; a failure shows what was said."""
        end = asyncio.get_running_loop().time() + seconds
        while not true():
            assert asyncio.get_running_loop().time() < end, self.rows[-3:]
            await asyncio.sleep(0.01)

    async def usable(self) -> None:
        await self.until(lambda: self.keeper.usable)

    async def said(self, words: str) -> None:
        """Until a status with these words is said from now on."""
        seen = len(self.rows)
        await self.until(lambda: any(words in detail for _, _, detail in self.rows[seen:]))

    async def looked(self, times: int) -> None:
        """Until so many more looks at the connection were told."""
        seen = len(self.rows)
        await self.until(lambda: len(self.rows) >= seen + times)

    def statuses(self) -> list[str]:
        """Each once for every time it began."""
        names = [status for status, _, _ in self.rows]
        return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]

    def in_journal(self) -> Known:
        db = database.connect(self.paths.journal)
        try:
            return connections.known(db)[0]
        finally:
            db.close()

    def alerts(self) -> list[tuple[str, str, str]]:
        db = database.connect(self.paths.journal)
        try:
            return [tuple(row) for row in db.execute("SELECT severity, title, body FROM alerts ORDER BY id")]
        finally:
            db.close()


class _Row(StatusRow):
    """The real one, which also remembers."""

    told: list[tuple[str, int, str]]

    def say(
        self, status: str, detail: str = "", *, attempts: int = 0, client_id: int | None = None, away: str = ""
    ) -> None:
        super().say(status, detail, attempts=attempts, client_id=client_id, away=away)
        self.told.append((status, attempts, detail))


@asynccontextmanager
async def kept(port: int, home: Path, **settings: Any) -> AsyncIterator[Stage]:
    """A started keeper, closed at the end; a defect of its task is raised."""
    stage = Stage(port, home, **settings)
    task = stage.keeper.start()
    try:
        yield stage
        assert not task.done() or task.cancelled(), task.exception()
    finally:
        await stage.keeper.close()
