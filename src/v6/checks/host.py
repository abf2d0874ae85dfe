"""Checks of this host: disk, journal, cron, the calendar's horizon, runs that died."""

from datetime import timedelta

import psutil

from v6 import clock
from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.file_locks import is_held
from v6.journal import runs, tallies
from v6.journal.database import transaction
from v6.runner.context import Context

CRON_DAEMONS = frozenset({"cron", "crond", "fcron", "supercronic"})
SILENCE = timedelta(minutes=20)
"""health_check itself fires every 15 minutes, every day: cron that has fired nothing for longer is not at work."""


def disk(ctx: Context) -> Finding:
    """Free space where state, logs and a local lake live; a full disk stops all of them."""
    limit = ctx.settings.health.min_free_disk_percent
    places = [str(ctx.paths.home)]
    if "://" not in ctx.lake.root:
        places.append(ctx.lake.root)
    free: dict[str, float] = {}
    for place in places:
        try:
            free[place] = 100.0 - psutil.disk_usage(place).percent
        except FileNotFoundError:
            continue  # a lake that nothing was written to yet
    least = min(free, key=lambda place: free[place])
    words = f"{free[least]:.0f} % free at {least}, at least {limit:g} %"
    return ok("disk", words) if free[least] >= limit else failed("disk", words)


def journal(ctx: Context) -> Finding:
    """It opens, its schema is ours, and a row can be written."""
    with transaction(ctx.journal):
        ctx.journal.execute("UPDATE runs SET note = note WHERE id = (SELECT max(id) FROM runs)")
    ended = sum(tally.runs for tally in tallies.runs(ctx.journal))
    return ok("journal", f"writable, {ended} attempts and skips have ended")


def cron(ctx: Context) -> Finding:
    """Something starts the schedule's slots. Under a shifted clock nobody's cron does: that is said, not failed."""
    if clock.shifted():
        return could_not_check("cron", "not applicable under a shifted clock")
    daemons = sorted({process.info["name"] for process in psutil.process_iter(["name"])} & CRON_DAEMONS)
    running = f"running: {', '.join(daemons)}" if daemons else "no cron process found"
    if ctx.slot is not None:
        if not daemons:  # a person can start a slot's run too
            words = f"this run is of the slot {ctx.slot:%H:%M}, but nothing here could have started it: {running}"
            return could_not_check("cron", words)
        return ok("cron", f"it started this run for the slot {ctx.slot:%H:%M}; {running}")
    fired = [run.started_at for run in runs.recent(ctx.journal, None, 50) if run.slot is not None]
    if not fired:
        word = could_not_check if daemons else failed
        return word("cron", f"no slot has ever been started; {running}")
    silence = ctx.now() - max(fired)
    words = f"last slot started {silence.total_seconds() / 60:.0f} min ago; {running}"
    return ok("cron", words) if silence <= SILENCE else failed("cron", words)


def calendar_horizon(ctx: Context) -> Finding:
    last = ctx.calendar.covers[1]
    days, least = (last - ctx.now().date()).days, ctx.settings.health.min_calendar_days
    words = f"covers {days} more days (to {last}), at least {least}"
    return ok("calendar horizon", words) if days >= least else failed("calendar horizon", words)


def killed_runs(ctx: Context) -> Finding:
    """Attempts without an end whose process is gone and whose lock is free: killed, and nothing has noticed yet."""
    died = [
        f"{run.task} {run.slot:%m-%d %H:%M}" if run.slot else run.task
        for run in runs.open_attempts(ctx.journal)
        if not (run.pid and psutil.pid_exists(run.pid)) and not is_held(ctx.paths.locks / f"{run.task}.lock")
    ]
    if died:
        return failed("runs", f"killed without an end: {', '.join(died)}")
    return ok("runs", "none was killed unnoticed")
