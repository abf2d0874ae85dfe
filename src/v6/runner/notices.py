"""The reasons that decide who tells of a run, and the processes that carry its news off its path: the dispatcher of the
alerts' outbox and the ping of a heartbeat. Standard library only: the dispatcher needs apprise."""

import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from v6 import places
from v6.alerts import limits as rules
from v6.alerts import outbox
from v6.journal import events, turns
from v6.runner.run import Run
from v6.scheduler import side_channels

URLS = "V6_ALERT_URLS"
RETRIES = ("scripts/health_check.py",)
"""After these an alert that could not be delivered is tried again; what is new is tried after every run."""
MEASURED = ("scripts/pre_restart.py", "scripts/post_restart.py")
"""After these the metrics are written anew, whether or not there is something to say."""
WELL_BY_ITSELF = ("scripts/run_market_session.py",)
"""These say themselves that they work again, as soon as they do: they end only in the evening."""
BAD_ENDS = ("failed:", "killed:")
"""How the keys of the alerts of runs that went wrong begin."""
RESTART_DEGRADED = "restart_degraded"
RESTART_WAITING = "restart_waiting"
RESTART_NEEDS_A_PERSON = "restart_needs_a_person"
RESTART_NOT_OVER = "restart_not_over"
TWS_AWAY_EARLY = "tws_away_early"
POSITIONS_BROKEN = "positions_broken"
SLOTS_MISSED = "slots_missed"
TOLD_BY_THE_JOB = frozenset(
    (
        *(RESTART_DEGRADED, RESTART_WAITING, RESTART_NEEDS_A_PERSON, RESTART_NOT_OVER, TWS_AWAY_EARLY),
        *(POSITIONS_BROKEN, SLOTS_MISSED),
    )
)
"""A run that ends for one of these reasons (`v6.runner.told.ToldError`) raises no alert of its own, and the success
after it none either: one restart, one break of the positions or one look for missed slots is one message, and its job
has sent it."""
QUALITY_BREACHED = "quality_breached"
NOT_RETRIED = frozenset((POSITIONS_BROKEN, QUALITY_BREACHED, SLOTS_MISSED))
"""A run that ends for one of these reasons has found something, and has looked well: another attempt would find it
again, and count it again. It ends with 1 all the same."""


def moment(slot: datetime | None) -> str:
    return f"slot {slot:%Y-%m-%d %H:%M %Z}" if slot else "started by hand"


def deliver(
    db: sqlite3.Connection, home: str, log_directory: str, script: str = "", settings: Mapping[str, str] | None = None
) -> int | None:
    """Start the dispatcher when somebody can be told something, `script` has moved the metrics, or it is time for them:
    its pid, for a process that lasts to wait for. `settings`: of the schedule in force."""
    tries_below = 1_000_000 if script in RETRIES else 1
    waits = events.undelivered(db, 1, tries_below) and _reachable(home)  # without a channel very many may wait
    told = waits and outbox.due(db, rules.of(settings or {}), tries_below)
    measured = side_channels.wants_metrics(settings or {}) and (turns.due(db, turns.METRICS) or script in MEASURED)
    return dispatch(log_directory, ()) if told or measured else None


def dispatch(log_directory: str, arguments: Sequence[str]) -> int:
    """The dispatcher; its pid."""
    return _start(log_directory, ("-m", "v6.alerts.notify", *arguments))


def ping(run: Run, what: str, run_id: int, words: str = "") -> None:
    """Tell who waits for the task's word: `start`, or how the run ended, by its exit code. A side channel never hurts
    the run."""
    if not side_channels.is_awaited(run.settings, run.task.name, os.environ):
        return
    try:
        arguments = ("-S", "-m", "v6.alerts.heartbeat", run.task.name, what, str(run_id), words[:500].replace("\0", ""))
        _start(run.log_directory, arguments)
    except OSError as error:
        run.log.write("ERROR", f"the heartbeat was not sent: {error}")


def _start(log_directory: str, arguments: Sequence[str]) -> int:
    """A process in its own session and with none of our descriptors: it may outlive the run."""
    environ = {name: value for name, value in os.environ.items() if name != "V6_FAILPOINT"}
    words = _log_of(f"{log_directory}/scheduler")
    try:
        return os.posix_spawn(
            sys.executable,
            (sys.executable, *arguments),
            environ,
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, 2 if words is None else words, 1),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ),
            setsid=True,
            setsigmask=(),
        )
    finally:
        if words is not None:
            os.close(words)


def _log_of(folder: str) -> int | None:
    """A descriptor for what these processes say; None where nothing can be written: then they say it where we do."""
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        return os.open(f"{folder}/alerts.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return None


def _reachable(home: str) -> bool:
    """Whether there is an address. A file that cannot be read is the dispatcher's to complain of."""
    if os.environ.get(URLS):
        return True
    from v6.config import dotenv

    try:
        return bool(dotenv.read(places.place(home, "dotenv")).get(URLS))
    except (OSError, ValueError, dotenv.DotenvError):
        return True
