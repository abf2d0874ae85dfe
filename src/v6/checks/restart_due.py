"""Which restart post_restart must validate, if any. Reads the journal and the kernel's table, never asks TWS (L27)."""

from datetime import datetime

from v6.gateway import sockets
from v6.gateway.sockets import CannotLook, Listener
from v6.journal import restarts, runs
from v6.model import SkipRun
from v6.restart import server_resets
from v6.restart.manager import TWSRestartManager, Where
from v6.restart.records.report import Verdict
from v6.restart.states import Event, State
from v6.restart.weekly_login import waits_for_a_person
from v6.restart.windows import (
    JUST_OVER,
    UNEXPECTED,
    Occurrence,
    current_acting,
    just_over,
    last_acting,
    seconds_between,
)
from v6.runner.context import Context

BY_HAND = "by_hand"
SERVER_RESET, LIVE_PROOF = "server_reset", "live_proof"
PROOFS = frozenset({SERVER_RESET, LIVE_PROOF})
"""In a window's place where a proof that data flow has failed: no restart, it is proven again and not recovered."""


def scheduled(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """The last restart that had ended at the slot. By hand, the one under way, also before its window has ended:
    who has restarted TWS does not wait for it; else one that is not restored yet, else a validation of now."""
    where = manager.current()
    over = where.state is State.NORMAL or proof_failed(where)
    if ctx.slot is None and not over and where.window and where.start is not None:
        return Occurrence(where.window, where.start, where.end or where.start, acts=True)
    moment = ctx.slot or ctx.now()
    if ctx.slot is not None and (under_way := current_acting(ctx.windows, moment)):
        raise SkipRun("restart_window", f"{under_way} is one restart with the window that has just ended")
    found = last_acting(ctx.windows, moment)
    row = _row(ctx, found) if found is not None else None
    if found is not None and ctx.slot is None and row is None and not _was_here(ctx, found):
        found = None
    if found is not None and not (over and _is_restored(row)):
        return found
    if found is not None and ctx.slot is not None:
        raise SkipRun("done", f"{found} is restored already")
    return Occurrence(BY_HAND, ctx.now(), ctx.now(), acts=True)


def _was_here(ctx: Context, found: Occurrence) -> bool:
    """Whether V6 had run before this window ended: a first trial by hand is not that window's restart, hours late."""
    first = runs.first_started(ctx.journal)
    return first is not None and seconds_between(first, found.end) > 0


def if_needed(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """The restart that should be over and is not, or one that came outside of every window; else SkipRun."""
    where = manager.current()
    over = where.state is State.NORMAL or proof_failed(where)
    return _unexpected(ctx, manager) if over else _unfinished(ctx, where)


def proof_failed(where: Where) -> bool:
    """The restart itself is over: DEGRADED by IBKR's reset, or by the live proof at the open."""
    return where.state is State.DEGRADED and where.window in PROOFS


def waiting_since(ctx: Context) -> datetime | None:
    """When the login token died, if nothing shows that somebody has signed in since."""
    return waits_for_a_person(ctx.settings.restart.weekly_login, ctx.now(), restarts.latest(ctx.journal, 100))


def no_service(ctx: Context) -> str:
    """Why TWS cannot work now, and until when; empty while IBKR promises service."""
    until = server_resets.no_service_until(ctx.settings.restart.server_region, ctx.now())
    return f"expected until {until:%H:%M %Z}, IBKR promises no service before" if until else ""


def another_tws(ctx: Context, last: restarts.Restart) -> str:
    """Who listened when TWS was reached last and who does now, in words; empty: the same. Raises CannotLook."""
    found, before = listener_of(ctx), Listener.parse(last.listener_after)
    if found is not None and found.same_as(before):
        return ""
    return f"{before} listened on the API port, now {found or 'nobody'}"


def listener_of(ctx: Context) -> Listener | None:
    """Who listens on TWS's API port. Raises CannotLook."""
    return sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port)


def _unfinished(ctx: Context, where: Where) -> Occurrence:
    now = ctx.now()
    start = where.start or where.since or now
    found = Occurrence(where.window or UNEXPECTED, start, where.end or start, acts=True)
    if where.state is not State.DEGRADED and seconds_between(found.end, now) < JUST_OVER.total_seconds():
        raise SkipRun("not_yet", f"{where.words()}; post_restart has until {found.end + JUST_OVER:%H:%M}")
    row = _row(ctx, found)
    outcome = row.outcome if row is not None else None
    if outcome is not None and _only_looks(ctx, outcome) and _nobody_listens(ctx):
        raise SkipRun("tws_away", f"{where.words()}; nobody listens on the API port {ctx.settings.ibkr.place}")
    return found


def _unexpected(ctx: Context, manager: TWSRestartManager) -> Occurrence:
    """TWS went or restarted by itself since it was validated last."""
    if not any(window.acts for window in ctx.windows):
        raise SkipRun("nothing_due", "no window is acted on: no restart is validated")
    last = restarts.last_reached(ctx.journal)
    if last is None:
        raise SkipRun("nothing_due", "no restart was validated yet: there is no TWS to compare with")
    now = ctx.now()
    if window := just_over(ctx.windows, now):
        raise SkipRun("not_yet", f"{window} is just over, post_restart sees to it")
    try:
        words = another_tws(ctx, last)
    except CannotLook as why:
        raise SkipRun("could_not_check", f"whether TWS restarted cannot be told: {why}") from why
    if not words:
        raise SkipRun("nothing_due", f"TWS is the one that was validated {last.connected_at:%Y-%m-%d %H:%M %Z}")
    restarts.outage(ctx.journal, "closed" if words.endswith("nobody") else "listener_changed", words, ctx.task)
    occurrence = Occurrence(UNEXPECTED, now, now, acts=True)
    manager.step(Event.TWS_GONE, f"TWS went outside of every window: {words}", occurrence)
    return occurrence


def _is_restored(row: restarts.Restart | None) -> bool:
    return row is not None and row.outcome == "restored" and restarts.is_validated(row)


def _row(ctx: Context, found: Occurrence) -> restarts.Restart | None:
    recent = restarts.latest(ctx.journal, 100)
    mine = (
        row for row in recent if (row.window, row.window_start.timestamp()) == (found.name, found.start.timestamp())
    )
    return next(mine, None)


def _only_looks(ctx: Context, outcome: str) -> bool:
    """While nobody listens nothing more can be done: V6 starts no TWS, or a person must sign in. A token that has died
    since the restart was called DEGRADED is news, and told once."""
    if outcome == Verdict.WAITING:
        return True
    return not ctx.settings.tws.start_command and waiting_since(ctx) is None


def _nobody_listens(ctx: Context) -> bool:
    """False when it cannot be told: then TWS itself must be asked."""
    try:
        return listener_of(ctx) is None
    except CannotLook:
        return False
