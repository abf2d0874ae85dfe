"""Checks of TWS's restart: one that is not over (L25), a TWS that restarted by itself, the weekly login that comes.

Of the journal and the kernel's table only: TWS is not asked (L27).
"""

from collections.abc import Sequence
from datetime import timedelta

from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.checks.restart_due import proof_failed
from v6.gateway import sockets
from v6.gateway.sockets import CannotLook, Listener
from v6.journal import events, restarts
from v6.restart import weekly_login
from v6.restart.manager import TWSRestartManager
from v6.restart.states import State
from v6.restart.windows import current, in_words, just_over, seconds_between
from v6.runner.context import Context

ONCE = timedelta(days=6)
"""A reminder of one login is one message; the next login is a week later."""
RECOVERS = "recover_restart"


def restart_state(ctx: Context) -> Finding:
    """Where the restart stands. One that is overdue becomes DEGRADED, and a person is told."""
    settings = ctx.settings.restart
    manager = TWSRestartManager(ctx.journal, ctx.windows, timedelta(minutes=settings.overdue_minutes))
    if late := manager.find_overdue(ctx.now(), _outlook(ctx)):
        return failed("restart", f"overdue: {late}")
    where = manager.current()
    return failed("restart", where.words()) if where.state is State.DEGRADED else ok("restart", where.words())


def told(ctx: Context, failures: Sequence[Finding]) -> bool:
    """Whether the operator knows of all that has failed, or is told of it when the restart ends: a restart that is not
    over, a TWS that it has not brought back yet, another TWS, which recover_restart validates."""
    known = {"restart"}
    if _not_back(ctx):
        known.add("gateway")
    if _recovers(ctx):
        known.add("TWS's process")
    return bool(failures) and all(finding.check in known for finding in failures)


def _not_back(ctx: Context) -> bool:
    """Whether a restart is under way in which TWS was not reached yet."""
    where = TWSRestartManager(ctx.journal, ctx.windows).current()
    if where.state is State.NORMAL or where.start is None or proof_failed(where):
        return False
    row = restarts.of_window(ctx.journal, where.window, where.start)
    if row is None or row.connected_at is None:
        return True
    return row.prepared_at is not None and seconds_between(row.connected_at, row.prepared_at) > 0


def _recovers(ctx: Context) -> bool:
    task = ctx.config.scheduler.tasks.get(RECOVERS)
    return task is not None and task.enabled


def _outlook(ctx: Context) -> str:
    """What comes of a restart that is not over."""
    if not _recovers(ctx):
        return f"Nothing validates it again by itself: {RECOVERS} is disabled."
    return f"{RECOVERS} ({ctx.config.scheduler.tasks[RECOVERS].frequency}) validates it when TWS's API port is open."


def same_tws(ctx: Context) -> Finding:
    """The TWS that listens is the one that was validated last; recover_restart validates another one."""
    now = ctx.now()
    if not any(window.acts for window in ctx.windows):
        return ok("TWS's process", "no window is acted on: no restart is validated")
    last = restarts.last_reached(ctx.journal)
    if last is None:
        return could_not_check("TWS's process", "no restart was validated yet: there is nothing to compare with")
    if window := current(ctx.windows, now):
        return ok("TWS's process", f"it may be another one: {window}")
    if window := just_over(ctx.windows, now):
        return ok("TWS's process", f"it may be another one: {window} is just over")
    try:
        found = sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port)
    except CannotLook as why:
        return could_not_check("TWS's process", str(why))
    if found is None:
        return could_not_check("TWS's process", f"nobody listens on the API port {ctx.settings.ibkr.place}")
    validated = f"validated {last.connected_at:%Y-%m-%d %H:%M %Z}"
    if found.same_as(Listener.parse(last.listener_after)):
        return ok("TWS's process", f"the one {validated}: {found}")
    return failed("TWS's process", f"restarted outside of every window: {found}, {validated} was {last.listener_after}")


def login_reminder(ctx: Context) -> Finding:
    """How long until a person must sign in; a message at each of `restart.weekly_login.remind_hours_before`."""
    settings, now = ctx.settings.restart.weekly_login, ctx.now()
    death = weekly_login.next_death(settings, now)
    left = seconds_between(now, death)
    words = f"the login ends {death:%A %Y-%m-%d %H:%M %Z}, in {in_words(left)}"
    reached = [hours for hours in settings.remind_hours_before if left <= hours * 3600]
    if reached:
        events.raise_alert(
            ctx.journal,
            severity="warning",
            title="TWS's weekly login is near",
            body=f"{words}. After its next restart TWS stays away until a person signs in with the second factor.",
            key=f"weekly login {death:%Y-%m-%d} {min(reached):g}",
            task=ctx.task,
            quiet=ONCE,
        )
    return ok("weekly login", words)
