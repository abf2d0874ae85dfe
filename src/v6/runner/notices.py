"""What a run tells people: an entry in the alert outbox, and the dispatcher that delivers it off the run's path.
Standard library only: the dispatcher, which needs apprise, is a process of its own."""

import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import datetime

from v6 import places
from v6.journal import events, runs, turns
from v6.journal.runs import Run
from v6.runner.verdict import Verdict
from v6.scheduler.compiled import Task

URLS = "V6_ALERT_URLS"
GIVE_UP_AFTER_TRIES = 50
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
TOLD_BY_THE_JOB = frozenset(
    (RESTART_DEGRADED, RESTART_WAITING, RESTART_NEEDS_A_PERSON, RESTART_NOT_OVER, TWS_AWAY_EARLY, POSITIONS_BROKEN)
)
"""A run that ends for one of these reasons (`v6.runner.told.ToldError`) raises no alert of its own, and the success
after it none either: one restart, or one break of the positions, is one message, and its job has sent it."""
QUALITY_BREACHED = "quality_breached"
NOT_RETRIED = frozenset((POSITIONS_BROKEN, QUALITY_BREACHED))
"""A run that ends for one of these reasons has found something, and has looked well: another attempt would find it
again, and count it again. It ends with 1 all the same."""


def failed(db: sqlite3.Connection, task: str, slot: datetime | None, verdict: Verdict, log_file: str) -> None:
    """A run has finally failed."""
    body = f"{moment(slot)}: {verdict.outcome} (exit {verdict.exit_code}): {verdict.summary}\nlog: {log_file}"
    events.raise_alert(db, severity="failure", title=f"{task} failed", body=body, task=task, key=f"failed:{task}")


def recovered(db: sqlite3.Connection, task: str, slot: datetime | None, summary: str) -> None:
    """The first success after a failure."""
    body = f"{moment(slot)}: {summary}"
    events.raise_alert(db, severity="info", title=f"{task} works again", body=body, task=task, key=f"recovered:{task}")


def says_failed(task_alerts: Sequence[str], verdict: Verdict) -> bool:
    """Whether this final failure is the supervisor's to tell."""
    return "failure" in task_alerts and verdict.reason not in TOLD_BY_THE_JOB


def may_recover(task: Task) -> bool:
    """Whether the success of a run of the task can be news for a person."""
    return "recovery" in task.alert_on and task.script not in WELL_BY_ITSELF


def says_recovered(db: sqlite3.Connection, task: str, before: Run | None) -> bool:
    """Whether this success answers a failure that was the supervisor's to tell: the one before, or an earlier one that
    was told and not answered yet."""
    if before is None or runs.is_done(before.outcome, before.reason):
        return False
    return before.reason not in TOLD_BY_THE_JOB or events.unanswered(db, f"failed:{task}", f"recovered:{task}")


def killed(db: sqlite3.Connection, run: Run, note: str, alert: bool) -> None:
    """An earlier run never ended: an event always, an alert when the task wants them."""
    text = f"run {run.id} of {run.task}, {moment(run.slot)}, attempt {run.attempt}, pid {run.pid}: {note}"
    events.record(db, "run_killed", text, task=run.task, details={"run": run.id, "pid": run.pid})
    if alert:
        title = f"{run.task} was killed"
        events.raise_alert(db, severity="failure", title=title, body=text, task=run.task, key=f"killed:{run.id}")


def moment(slot: datetime | None) -> str:
    return f"slot {slot:%Y-%m-%d %H:%M %Z}" if slot else "started by hand"


def deliver(db: sqlite3.Connection, home: str, log_directory: str, script: str = "") -> int | None:
    """Start the dispatcher when somebody can be told something, `script` has moved the metrics, or it is time for them:
    its pid, for a process that lasts to wait for."""
    told = _reachable(home) and events.undelivered(db, limit=1, tries_below=GIVE_UP_AFTER_TRIES)
    measured = turns.due(db, turns.METRICS) or script in MEASURED
    return dispatch(log_directory, ()) if told or measured else None


def dispatch(log_directory: str, arguments: Sequence[str]) -> int:
    """The dispatcher, in its own session and with none of our descriptors: it may outlive the run. Its pid."""
    place = f"{log_directory}/scheduler/alerts.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
    environ = {name: value for name, value in os.environ.items() if name != "V6_FAILPOINT"}
    return os.posix_spawn(
        sys.executable,
        (sys.executable, "-m", "v6.alerts.notify", *arguments),
        environ,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, place, flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsid=True,
        setsigmask=(),
    )


def _reachable(home: str) -> bool:
    if os.environ.get(URLS):
        return True
    try:
        with open(places.place(home, "dotenv"), encoding="utf-8", errors="replace") as file:
            return URLS in file.read()
    except FileNotFoundError:
        return False
