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
from v6.gateway import sockets
from v6.journal import database, events
from v6.model import V6Error
from v6.restart import windows
from v6.restart.manager import EVENT, TWSRestartManager, Where
from v6.restart.states import Event, State, WrongStep

NEAR_MINUTES = 5
BUSY_MILLISECONDS = 500
MOST_STEPS_A_LOOK = 12
GONE = (State.RESTARTING, State.DEGRADED)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition, as the audit has it. `window` is empty when TWS went outside of all of them."""

    before: State
    state: State
    event: Event
    cause: str
    window: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """`listener`: the last there was; `at`: of the look."""

    listener: str | None = None
    away: bool = False
    at: datetime | None = None


Callback = Callable[[Step], Event | None]
Probe = Callable[[], str | None]
"""Who listens on TWS's port, in words that change when TWS restarts (`gateway.sockets.listener`); None: nobody.
Raises V6Error or OSError when it cannot look, which is neither (L30)."""


def probe_of(host: str, port: int) -> Probe:
    """From the kernel's table: TWS is not touched (L27)."""

    def probe() -> str | None:
        found = sockets.listener(host, port)
        return None if found is None else f"inode {found.inode}"

    return probe


class Monitor:
    """One look at a time, in the thread that owns `manager.db`. `last_look`: when the last one was complete;
    `trouble`: why the latest was not, empty when it was."""

    def __init__(self, manager: TWSRestartManager, callbacks: Mapping[State, Callback], probe: Probe) -> None:
        self._manager = manager
        self._callbacks = callbacks
        self._probe = probe
        self._delivered: int | None = None
        self._owed: tuple[Event, str, State] | None = None
        self._seen = Seen()
        self.last_look: datetime | None = None
        self.trouble = "has not looked yet"

    def look(self) -> None:
        """Say what is to be said, then call back. A journal that is locked, or a probe that cannot look, is `trouble`;
        the next look does what this one could not."""
        self.trouble = ""
        try:
            if self._delivered is None:
                self._delivered = events.latest_id(self._manager.db, EVENT)
            self._pay()
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
        if (where.window, where.start) != (near.name, near.start) or _was_tried_before(where, near):
            self._say(Event.WINDOW_NEAR, f"{near} is near", where.state, near)

    def _tws(self) -> None:
        """What was seen is remembered only when it has been said."""
        at = clock.now()
        try:
            listener = self._probe()
        except (V6Error, OSError) as error:
            self.trouble = f"could not look at TWS: {error}"
            return
        if listener is None:
            self._gone("nobody listens on TWS's port", again=not self._seen.away)
            self._seen = Seen(self._seen.listener, away=True, at=at)
            return
        before = self._seen
        if changed := before.listener not in (None, listener):
            where = self._manager.current()
            if not (before.away or where.state in GONE or _is_younger(where, before)):
                self._gone(f"{before.listener} listened on TWS's port, now {listener}")
        if self._is_back(changed):
            self._say(Event.TWS_BACK, f"{listener} listens on TWS's port", self._manager.current().state)
        self._seen = Seen(listener, away=False, at=at)

    def _gone(self, words: str, *, again: bool = True) -> None:
        """`again`: also where the state says so already. From NORMAL it belongs to the window that is now, if any."""
        state = self._manager.current().state
        if again or state not in GONE:
            inside = windows.current_acting(self._manager.windows, clock.now()) if state is State.NORMAL else None
            self._say(Event.TWS_GONE, words, state, inside)

    def _is_back(self, changed: bool) -> bool:
        """RESTARTING begins while TWS is still there: it is back when it was away, is another, or the window ended."""
        where = self._manager.current()
        over = where.end is None or windows.seconds_between(where.end, clock.now()) >= 0
        return where.state in GONE and (self._seen.away or changed or (over and where.state is State.RESTARTING))

    def _say(self, event: Event, cause: str, expected: State, occurrence: windows.Occurrence | None = None) -> None:
        try:
            self._manager.step(event, f"{cause} (seen by a running program)", occurrence, expected)
        except WrongStep:
            return  # somebody else has moved it: the next look sees to what

    def _call_back(self) -> None:
        """Every step since the last look, in order; a function's answer is a step too, and is delivered next."""
        assert self._delivered is not None
        for _ in range(MOST_STEPS_A_LOOK):
            steps = events.after(self._manager.db, EVENT, self._delivered)
            if not steps:
                return
            self._delivered = steps[0].id
            step = _step(steps[0])
            if step.state in self._callbacks:
                self._owed = _answer(self._callbacks[step.state], step)
                self._pay()

    def _pay(self) -> None:
        """A function's answer, which a locked journal may have kept from being written."""
        if self._owed is not None:
            self._say(*self._owed)
            self._owed = None


def _answer(callback: Callback, step: Step) -> tuple[Event, str, State] | None:
    try:
        event = callback(step)
    except V6Error as error:
        return Event.FAILED, f"{step.state}: {error}", step.state
    return None if event is None else (event, f"{step.state} is done", step.state)


def _was_tried_before(where: Where, near: windows.Occurrence) -> bool:
    """Whether the window was prepared and validated by hand long before it."""
    ended = where.since if where.state is State.NORMAL else None
    return ended is not None and windows.seconds_between(ended, near.start) > NEAR_MINUTES * 60


def _is_younger(where: Where, seen: "Seen") -> bool:
    """Whether the state began after that look: then it knows more than we did."""
    return where.since is not None and seen.at is not None and where.since.timestamp() > seen.at.timestamp()


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
            async with asyncio.timeout(interval):
                await stop.wait()


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
