"""Checks of TWS's restart: one that is not over (L25), a TWS that restarted by itself, the weekly login that comes.

Of the journal and the kernel's table only: TWS is not asked (L27).
"""

from datetime import datetime, timedelta

from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.gateway import sockets
from v6.gateway.sockets import CannotLook, Listener
from v6.journal import events, restarts
from v6.restart import weekly_login
from v6.restart.manager import TWSRestartManager
from v6.restart.states import State
from v6.restart.windows import current, in_words, last_acting, seconds_between
from v6.runner.context import Context

AFTER_A_WINDOW = timedelta(minutes=10)
"""post_restart begins 5 minutes after a window and says itself who listens then."""
ONCE = timedelta(days=6)
"""A reminder of one login is one message; the next login is a week later."""


def restart_state(ctx: Context) -> Finding:
    """Where the restart stands. One that is overdue becomes DEGRADED, and a person is told."""
    settings = ctx.settings.restart
    manager = TWSRestartManager(ctx.journal, ctx.windows, timedelta(minutes=settings.overdue_minutes))
    if late := manager.find_overdue(ctx.now()):
        return failed("restart", f"overdue: {late}")
    where = manager.current()
    return failed("restart", where.words()) if where.state is State.DEGRADED else ok("restart", where.words())


def same_tws(ctx: Context) -> Finding:
    """The TWS that listens is the one that was validated last; recover_restart validates another one."""
    now = ctx.now()
    if not any(window.acts for window in ctx.windows):
        return ok("TWS's process", "no window is acted on: no restart is validated")
    last = max(
        (row for row in restarts.latest(ctx.journal) if row.listener_after and row.connected_at),
        key=lambda row: row.connected_at.timestamp(),
        default=None,
    )
    if last is None:
        return could_not_check("TWS's process", "no restart was validated yet: there is nothing to compare with")
    if window := current(ctx.windows, now) or _just_over(ctx, now):
        return ok("TWS's process", f"it may be another one: {window}")
    try:
        found = sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port)
    except CannotLook as why:
        return could_not_check("TWS's process", str(why))
    if found is None:
        return could_not_check("TWS's process", "nobody listens on the API port")
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


def _just_over(ctx: Context, now: datetime) -> object:
    window = last_acting(ctx.windows, now)
    over = window is not None and seconds_between(window.end, now) < AFTER_A_WINDOW.total_seconds()
    return f"{window} is just over" if over else None
