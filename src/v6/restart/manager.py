"""Where in TWS's restart we are: kept in the journal, moved by one table, every step an audit event."""

import asyncio
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.journal import events, restarts
from v6.journal.database import transaction
from v6.restart.states import Event, State, WrongStep, following
from v6.restart.windows import Occurrence, in_words, seconds_between
from v6.scheduler.compiled import Window

if TYPE_CHECKING:
    from v6.restart.monitoring import Callback, Monitoring, Probe

EVENT = "restart_state"
"""The kind of the audit events. Details: from, to, event, cause, window, window_start, window_end."""
OVERDUE = timedelta(minutes=10)
LONGEST_WINDOW = timedelta(hours=24)
REMIND = timedelta(hours=6)
TROUBLE = "trouble"
"""Follows `subject_of` in the key of a message that says that a restart has not gone well."""
LOOK_EVERY_SECONDS = 30.0
CLOCK_STEP = timedelta(minutes=5)
"""A state that began further in the future than this began before the clock went back."""


@dataclass(frozen=True, slots=True)
class Where:
    """The present state. `since` is None before the first step ever: that is NORMAL."""

    state: State
    since: datetime | None
    cause: str
    window: str = ""
    start: datetime | None = None
    end: datetime | None = None

    def words(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M %Z}" if self.since else ""
        window = f", {self.window} {self.start:%m-%d %H:%M}" if self.window and self.start else ""
        return f"{self.state.upper()}{since}{window}: {self.cause}"


class TWSRestartManager:
    """Single steps for the jobs, `start_monitoring` for programs that live through a restart. Many processes may
    hold one: each step reads the state and writes the next in one transaction."""

    def __init__(self, db: sqlite3.Connection, windows: Sequence[Window], overdue: timedelta = OVERDUE) -> None:
        self.db = db
        self.windows = windows
        self._overdue_after = overdue

    def current(self) -> Where:
        row = restarts.current(self.db)
        if row is None:
            return Where(State.NORMAL, None, "no restart yet")
        return Where(State(row.state), row.since, row.cause, row.window, row.window_start, row.window_end)

    def step(
        self, event: Event, cause: str, occurrence: Occurrence | None = None, expected: State | None = None
    ) -> State:
        """Move by the table and return the new state. Without an occurrence the step belongs to the window the state
        has; from NORMAL to none. Raises WrongStep, changing nothing, when the table has no such step or the state is
        not the `expected` one any more (another process was faster)."""
        with transaction(self.db):
            return self._move(event, cause, occurrence, expected)

    def tell(self, words: str) -> None:
        """What is waited for just now, for `v6 restart status`: no step. Nothing is lost when the journal is busy."""
        with suppress(sqlite3.OperationalError):
            restarts.restate(self.db, State.RECONNECTING, words)

    def overdue(self, now: datetime) -> str | None:
        """Why the restart should have been over by now, in words; None: it is NORMAL, or it still has time."""
        where = self.current()
        if where.state is State.NORMAL or where.since is None:
            return None
        if seconds_between(now, where.since) > CLOCK_STEP.total_seconds():
            return f"{where.words()}; that lies in the future: the clock went back"
        late = seconds_between(self._due(where), now)
        return None if late < 0 else f"{where.words()}; should have been over {in_words(late)} ago"

    def find_overdue(self, now: datetime, outlook: str = "") -> str | None:
        """What `overdue` says, and then: the state becomes DEGRADED, and a person is told, unless told of its trouble
        in the last 6 hours, here or by post_restart. `outlook`: what will be done about it, a sentence."""
        while why := self.overdue(now):
            before = self.current()
            try:
                with transaction(self.db):
                    if before.state is not State.DEGRADED:
                        self._move(Event.OVERDUE, why, None, before.state)
                    self._tell(before, why, outlook)
            except WrongStep:
                continue  # somebody moved it meanwhile: look again
            return why
        return None

    def start_monitoring(
        self,
        callbacks: "Mapping[State, Callback]",
        probe: "Probe",
        stop: threading.Event | None = None,
        interval: float = LOOK_EVERY_SECONDS,
    ) -> "Monitoring":
        """Look every `interval` seconds, in a thread with its own connection to the journal, until `stop` is set:
        say what is seen, and call the state's function at every step (`v6.restart.monitoring`)."""
        from v6.restart.monitoring import Monitor, Monitoring

        def make(db: sqlite3.Connection) -> Monitor:
            return Monitor(TWSRestartManager(db, self.windows, self._overdue_after), callbacks, probe)

        return Monitoring(self._journal(), make, stop or threading.Event()).start(interval)

    async def monitor(
        self,
        callbacks: "Mapping[State, Callback]",
        probe: "Probe",
        stop: asyncio.Event,
        interval: float = LOOK_EVERY_SECONDS,
    ) -> None:
        """The same on the running event loop, to be made a task; the functions are called on it."""
        from v6.restart.monitoring import Monitor, connect, monitoring_task

        with closing(connect(self._journal())) as db:
            manager = TWSRestartManager(db, self.windows, self._overdue_after)
            await monitoring_task(Monitor(manager, callbacks, probe), stop, interval)

    def _journal(self) -> str:
        return str(self.db.execute("PRAGMA database_list").fetchone()["file"])

    def _move(self, event: Event, cause: str, occurrence: Occurrence | None, expected: State | None) -> State:
        where = self.current()
        if expected is not None and where.state is not expected:
            raise WrongStep(f"step {event} expected state {expected}, but it is {where.words()}")
        state = following(where.state, event)
        window, start, end = _window_of(where, occurrence)
        stays = state is where.state and start == where.start
        restarts.set_current(self.db, state, cause, window, start, end, since=where.since if stays else None)
        details = {
            "from": where.state,
            "to": state,
            "event": event,
            "cause": cause,
            "window": window,
            "window_start": start.isoformat() if start else None,
            "window_end": end.isoformat() if end else None,
        }
        events.record(self.db, EVENT, f"{where.state.upper()} to {state.upper()}: {cause}", details=details)
        return state

    def _due(self, where: Where) -> datetime:
        """When it should have been over: so long after the window, and after the latest step. A window that was never
        given an end, or one in a far future, does not keep it from being due."""
        assert where.since is not None
        began, end = where.since.timestamp(), where.end.timestamp() if where.end else 0.0
        if where.state is State.DEGRADED and where.end:
            began = 0.0
        latest = where.since.timestamp() + LONGEST_WINDOW.total_seconds()
        due = min(max(began, end), latest) + self._overdue_after.total_seconds()
        return datetime.fromtimestamp(due, clock.NEW_YORK)

    def _tell(self, where: Where, why: str, outlook: str) -> None:
        began = where.start or where.since
        assert began is not None
        trouble = f"{subject_of(where.window, began)} {TROUBLE}"
        if events.raised(self.db, trouble, self._told_since(where, began)):
            return
        events.raise_alert(
            self.db,
            severity="failure",
            title=f"TWS's restart is not over: {where.state}",
            body="\n".join(line for line in (why, outlook, "`v6 restart status` shows where it stands.") if line),
            key=f"{trouble} overdue",
            quiet=timedelta(0),
        )

    def _told_since(self, where: Where, began: datetime) -> datetime:
        """Since when a message of its trouble is one of this restart: what was tried, and told, before it was prepared
        for the last time is another story."""
        row = restarts.of_window(self.db, where.window, began)
        earliest = clock.now() - REMIND
        if where.state is State.PRE_RESTART and where.since is not None:
            return max(earliest, where.since, key=datetime.timestamp)
        return max(earliest, row.prepared_at, key=datetime.timestamp) if row and row.prepared_at else earliest


def subject_of(window: str, start: datetime) -> str:
    """How the keys of all messages of this restart's end begin."""
    return f"restart {window} {start.astimezone(clock.NEW_YORK):%Y-%m-%dT%H:%M:%S%z}"


def _window_of(where: Where, occurrence: Occurrence | None) -> tuple[str, datetime | None, datetime | None]:
    if occurrence is not None:
        return occurrence.name, occurrence.start, occurrence.end
    if where.state is State.NORMAL:
        return "", None, None
    return where.window, where.start, where.end
