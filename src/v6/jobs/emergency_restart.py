"""End everything of ours that is at work, and begin anew.

Usage: .venv/bin/python scripts/emergency_restart.py [--dry-run] [--all] [--restart-tws]
Needs: nothing; by hand only. In this order, each step an event of the audit trail before and after it: ends our runs
(supervisors first, then the process groups that the journal recorded, then what else holds a lease: TERM, grace, KILL;
by number and start, never by name, never a stranger's), completes their rows in the journal, sees that no lease and no
claim is held, diagnoses TWS, and when it is healthy validates it (post_restart) and goes on: the market session is
started again where there is one, everything else by cron. It asks nothing and never touches an order.
--all: ends runs of restart.essential_tasks too.
--restart-tws: ends and starts TWS by tws.start_command and tws.stop_command, within tws.max_restarts.
--dry-run: says what would be done, changes nothing.
A repeat is safe, also after a kill: what was broken off is named. A broken edit of the configuration does not keep it
from its work: it goes on with the last good one.
Exit codes: 0 all is ended and TWS is healthy, or cannot be judged because it is restarting by itself; 1 something is
still not well (what, and what to do); 2 the configuration is wrong, or the state belongs to another user.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from v6 import clock
from v6.gateway.diagnosed import diagnosed
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.journal import database, runs
from v6.journal.connections import SESSION
from v6.journal.runs import Run
from v6.model import RecoverableError
from v6.restart import windows
from v6.restart.emergency import going_on, tws_anew
from v6.restart.emergency.at_work import Places
from v6.restart.emergency.audit import Trail
from v6.restart.emergency.failures import NotDone
from v6.restart.emergency.flow import Emergency, Surroundings, plan
from v6.restart.emergency.letting_go import let_go
from v6.runner import environment, lock, result
from v6.runner.context import Argument, Context
from v6.scheduler import compiled
from v6.scheduler.nyse_calendar import CalendarError

HANDS_ONLY = True
WRITES = True
ARGUMENTS = (
    Argument("--all", action="store_true", help="end runs of restart.essential_tasks too"),
    Argument("--restart-tws", action="store_true", help="end TWS and start it again, by tws.start_command"),
)
OF_ONE_RUN = (
    environment.TASK,
    environment.SLOT,
    environment.ATTEMPT,
    environment.LIMIT,
    environment.RESULT,
    environment.LOG_FILE,
    environment.LOCK_FD,
    "V6_FAILPOINT",
)
"""What nothing that is started here may inherit."""
AGAIN_SECONDS = 10.0  # a TWS that has just begun is mute for a while; each look at it is a connection of the budget
LETTING_GO_SECONDS = 2.0
"""A process that was killed just now counts as ended once its first thread has: its other threads hold its files, and
so its lock, for a moment longer."""


def emergency_restart(ctx: Context) -> str:
    emergency = Emergency(_surroundings(ctx))
    if ctx.dry_run:
        return _say_what_would_be_done(ctx, emergency)
    held = lock.acquire(str(ctx.paths.locks), ctx.task)
    if held is None:
        raise RecoverableError("another emergency_restart is at work: nothing was done, wait for its end")
    try:
        asked = f"emergency_restart{' --all' * ctx.args.all}{' --restart-tws' * ctx.args.restart_tws}"
        summary = emergency.run(restart_tws=ctx.args.restart_tws, asked=asked)
    finally:
        os.close(held)
    if emergency.trouble:
        raise RecoverableError(summary)
    return summary


def _say_what_would_be_done(ctx: Context, emergency: Emergency) -> str:
    found = plan(emergency.look())
    lines = [*found, "would clear quarantines of client ids", _restarted(ctx)]
    lines += [f"would diagnose TWS; when it is healthy, validate it by post_restart; then {_gone_on(ctx)}"]
    for line in lines:
        ctx.log.info("{}", line)
    return f"dry run, nothing was done; {sum(line.startswith('would end ') for line in found)} would be ended"


def closing_words(outcome: result.Result) -> str:
    """How it ended, and a line for each thing that is not well; the steps are in the log."""
    return str(outcome.summary).replace("; NOT WELL: ", "\nNOT WELL: ")


def _surroundings(ctx: Context) -> Surroundings:
    places = Places(ctx.paths.locks, ctx.paths.leases, ctx.paths.runs)
    wrapper = going_on.Wrapper(
        ctx.paths.scripts / "cron_wrapper.sh",
        ctx.paths.home / ctx.config.scheduler.log_directory / "emergency",
        {name: value for name, value in os.environ.items() if name not in OF_ONE_RUN}
        | {"V6_HOME": str(ctx.paths.home)},
    )
    return Surroundings(
        places=places,
        tasks=tuple(ctx.config.scheduler.tasks),
        spared=() if ctx.args.all else ctx.settings.restart.essential_tasks,
        trail=Trail(lambda busy: database.connect(ctx.paths.journal, busy), ctx.log),
        log=ctx.log,
        open_attempts=lambda: _open_attempts(ctx),
        close_rows=lambda task: _close_rows(ctx, task),
        let_go=lambda busy: let_go(places, ctx.journal, busy),
        window=lambda: str(windows.current_acting(ctx.windows, ctx.now()) or ""),
        tws=lambda: tws_anew.restart(ctx.settings.tws, ctx.settings.ibkr, ctx.journal, ctx.log),
        diagnose=lambda begun: _diagnosis(ctx, begun),
        validate=lambda: going_on.validate(wrapper, lambda: ctx.journal, ctx.remaining()),
        resume=lambda: _resume(ctx, wrapper),
    )


@contextmanager
def _journal_to_read(ctx: Context) -> Iterator[sqlite3.Connection | None]:
    """A dry run leaves the journal as it is, and makes none where there is none."""
    if not ctx.paths.journal.exists():
        yield None
        return
    with closing(sqlite3.connect(f"{ctx.paths.journal.as_uri()}?mode=ro", uri=True)) as db:
        yield db


def _open_attempts(ctx: Context) -> Sequence[Run]:
    with _journal_to_read(ctx) as db:
        return runs.open_attempts(db) if db is not None else ()


def _close_rows(ctx: Context, task: str) -> str:
    """Who holds the task's lock knows that its open attempts are dead."""
    held = lock.acquire(str(ctx.paths.locks), task, LETTING_GO_SECONDS)
    if held is None:
        raise NotDone(f"run of {task} stays open: its lock is held by something that is no run of it")
    try:
        return ", ".join(_killed(ctx, run) for run in runs.open_attempts(ctx.journal, task))
    finally:
        os.close(held)


def _killed(ctx: Context, run: Run) -> str:
    path = str(ctx.paths.runs / f"{run.task}-{run.id}.json")
    record = result.read(path)
    found = f"its job had already written: {record.outcome}, {record.summary}" if record else "no result"
    runs.mark_killed(
        ctx.journal, run.id, f"found dead by emergency_restart {clock.now():%Y-%m-%d %H:%M:%S %Z}; {found}"
    )
    result.remove(path)
    return f"run {run.id} of {run.task}: killed, {found}"


def _restarted(ctx: Context) -> str:
    """What --restart-tws would do."""
    if not ctx.args.restart_tws:
        return "would not touch TWS (--restart-tws)"
    with _journal_to_read(ctx) as db:
        refused = tws_anew.why_not(ctx.settings.tws, db)
    command = " ".join(ctx.settings.tws.start_command)
    return f"could not restart TWS: {refused}" if refused else f"would end TWS, then run {command}"


def _diagnosis(ctx: Context, begun: bool) -> Diagnosis:
    """A TWS that was started just now gets time until it answers."""
    until = clock.monotonic() + (min(ctx.settings.tws.hung_after_seconds, ctx.remaining() / 2) if begun else 0.0)
    while True:
        found = _diagnosed(ctx)
        if found.verdict is Verdict.HEALTHY:
            return found
        for line in found.evidence:
            ctx.log.warning("{}", line)
        if clock.monotonic() >= until:
            return found
        ctx.log.info("not yet: {}", found.words)
        ctx.sleep(AGAIN_SECONDS)


def _diagnosed(ctx: Context) -> Diagnosis:
    """Never one that was found earlier: what has been ended since may have been its cause."""
    try:
        market_open = ctx.calendar.get_market_phase(ctx.now()) == "market_open"
    except CalendarError:
        market_open = None
    return diagnosed(
        ctx.settings.ibkr.model_copy(update={"diagnose_every_seconds": 0.0}),
        ctx.paths.leases,
        ctx.paths.state,
        log=ctx.log,
        market_open=market_open,
        symbol=ctx.settings.health.check_symbol,
    )


def _gone_on(ctx: Context) -> str:
    """What `_resume` would do."""
    try:
        return "start the market session again" if _session_is_due(ctx) else "leave the rest to cron: no market session"
    except CalendarError as error:
        return f"start the market session again, if there is one (cannot be told: {error})"


def _session_is_due(ctx: Context) -> bool:
    """Raises CalendarError."""
    entry = ctx.config.scheduler.tasks.get(SESSION)
    persistent = ctx.settings.ibkr.persistent_connection and entry is not None and entry.enabled
    return persistent and going_on.in_session(ctx.calendar, ctx.now())


def _resume(ctx: Context, wrapper: going_on.Wrapper) -> str:
    if _session_is_due(ctx):
        return going_on.begin_session(wrapper, ctx.paths.locks)
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt", os.environ)
    return going_on.next_slots(schedule, ctx.calendar, ctx.now())
