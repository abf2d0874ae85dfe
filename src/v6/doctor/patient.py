"""What the doctor examines: an installation and its host, however broken. Nothing is written, nothing is compiled.

What cannot be had raises CannotTell in the words of the line that says why; a failure is asked for once only.
"""

import os
import shlex
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from v6 import clock
from v6.doctor.answer import CannotTell
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.config.load import Config
    from v6.cron.flavour import Flavour
    from v6.cron.roots import Roots
    from v6.doctor.environment import Asked
    from v6.gateway.verdicts import Diagnosis
    from v6.runner.context import Context
    from v6.scheduler.compiled import Schedule
    from v6.scheduler.nyse_calendar import NYSECalendar

BUSY_SECONDS = 3.0
LIMIT_SECONDS = 60.0


class Patient:
    """`roots`: where the host keeps what concerns cron, `host`: its root folder; others in tests. `quick`: what takes
    seconds is left out."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        *,
        roots: "Roots | None" = None,
        host: Path = Path("/"),
        quick: bool = False,
    ) -> None:
        self.paths = paths
        self.environ = environ
        self.host = host
        self.quick = quick
        self._roots = roots
        self._journal: sqlite3.Connection | None = None
        self._older_journal: sqlite3.Connection | None = None

    def close(self) -> None:
        for journal in (self._journal, self._older_journal):
            if journal is not None:
                journal.close()

    @cached_property
    def owner(self) -> int | None:
        """The user whose this installation is; None before anything ran."""
        return self.paths.var.stat().st_uid if self.paths.var.exists() else None

    @property
    def own(self) -> bool:
        """Whether its state is ours to use; another user's is only looked at."""
        return self.owner in (None, os.geteuid())

    @cached_property
    def config(self) -> "Config":
        """The configuration in force: after a broken edit the last good one."""
        if self._config is None:
            raise CannotTell("no configuration can be used, see the line configuration")
        return self._config

    @cached_property
    def _config(self) -> "Config | None":
        try:
            from v6.config.errors import ConfigError
            from v6.config.load import load
            from v6.config.sources import compiled_sources
        except ImportError as error:
            raise CannotTell(f"no configuration can be read with this Python: {error}") from error
        with suppress(ConfigError):
            return load(self.paths, self.environ)
        with suppress(ConfigError):
            last_good = compiled_sources(self.paths)
            return None if last_good is None else load(self.paths, self.environ, last_good)
        return None

    @cached_property
    def variables(self) -> dict[str, str]:
        """`.env` below the environment, also where the configuration is refused."""
        from v6.config import dotenv

        try:
            known = dotenv.read(self.paths.dotenv)
        except (dotenv.DotenvError, OSError) as error:
            raise CannotTell(f"{self.paths.dotenv}: {error}") from error
        return {**known, **self.environ}

    @cached_property
    def schedule(self) -> "Schedule":
        from v6.scheduler import compiled

        try:
            return compiled.load(self.paths.compiled / "schedule.txt", dict(self.environ))
        except (compiled.ScheduleError, ValueError, KeyError) as error:
            raise CannotTell(f"there is no compiled schedule, see the line schedule ({error})") from error

    @cached_property
    def calendar(self) -> "NYSECalendar":
        from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

        try:
            return NYSECalendar(self.paths.compiled / "calendar.txt", observe_holidays=self.schedule.observe_holidays)
        except CalendarError as error:
            raise CannotTell(f"there is no calendar, see the line calendar ({error})") from error

    @property
    def journal(self) -> sqlite3.Connection:
        """For reading. Its schema is whatever it is: nothing is migrated, nothing created."""
        if self._journal is None:
            self._journal = self._open_journal()
        return self._journal

    @property
    def older_journal(self) -> sqlite3.Connection:
        """Also one that no run has brought up to date yet; for what every schema has."""
        if self._older_journal is None:
            self._older_journal = self._open_journal(older=True)
        return self._older_journal

    def _open_journal(self, *, older: bool = False) -> sqlite3.Connection:
        from v6.journal.migrations import MIGRATIONS

        if not there(self.paths.journal):
            raise CannotTell("there is no journal yet: nothing has run here")
        db = read_only(self.paths.journal)
        try:
            have = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            db.close()
            raise CannotTell(f"the journal cannot be read, see the line journal ({error})") from error
        if have != len(MIGRATIONS) and not (older and 0 < have < len(MIGRATIONS)):
            db.close()
            raise CannotTell(
                f"the journal's schema is {have}, not {len(MIGRATIONS)}: the next run brings it up to date"
            )
        return db

    @cached_property
    def context(self) -> "Context":
        """As health_check's checks want it."""
        from argparse import Namespace

        from loguru import logger

        from v6.runner.context import Context

        context = Context(
            task="doctor",
            slot=None,
            args=Namespace(),
            config=self.config,
            paths=self.paths,
            log=logger,
            deadline=clock.monotonic() + LIMIT_SECONDS,
        )
        with suppress(CannotTell):
            context.journal = self.journal
        return context

    @property
    def roots(self) -> "Roots":
        from v6.cron.roots import HOST

        return self._roots or HOST

    @cached_property
    def flavour(self) -> "Flavour":
        """Which cron this host has."""
        from v6.cron import flavour

        return flavour.find(self.roots)

    @cached_property
    def environment(self) -> "Asked":
        """The interpreter of the jobs and its libraries."""
        from v6.doctor.environment import ask

        return ask(self)

    @cached_property
    def diagnosis(self) -> "Diagnosis":
        """Of the connection to TWS: at most one is opened, however often it is asked."""
        from v6.gateway.diagnosed import diagnosed

        if self.quick:
            raise CannotTell("left out: --quick")
        settings = self.config.settings
        self.require_own("a diagnosis")
        market_open = None
        with suppress(CannotTell):
            market_open = self.calendar.get_market_phase(clock.now()) == "market_open"
        with ExitStack() as stack:
            leases, state = self.paths.leases, self.paths.state
            if self.owner is None:  # whose the installation will be is not ours to decide
                leases = state = Path(stack.enter_context(TemporaryDirectory(prefix="v6-doctor-")))
            return diagnosed(settings.ibkr, leases, state, market_open=market_open, symbol=settings.health.check_symbol)

    @property
    def as_owner(self) -> str:
        """The command that asks as the user whose the installation is."""
        from v6.runner.ownership import user_name

        home = "" if self.paths.home == self.paths.root else f"V6_HOME={shlex.quote(str(self.paths.home))} "
        return f"sudo -u {user_name(os.geteuid() if self.owner is None else self.owner)} {home}.venv/bin/v6 doctor"

    def require_own(self, what: str) -> None:
        """Raises CannotTell: another user's files would be made here."""
        if not self.own:
            raise CannotTell(f"{what} would leave files of yours in {self.paths.var}: {self.as_owner}")


def there(path: Path) -> bool:
    """Raises CannotTell where we may not look."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CannotTell(f"{path}: {error.strerror}") from error
    return True


def read_only(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


def writable(path: Path) -> None:
    """Raises sqlite3.Error where a run could not write: it takes the write lock, and gives it back without writing."""
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    ) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
