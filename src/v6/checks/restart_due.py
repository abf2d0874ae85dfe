"""Which restart post_restart must validate, if any. Reads the journal and the kernel's table, never asks TWS (L27)."""

from datetime import timedelta

from v6.gateway import sockets
from v6.gateway.sockets import CannotLook, Listener
from v6.journal import restarts
from v6.model import SkipRun
from v6.restart.manager import TWSRestartManager, Where
from v6.restart.states import Event, State
from v6.restart.windows import Occurrence, current_acting, last_acting, seconds_between
from v6.runner.context import Context

BY_HAND, UNEXPECTED = "by_hand", "unexpected"
PATIENCE = timedelta(minutes=10)
"""post_restart begins 5 minutes after a window; before that nothing is late."""


def scheduled(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """The last restart that had ended at the slot. By hand, the one under way, also before its window has ended:
    who has restarted TWS does not wait for it; else one that is not restored yet, else a validation of now."""
    where = manager.current()
    if ctx.slot is None and where.state is not State.NORMAL and where.window and where.start is not None:
        return Occurrence(where.window, where.start, where.end or where.start, acts=True)
    moment = ctx.slot or ctx.now()
    if ctx.slot is not None and (under_way := current_acting(ctx.windows, moment)):
        raise SkipRun("restart_window", f"{under_way} is one restart with the window that has just ended")
    found = last_acting(ctx.windows, moment)
    row = _row(ctx, found) if found is not None else None
    if found is not None and not (row and row.outcome == "restored" and manager.current().state is State.NORMAL):
        return found
    if found is not None and ctx.slot is not None:
        raise SkipRun("done", f"{found} is restored already")
    return Occurrence(BY_HAND, ctx.now(), ctx.now(), acts=True)


def if_needed(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """The restart that should be over and is not, or one that came outside of every window; else SkipRun."""
    where = manager.current()
    return _unexpected(ctx, manager) if where.state is State.NORMAL else _unfinished(ctx, where)


def listener_of(ctx: Context) -> Listener | None:
    """Who listens on TWS's API port. Raises CannotLook."""
    return sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port)


def _unfinished(ctx: Context, where: Where) -> Occurrence:
    now = ctx.now()
    start = where.start or where.since or now
    found = Occurrence(where.window or UNEXPECTED, start, where.end or start, acts=True)
    if where.state is not State.DEGRADED and seconds_between(found.end, now) < PATIENCE.total_seconds():
        raise SkipRun("not_yet", f"{where.words()}; post_restart has until {found.end + PATIENCE:%H:%M}")
    row = _row(ctx, found)
    told = row is not None and row.outcome is not None
    starts_tws = bool(ctx.settings.tws.start_command) and not (row and row.outcome == "waiting")
    if told and not starts_tws and _nobody_listens(ctx):
        raise SkipRun("tws_away", f"{where.words()}; nobody listens on the API port")
    return found


def _unexpected(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """TWS went or restarted by itself since it was validated last."""
    if not any(window.acts for window in ctx.windows):
        raise SkipRun("nothing_due", "no window is acted on: no restart is validated")
    last = max(
        (row for row in restarts.latest(ctx.journal) if row.listener_after and row.connected_at),
        key=lambda row: row.connected_at.timestamp(),
        default=None,
    )
    if last is None:
        raise SkipRun("nothing_due", "no restart was validated yet: there is no TWS to compare with")
    now = ctx.now()
    window = last_acting(ctx.windows, now)
    if window is not None and seconds_between(window.end, now) < PATIENCE.total_seconds():
        raise SkipRun("not_yet", f"{window} is just over, post_restart sees to it")
    try:
        found = listener_of(ctx)
    except CannotLook as why:
        raise SkipRun("could_not_check", f"whether TWS restarted cannot be told: {why}") from why
    before = Listener.parse(last.listener_after)
    if found is not None and found.same_as(before):
        raise SkipRun("nothing_due", f"TWS is the one that was validated {last.connected_at:%Y-%m-%d %H:%M %Z}")
    words = f"{before} listened on the API port, now {found or 'nobody'}"
    restarts.outage(ctx.journal, "closed" if found is None else "listener_changed", words, ctx.task)
    occurrence = Occurrence(UNEXPECTED, now, now, acts=True)
    manager.step(Event.TWS_GONE, f"TWS went outside of every window: {words}", occurrence)
    return occurrence


def _row(ctx: Context, found: Occurrence) -> restarts.Restart | None:
    recent = restarts.latest(ctx.journal, 100)
    mine = (
        row for row in recent if (row.window, row.window_start.timestamp()) == (found.name, found.start.timestamp())
    )
    return next(mine, None)


def _nobody_listens(ctx: Context) -> bool:
    """False when it cannot be told: then TWS itself must be asked."""
    try:
        return listener_of(ctx) is None
    except CannotLook:
        return False
