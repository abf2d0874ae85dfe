"""The audit trail: an event before and after each step, so that a step that was broken off shows by its first one."""

import os
import pwd
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import psutil

from v6 import failpoint
from v6.gateway.connection import Log
from v6.journal import events
from v6.journal.database import JournalError

KIND = "emergency_restart"
ENDED = "end"
"""The step of a call's last event."""
BUSY_SECONDS = 2.0
GAP_SECONDS = 0.25
"""How long an event waits for a journal that another process holds; the second once it has waited for nothing."""


def who() -> dict[str, object]:
    """Who gave the command: uid, user name, terminal and login where there are any; `sudo_user` behind sudo."""
    found: dict[str, object] = {"uid": os.getuid(), "pid": os.getpid()}
    with suppress(KeyError):
        found["user"] = pwd.getpwuid(os.getuid()).pw_name
    with suppress(psutil.Error):
        found["tty"] = psutil.Process().terminal()
    for name in ("SUDO_USER", "SSH_CONNECTION"):
        if value := os.environ.get(name):
            found[name.lower()] = value
    return {name: value for name, value in found.items() if value is not None}


class Trail:
    """Says every step to the log and writes it into the journal. What the journal does not take is said, lost and
    counted (`gaps`): a journal that somebody keeps locked is a reason for an emergency restart, not against it.
    `journal`: opens it, given how long it may wait; closed after every event."""

    def __init__(self, journal: Callable[[float], sqlite3.Connection], log: Log) -> None:
        self._journal = journal
        self._log = log
        self._who = who()
        self.gaps = 0

    def before(self, step: str, text: str, **details: object) -> None:
        self._say(f"{step}: {text}")
        self._write(f"{step}: {text}", {"step": step, "phase": "before", **details})
        failpoint.reach(f"{KIND}:{step}")

    def after(self, step: str, text: str, *, well: bool = True, **details: object) -> None:
        failpoint.reach(f"{KIND}:{step}:done")
        self._say(f"{step}: {text}", well=well)
        self._write(f"{step}: {text}", {"step": step, "phase": "after", "well": well, **details})

    def broken_off(self) -> str:
        """What the last call did not come to the end of; "" when it did, or there was none."""
        with closing(self._journal(BUSY_SECONDS)) as db:
            last = next(iter(events.recent(db, KIND, 1)), None)
        if last is None or last.details.get("step") == ENDED:
            return ""
        asked = last.details.get("who", {})
        return f"the one of {last.at:%Y-%m-%d %H:%M:%S %Z} (pid {asked.get('pid')}) was broken off in: {last.text}"

    def _say(self, text: str, *, well: bool = True) -> None:
        (self._log.info if well else self._log.warning)(text)

    def _write(self, text: str, details: Mapping[str, object]) -> None:
        try:
            with closing(self._journal(GAP_SECONDS if self.gaps else BUSY_SECONDS)) as db:
                events.record(db, KIND, text, KIND, {"who": self._who, **details})
        except (sqlite3.Error, JournalError, OSError) as error:
            self.gaps += 1
            self._log.warning(f"the audit trail lacks this: the journal cannot be written: {error}")
