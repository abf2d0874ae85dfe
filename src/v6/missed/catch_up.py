"""Runs that are made up: of tasks with `catch_up: same_day`, on their New York day, where they can still end in time.
One after another, so that a host that has just been started is not asked for everything at once."""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from v6.clock import NEW_YORK
from v6.journal import missed, runs
from v6.journal.ledger import TABLE_OF
from v6.missed.causes import Missed
from v6.missed.find import Site, Slot
from v6.runner import environment
from v6.scheduler import deadline, slots, wall
from v6.scheduler.compiled import Task

NOT_WANTED = ""
NOT_LATEST = "not_latest"
NOT_TODAY = "not_today"
CLAIMED = "claimed"
TOO_LATE = "too_late"
DEPENDENCY = "dependency"
RESTART_WINDOW = "restart_window"
WORDS = {
    missed.STARTED: "started",
    NOT_LATEST: "no: a later slot of the task is made up, or has run",
    NOT_TODAY: "no: its New York day is over",
    CLAIMED: "no: the gate had started it once",
    TOO_LATE: "no: it could not end before its deadline",
    DEPENDENCY: "no: a task it depends on has not succeeded that day",
    RESTART_WINDOW: "no: it needs TWS, which restarts now",
}
"""What each word of `missed_slots.catch_up` says to a person."""
OURS_ALONE = (
    *(environment.TASK, environment.SLOT, environment.ATTEMPT, environment.LIMIT, environment.RESULT),
    *(environment.LOG_FILE, environment.LOCK_FD),
    *("V6_FAILPOINT", "FORCE_RUN", "SCHEDULER_FORCE_RUN", "PYTHONPATH"),
)
"""Of our environment: what is this run's alone, or a person's word for this run."""


def plan(site: Site, found: Sequence[Missed], claimed: Iterable[Slot], now: datetime) -> dict[Missed, str]:
    """What becomes of each missed slot; those to be started come first, in the order in which to start them."""
    verdicts = {one: _verdict(site, one, found, set(claimed), now) for one in found}
    wanted = {one.task: one for one, verdict in verdicts.items() if verdict == missed.STARTED}
    order: dict[Missed, str] = {}
    free = now.timestamp()
    while wanted:
        one = _next(site, wanted)
        del wanted[one.task]
        verdict = _dependencies(site, one, {other.task for other in order if order[other] == missed.STARTED})
        end = free + _usual_seconds(site, one.task)
        if not verdict and end > _over_by(site, one):
            verdict = TOO_LATE
        order[one] = verdict or missed.STARTED
        free = end if not verdict else free
    started = {one: word for one, word in order.items() if word == missed.STARTED}
    return started | {one: order.get(one, verdict) for one, verdict in verdicts.items() if one not in started}


def start(site: Site, wanted: Sequence[Missed], environ: Mapping[str, str] = os.environ) -> int:
    """The pid of the shell that has the gate run these one after another, detached from us."""
    script = "; ".join(_command(site, one) for one in wanted)
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    out = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)  # each command has its own log
    kept = {name: value for name, value in environ.items() if name not in OURS_ALONE}
    shell = ("/bin/sh", "-c", script)
    actions = (null, out, (os.POSIX_SPAWN_DUP2, 1, 2))
    return os.posix_spawn(
        shell[0], shell, kept | {"V6_HOME": str(site.paths.home)}, file_actions=actions, setsid=True, setsigmask=()
    )


def _verdict(site: Site, one: Missed, found: Sequence[Missed], claimed: set[Slot], now: datetime) -> str:
    """Of the slot alone: STARTED where nothing speaks against it yet."""
    task = site.schedule.tasks[one.task]
    if task.catch_up != "same_day" or not task.idempotent or task.script in TABLE_OF:
        return NOT_WANTED
    if one.slot.astimezone(NEW_YORK).date() != now.astimezone(NEW_YORK).date():
        return NOT_TODAY
    if any(other.task == one.task and other.slot > one.slot for other in found) or _ran_since(site, one):
        return NOT_LATEST
    if (one.task, one.slot) in claimed:
        return CLAIMED
    if task.needs_gateway and slots.restart_window(wall.minute_of(now), site.schedule.windows):
        return RESTART_WINDOW
    return missed.STARTED


def _ran_since(site: Site, one: Missed) -> bool:
    last = runs.last_on(site.db, one.task, f"{one.slot.astimezone(NEW_YORK):%Y-%m-%d}")
    return last is not None and last.slot is not None and last.slot > one.slot


def _next(site: Site, wanted: Mapping[str, Missed]) -> Missed:
    """That with the earliest deadline of those that wait for none of the others."""
    ready = [one for one in wanted.values() if not set(site.schedule.tasks[one.task].depends_on) & wanted.keys()]
    return min(ready, key=lambda one: (_over_by(site, one), one.task))


def _dependencies(site: Site, one: Missed, before: set[str]) -> str:
    """DEPENDENCY when a task it depends on neither succeeded that day nor is made up before it."""
    day = f"{one.slot.astimezone(NEW_YORK):%Y-%m-%d}"
    needed = site.schedule.tasks[one.task].depends_on
    met = all(name in before or runs.succeeded_on(site.db, name, day) for name in needed)
    return "" if met else DEPENDENCY


def _over_by(site: Site, one: Missed) -> int:
    return deadline.latest_end(site.schedule.tasks[one.task], one.slot, site.calendar, site.schedule.windows)


def _usual_seconds(site: Site, task: str) -> float:
    """What a run usually takes, and before the first success what it may take."""
    usual = runs.median_wall_seconds(site.db, task)
    return float(site.schedule.tasks[task].timeout) if usual is None else usual


def _command(site: Site, one: Missed) -> str:
    """As a line of the crontab does it: a log that cannot be written stops no run."""
    task: Task = site.schedule.tasks[one.task]
    folder = Path(site.schedule.settings["log_directory"]) / "cron"
    logs, log = (shlex.quote(str(place)) for place in (folder, folder / f"{Path(task.script).stem}.log"))
    gate = shlex.quote(str(site.paths.scripts / "cron_wrapper.sh"))
    words = shlex.join(("--catch-up", str(int(one.slot.timestamp())), task.script, *task.args))
    return f"( [ -d {logs} ] || mkdir -p {logs}; command exec >>{log} 2>&1; {gate} {words} )"
