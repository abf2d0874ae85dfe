"""How the connection to TWS stands, in the operator's words: from what the tasks have said in the journal, held against
the kernel. A task's word that it is connected counts only while its process lives, holds its client id, and has an
established socket to the API port; a port that somebody merely listens on is no connection."""

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import psutil

from v6 import clock
from v6.config.load import Config
from v6.config.settings import Ibkr
from v6.file_locks import is_held
from v6.gateway import occupancy
from v6.gateway.verdicts import TABLE
from v6.journal import connections
from v6.journal.connections import SESSION, SESSION_LOCK, Known
from v6.paths import Paths
from v6.restart import windows
from v6.restart.windows import in_words
from v6.runner.main import HAND_LIMIT_SECONDS
from v6.scheduler import compiled
from v6.scheduler.compiled import ScheduleError
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

DIED = "its process has died"
NEVER = "nothing has connected yet"
NO_SOCKET = "no established socket"
NO_LEASE = "its client id is not leased"
SILENT = "nothing proven for"
DOUBT = "in doubt"
LATELY = 2
"""So many of the session's round trips may be due since the last proof."""
VERDICTS = frozenset(row.words for row in TABLE.values()) | {
    connections.LOST,
    connections.UNANSWERED,
    connections.BUDGET_SPENT,
    connections.NO_CLIENT_ID,
    connections.LIBRARY_UNUSABLE,
    connections.NOT_A_SIMULATOR,
}
"""What a row may be disconnected for; anything longer is for the evidence."""
LOOKS = 2  # a connection that ends between the journal's row and the kernel's tables is looked at again


class Status(StrEnum):
    """What a person reads first."""

    CONNECTED = "API Connected"
    MARKET_CLOSED = "API Connected (Market Closed)"
    WAITING = "Waiting for cycle"
    RECONNECTING = "Reconnecting"
    RESTART_WINDOW = "Restart window"
    DISCONNECTED = "Disconnected"


OF_ROW = {
    connections.CONNECTED: Status.CONNECTED,
    connections.CONNECTED_CLOSED: Status.MARKET_CLOSED,
    connections.WAITING: Status.WAITING,
    connections.RECONNECTING: Status.RECONNECTING,
    connections.RESTART_WINDOW: Status.RESTART_WINDOW,
    connections.DISCONNECTED: Status.DISCONNECTED,
}


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """`verdict`: why it is Disconnected; `attempts` of Reconnecting; `task`: whose word it is, "" when it is nobody's;
    `since`: when the status began; `proven_at`: when it was last known to be true; None: nothing was ever said.
    `evidence`: what it rests on, and what could not be looked at. Aware, New York."""

    status: Status
    at: datetime
    verdict: str = ""
    attempts: int = 0
    task: str = ""
    since: datetime | None = None
    proven_at: datetime | None = None
    evidence: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`API Connected`, `Reconnecting (3)`, `Disconnected (refused)`: never another text than these. `Reconnecting
        (in doubt)`: an answer is overdue, and no new connection has been tried yet."""
        if self.status is Status.RECONNECTING:
            return f"{self.status} ({self.attempts or DOUBT})"
        return f"{self.status} ({self.verdict})" if self.verdict else str(self.status)

    @property
    def connected(self) -> bool:
        return self.status in (Status.CONNECTED, Status.MARKET_CLOSED)

    @property
    def age(self) -> timedelta | None:
        """Of the proof. Never negative: what was said in the future was said before the clock went back."""
        return None if self.proven_at is None else _between(self.proven_at, self.at)

    @property
    def lasting(self) -> timedelta | None:
        """How long it has been so."""
        return None if self.since is None else _between(self.since, self.at)


def connection_status(
    db: sqlite3.Connection, paths: Paths, config: Config, at: datetime | None = None
) -> ConnectionStatus:
    """Of this home and its configured TWS, at `at` (default: now). Reads the journal, the leases, the kernel's tables
    and the compiled schedule; TWS is not touched. Raises sqlite3.Error; what else cannot be looked at is said in the
    evidence."""
    now = clock.now() if at is None else at
    found = _of_rows(db, paths, config, now)
    for _ in range(LOOKS - 1):
        if found.status is Status.DISCONNECTED:
            found = _of_rows(db, paths, config, now)
    return _outside_windows(found, paths, now)


def session_row(db: sqlite3.Connection, paths: Paths) -> Known | None:
    """What the market session says while it lives; None: none is running. Raises OSError when that cannot be told."""
    if not is_held(paths.locks / SESSION_LOCK):
        return None
    said = [row for row in connections.known(db) if row.task == SESSION]
    return next((row for row in said if _lives(row.pid)), None)


def silent_for(row: Known, config: Config, now: datetime) -> str:
    """In words, how long a row that says connected has proven nothing, if longer than its task ever does; else "".
    Under a shifted clock ages mean nothing."""
    if row.status not in connections.HOLDING or clock.shifted():
        return ""
    age, session = windows.seconds_between(row.at, now), config.settings.session
    if row.task == SESSION:
        limit = session.cycle_seconds + LATELY * session.ping_every_seconds
    else:
        entry = config.scheduler.tasks.get(row.task)
        limit = entry.timeout_seconds if entry else HAND_LIMIT_SECONDS
    return in_words(age) if age > limit else ""


def _of_rows(db: sqlite3.Connection, paths: Paths, config: Config, now: datetime) -> ConnectionStatus:
    """The live session's word first; then that of a run that is connected just now; then the latest. What a person has
    tried with another TWS says nothing of this one."""
    rows = [row for row in connections.known(db) if row.place in ("", config.settings.ibkr.place)]
    if not rows:
        return ConnectionStatus(Status.DISCONNECTED, now, NEVER, evidence=("the journal has no word of a connection",))
    remarks: tuple[str, ...] = ()
    try:
        session = session_row(db, paths)
    except OSError as error:
        session, remarks = None, (f"could not look whether a market session runs: {error}",)
    if session is not None:
        return _judged(session, paths, config, now)
    judged = [_judged(row, paths, config, now) for row in rows if row.status in connections.HOLDING]
    found = next((one for one in judged if one.connected), None) or _judged(rows[0], paths, config, now)
    return replace(found, evidence=found.evidence + remarks)


def _judged(row: Known, paths: Paths, config: Config, now: datetime) -> ConnectionStatus:
    """The row's word, or that it is no longer true."""
    said = ConnectionStatus(
        OF_ROW[row.status],
        now,
        _verdict(row.detail) if row.status == connections.DISCONNECTED else "",
        row.attempts,
        row.task,
        row.since,
        row.at,
        (_words(row),),
    )
    if said.status in (Status.WAITING, Status.DISCONNECTED):
        return said
    if not _lives(row.pid):
        return _refuted(said, DIED, f"process {row.pid} is gone")
    if silent := silent_for(row, config, now):
        return replace(said, status=Status.DISCONNECTED, verdict=f"{SILENT} {silent}", since=said.proven_at)
    return _held_against_kernel(said, row, paths, config.settings.ibkr) if said.connected else said


def _verdict(detail: str) -> str:
    word = detail.partition(":")[0]
    return word if word in VERDICTS else connections.NO_CONNECTION


def _held_against_kernel(said: ConnectionStatus, row: Known, paths: Paths, ibkr: Ibkr) -> ConnectionStatus:
    try:
        leased, _ = occupancy.client_ids(paths.leases)
    except occupancy.CannotTell as why:
        said = replace(said, evidence=(*said.evidence, f"could not look: {why}"))
    else:
        if not any(one.client_id == row.client_id and one.pid == row.pid for one in leased):
            return _refuted(said, NO_LEASE, f"client id {row.client_id} is not leased by process {row.pid}")
    try:
        states = _states(row.pid, ibkr.port)
    except psutil.NoSuchProcess:
        return _refuted(said, DIED, f"process {row.pid} is gone")
    except (psutil.Error, OSError) as error:
        return replace(said, evidence=(*said.evidence, f"could not look at the sockets of process {row.pid}: {error}"))
    shown = f"sockets of process {row.pid} to port {ibkr.port}: {', '.join(states) or 'none'}"
    if psutil.CONN_ESTABLISHED not in states:
        return _refuted(said, NO_SOCKET, shown)
    return replace(said, evidence=(*said.evidence, shown))


def _refuted(said: ConnectionStatus, verdict: str, why: str) -> ConnectionStatus:
    """It was true when it was said last; that it no longer is was seen now."""
    return replace(
        said,
        status=Status.DISCONNECTED,
        verdict=verdict,
        since=said.proven_at,
        proven_at=said.at,
        evidence=(*said.evidence, why),
    )


def _outside_windows(found: ConnectionStatus, paths: Paths, now: datetime) -> ConnectionStatus:
    """Inside a restart window nothing else is to be expected; outside of the market's hours a connection says so."""
    try:
        window = windows.current(compiled.load(paths.compiled / "schedule.txt").windows, now)
        phase = NYSECalendar(paths.compiled / "calendar.txt").get_market_phase(now)
    except (ScheduleError, CalendarError, OSError) as error:
        return replace(found, evidence=(*found.evidence, f"could not look at the schedule: {error}"))
    if window is not None:
        evidence = (f"inside {window}", f"before: {found.words}", *found.evidence)
        return ConnectionStatus(
            Status.RESTART_WINDOW, now, task=found.task, since=window.start, proven_at=now, evidence=evidence
        )
    if found.connected:
        return replace(found, status=Status.CONNECTED if phase == "market_open" else Status.MARKET_CLOSED)
    return found


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _states(pid: int, port: int) -> list[str]:
    """Of the sockets the process has to that port; one that listens has no other end and is not among them."""
    held = psutil.Process(pid).net_connections(kind="tcp")
    return sorted(one.status for one in held if one.raddr and one.raddr.port == port)


def _words(row: Known) -> str:
    who = f"{row.task} (process {row.pid}" + ("" if row.client_id is None else f", client id {row.client_id}") + ")"
    detail = f": {row.detail}" if row.detail else ""
    return f"{who} said at {row.at:%Y-%m-%d %H:%M:%S %Z}: {row.status}{detail}"


def _between(start: datetime, end: datetime) -> timedelta:
    return timedelta(seconds=max(0.0, windows.seconds_between(start, end)))
