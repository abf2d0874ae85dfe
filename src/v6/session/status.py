"""What the session says of its connection: its row in the journal, and an alert when a person must look.

Side channels: a journal that cannot be written never hurts the session, and never delays it by more than a moment.
"""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from v6.gateway.connection import Log
from v6.journal import connections, database, events
from v6.runner import notices

BUSY_SECONDS = 0.25  # the event loop waits meanwhile, and with it the collectors
MENDED = "session_connected"
TASKS = (connections.SESSION, connections.RESUMES)  # whichever began a session, it is the same one for people


class StatusRow:
    """The row of `task`. `home` and `log_directory` are for the alert's dispatcher."""

    def __init__(self, journal: Path, task: str, log: Log, *, home: Path, log_directory: Path) -> None:
        self._journal = journal
        self._home = home
        self._task = task
        self._log = log
        self._log_directory = log_directory

    def say(
        self, status: str, detail: str = "", *, attempts: int = 0, client_id: int | None = None, away: str = ""
    ) -> None:
        """See journal/connections.py for the statuses."""
        self._write(
            lambda db: connections.say(
                db, self._task, status, detail, attempts=attempts, client_id=client_id, away=away
            )
        )

    def alert(self, severity: str, title: str, body: str, key: str) -> None:
        """Raise it, and have it delivered now: the session's run ends only in the evening."""

        def tell(db: sqlite3.Connection) -> None:
            events.raise_alert(db, severity=severity, title=title, body=body, key=key, task=self._task)
            self._deliver(db)

        self._write(tell)

    def well_again(self, body: str, key: str) -> None:
        """The answer to the latest bad news of a session, an alert of `key` or the end of a run, also of one before
        this process; nothing when there is none or it is answered."""

        def tell(db: sqlite3.Connection) -> None:
            if events.unanswered_of(db, TASKS, (key, *notices.BAD_ENDS), MENDED):
                title = "the market session is connected again"
                events.raise_alert(
                    db, severity="info", title=title, body=body, key=MENDED, task=self._task, quiet=timedelta(0)
                )
                self._deliver(db)

        self._write(tell)

    def _deliver(self, db: sqlite3.Connection) -> None:
        if pid := notices.deliver(db, str(self._home), str(self._log_directory)):
            threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()  # else it stays a zombie

    def _write(self, write: Callable[[sqlite3.Connection], None]) -> None:
        try:
            with closing(database.connect(self._journal, BUSY_SECONDS)) as db:
                write(db)
        except (sqlite3.Error, database.JournalError, OSError) as error:
            self._log.warning(f"the journal could not be told how the connection is: {error}")
