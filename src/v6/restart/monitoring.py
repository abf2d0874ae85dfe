"""For programs that live through a restart: a loop that looks every 30 seconds, says what it sees by the same table as
the jobs, and calls the program's own functions at every step, whoever made it.

What it says: WINDOW_NEAR (5 minutes before a window that acts), TWS_GONE and TWS_BACK (from the probe), OVERDUE. What
only the program knows its functions say: the one for RECONNECTING returns Event.CONNECTED when it has connected, the
one for VALIDATING Event.VALIDATED, or None where pre_restart and post_restart do the work.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from v6 import clock
from v6.journal import database, events
from v6.model import V6Error
from v6.restart import windows
from v6.restart.manager import EVENT, TWSRestartManager
from v6.restart.states import Event, State, WrongStep

INTERVAL_SECONDS = 30.0
NEAR_MINUTES = 5
BUSY_MILLISECONDS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One transition, as the audit has it. `window` is empty when TWS went outside of all of them."""

    before: State
    state: State
    event: Event
    cause: str
    window: str
    at: datetime


Callback = Callable[[Step], Event | None]
Probe = Callable[[], str | None]
"""Who listens on TWS's port, in words that change when TWS restarts (`gateway.sockets.listener`); None: nobody.
Raises V6Error or OSError when it cannot look, which is neither (L30)."""


class Monitor:
    """One look at a time, in the thread that owns `manager.db`. `last_look`: when the last one was complete;
    `trouble`: why the latest was not, empty when it was."""

    def __init__(self, manager: TWSRestartManager, callbacks: Mapping[State, Callback], probe: Probe) -> None:
        self._manager = manager
        self._callbacks = callbacks
        self._probe = probe
        self._delivered: int | None = None
        self._listener: str | None = None
        self._away = False
        self.last_look: datetime | None = None
        self.trouble = "has not looked yet"

    def look(self) -> None:
        """Say what is to be said, then call back. A journal that is locked, or a probe that cannot look, is `trouble`;
        the next look does what this one could not."""
        self.trouble = ""
        try:
            if self._delivered is None:
                self._delivered = events.latest_id(self._manager.db, EVENT)
            self._window_near()
            self._tws()
            self._manager.find_overdue(clock.now())
            self._call_back()
        except sqlite3.OperationalError as error:
            self.trouble = f"the journal: {error}"
        if not self.trouble:
            self.last_look = clock.now()

    def _window_near(self) -> None:
        where, now = self._manager.current(), clock.now()
        near = windows.next_acting(self._manager.windows, now)
        if near is None or windows.minutes_until(near.start, now) > NEAR_MINUTES:
            return
        if (where.window, where.start) != (near.name, near.start):
            self._say(Event.WINDOW_NEAR, f"{near} is near", where.state, near)

    def _tws(self) -> None:
        try:
            listener = self._probe()
        except (V6Error, OSError) as error:
            self.trouble = f"could not look at TWS: {error}"
            return
        where = self._manager.current()
        known, self._listener = self._listener, listener or self._listener
        if listener is None:
            if not self._away or where.state not in (State.RESTARTING, State.DEGRADED):
                self._say(Event.TWS_GONE, "nobody listens on TWS's port", where.state, self._inside(where.state))
            self._away = True
            return
        changed = known is not None and listener != known
        if changed and not self._away and where.state is not State.RESTARTING:
            self._say(Event.TWS_GONE, f"{known} listened on TWS's port, now {listener}", where.state)
        if self._back(changed):
            self._say(Event.TWS_BACK, f"{listener} listens on TWS's port", self._manager.current().state)
        self._away = False

    def _back(self, changed: bool) -> bool:
        """RESTARTING begins while TWS is still there: it is back when it was away, is another, or the window ended."""
        where = self._manager.current()
        if where.state is State.DEGRADED:
            return self._away or changed
        over = where.end is None or windows.seconds_between(where.end, clock.now()) >= 0
        return where.state is State.RESTARTING and (self._away or changed or over)

    def _inside(self, state: State) -> windows.Occurrence | None:
        """From NORMAL a step belongs to the window that is now, if one is."""
        return windows.current_acting(self._manager.windows, clock.now()) if state is State.NORMAL else None

    def _say(self, event: Event, cause: str, expected: State, occurrence: windows.Occurrence | None = None) -> None:
        try:
            self._manager.step(event, f"{cause} (seen by a running program)", occurrence, expected)
        except WrongStep:
            return  # somebody else has moved it: the next look sees to what

    def _call_back(self) -> None:
        """Every step since the last look, in order; a function's answer is a step too, and is delivered next."""
        while steps := events.after(self._manager.db, EVENT, self._delivered or 0):
            for step in steps:
                self._delivered = step.id
                callback = self._callbacks.get(State(step.details["to"]))
                if callback is not None:
                    self._deliver(callback, _step(step))

    def _deliver(self, callback: Callback, step: Step) -> None:
        try:
            answer = callback(step)
        except V6Error as error:
            self._say(Event.FAILED, f"{step.state}: {error}", self._manager.current().state)
            return
        if answer is not None:
            self._say(answer, f"{step.state} is done", step.state)


def _step(event: events.Event) -> Step:
    said = event.details
    return Step(State(said["from"]), State(said["to"]), Event(said["event"]), said["cause"], said["window"], event.at)


class Monitoring:
    """A loop in a thread of its own. What ends it but `stop` is alerted, and `stop` raises it."""

    def __init__(self, journal: str, make: Callable[[sqlite3.Connection], Monitor], stop: threading.Event) -> None:
        self.monitor: Monitor | None = None
        self._stop = stop
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(journal, make), name="restart monitoring", daemon=True)

    def start(self, interval: float) -> Self:
        self._interval = interval
        self._thread.start()
        return self

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _run(self, journal: str, make: Callable[[sqlite3.Connection], Monitor]) -> None:
        try:
            with closing(connect(journal)) as db:
                self.monitor = make(db)
                while not self._stop.is_set():
                    self.monitor.look()
                    self._stop.wait(self._interval)
        except Exception as error:  # the edge of the thread: nobody else would hear of it
            self._failed = error
            tell_ended(journal, error)


async def monitoring_task(monitor: Monitor, stop: asyncio.Event, interval: float) -> None:
    """The same on the running event loop, until `stop` is set."""
    while not stop.is_set():
        monitor.look()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval)


def connect(journal: str) -> sqlite3.Connection:
    """A connection that gives up soon: the loop looks again, and an event loop must not stand still."""
    db = database.connect(journal)
    db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    return db


def tell_ended(journal: str, error: Exception) -> None:
    with closing(database.connect(journal)) as db:
        events.raise_alert(
            db,
            severity="failure",
            title="a program no longer watches TWS's restart",
            body=f"{type(error).__name__}: {error}",
            key="restart monitoring ended",
        )
