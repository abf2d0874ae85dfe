"""Save the trading state and end cleanly before TWS restarts.

Usage: scripts/pre_restart.py [--dry-run] [--window NAME]
Needs: TWS. Within restart.prepare_seconds and in this order: warns the operators, ends V6's other runs (not those of
restart.essential_tasks), reads and saves the trading state (var/state/trading_state.json), cancels open orders by
restart.cancel, closes the positions that restart.close_positions names, asks TWS what is left, disconnects, runs
restart.hooks.pre_restart with the report on standard input, writes the report (var/state/restarts).
--window NAME: prepares for the next occurrence of that window, up to a day ahead; without it the next one that acts.
--dry-run: reads, and says what would be cancelled; nobody is warned, nothing is ended, saved, cancelled or reported.
What the time does not suffice for is cut off (the connection is reset) and reported. A TWS that has gone before its
window is awaited within that time. A repeat is safe, also after a kill: no order is cancelled twice, no position is
closed twice, and what was saved first stays the state from before the restart.
Exit codes: 0 saved and done, or TWS waits for a login, or IBKR's weekend reset is on (what is not done is told); 1 not
everything, or TWS is away already (retried); 2 no restart is near, or the policy is refused: restart.cancel is all on a
real account without restart.allow_global_cancel; nothing was touched then.
"""

import asyncio
from datetime import datetime, timedelta

from v6 import clock, failpoint
from v6.checks import restart_due
from v6.collection.subscriptions import subscriptions
from v6.gateway import sockets
from v6.journal import events, restarts
from v6.model import FatalError, Position, RecoverableError, SkipRun, V6Error
from v6.restart import windows
from v6.restart.alone import Busy
from v6.restart.manager import TWSRestartManager
from v6.restart.preparation import closing
from v6.restart.preparation.cancel_policy import decide, protective, require_allowed
from v6.restart.preparation.flow import PHASE, STEPS, Preparation, Surroundings
from v6.restart.preparation.reaching import LOOK_EVERY_SECONDS
from v6.restart.records.report import Verdict
from v6.restart.records.report_files import ReportFiles
from v6.restart.records.state_file import TradingStateManager
from v6.restart.windows import Occurrence
from v6.runner import notices
from v6.runner.context import Argument, Context
from v6.runner.told import ToldError
from v6.scheduler import compiled

__all__ = ["STEPS", "pre_restart"]

ARGUMENTS = (Argument("--window", metavar="NAME", help="prepare for the next occurrence of this window"),)
WRITES = True
NEAR = timedelta(hours=1)
"""By hand: a state that is saved much earlier is not the one before the restart."""
NAMED_NEAR = timedelta(days=1)
TOLD_FOR = timedelta(days=6)
SHARE_FOR_A_LOOK = 0.25
"""Of the time, for a port that may open again before TWS is said to wait for a login."""


def pre_restart(ctx: Context) -> str:
    occurrence = chosen(ctx)
    if ctx.dry_run:
        return asyncio.run(_look(ctx, occurrence))
    if (since := _waits_for_a_person(ctx)) is not None:
        _tell_once_of_the_login(ctx, since)
        raise SkipRun("waiting_for_login", f"TWS waits for a person to sign in since {since:%A %H:%M %Z}")
    preparation = Preparation(_surroundings(ctx), occurrence, _limit(ctx), _reach)
    try:
        asyncio.run(preparation.run())
    except Busy as busy:
        if ctx.task in busy.holder.split():
            raise SkipRun("running", str(busy)) from busy
        raise RecoverableError(str(busy)) from busy
    if preparation.undone:
        raise _failure(ctx, occurrence, preparation)
    return f"{occurrence}: {preparation.summary()}"


def _failure(ctx: Context, occurrence: Occurrence, preparation: Preparation) -> V6Error:
    words = f"{occurrence}: not everything: {'; '.join(preparation.undone)}"
    if (expected := restart_due.no_service(ctx)) and ctx.last_attempt:
        _alert(
            ctx,
            "not everything was saved while IBKR is away",
            f"{expected}\n{words}",
            f"pre_restart {occurrence.key}",
            "warning",
        )
        raise SkipRun("server_reset", f"{expected}: {words}")
    if not preparation.away or ctx.slot is None or not ctx.last_attempt:
        return RecoverableError(words)
    _alert(
        ctx,
        "TWS has gone before its restart: nothing could be saved",
        f"{words}\nThe last good state is as it was; post_restart tells how the restart ends.",
        f"pre_restart away {occurrence.key}",
    )
    return ToldError(notices.TWS_AWAY_EARLY, words, recoverable=True)


def _waits_for_a_person(ctx: Context) -> datetime | None:
    """Since when nobody listens because the login token has died: there is nothing to save, and nothing to retry.

    A port that is closed for a moment only is that of a TWS that restarts."""
    since = restart_due.waiting_since(ctx)
    until = clock.monotonic() + _limit(ctx).total_seconds() * SHARE_FOR_A_LOOK
    while since is not None and clock.monotonic() < until:
        try:
            if sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port) is not None:
                return None
        except sockets.CannotLook:
            return None
        ctx.sleep(LOOK_EVERY_SECONDS)
    return since


def _tell_once_of_the_login(ctx: Context, since: datetime) -> None:
    """Unless the restart before has told it already."""
    if any(row.outcome == Verdict.WAITING for row in restarts.latest(ctx.journal, 1)):
        return
    body = (
        "Its login token has died and nobody listens on its API port: nothing can be saved before the next restart. "
        "Sign in (second factor); V6 goes on by itself when the port is open."
    )
    _alert(ctx, "TWS waits for a person to sign in", body, f"waiting for a login {since:%Y-%m-%d}")


def _alert(ctx: Context, title: str, body: str, key: str, severity: str = "failure") -> None:
    events.raise_alert(ctx.journal, severity=severity, title=title, body=body, key=key, task=ctx.task, quiet=TOLD_FOR)


def chosen(ctx: Context) -> Occurrence:
    """The restart to prepare for. Raises FatalError when none is near."""
    name, at = ctx.args.window, ctx.slot or ctx.now()
    under_way = windows.current_acting(ctx.windows, at)
    if ctx.slot is not None and under_way is not None:
        raise SkipRun("restart_window", f"{under_way} is under way and includes the one of this slot")
    if name is None:
        return _near(under_way or windows.next_acting(ctx.windows, at), at, NEAR)
    of_name = [window for window in ctx.windows if window.name == name and window.acts]
    if not of_name:
        known = ", ".join(sorted(window.name for window in ctx.windows if window.acts)) or "none"
        raise FatalError(f"--window {name}: no window of that name acts, allowed: {known}")
    found = windows.current_acting(of_name, at) or windows.next_acting(of_name, at)
    return _near(found, at, NAMED_NEAR)


def _near(occurrence: Occurrence | None, at: datetime, most: timedelta) -> Occurrence:
    if occurrence is None:
        raise FatalError("no restart window acts: there is nothing to prepare for (scheduler.restart_windows)")
    seconds = windows.seconds_between(at, occurrence.start)
    if seconds > most.total_seconds():
        far, allowed = windows.in_words(seconds), windows.in_words(most.total_seconds())
        raise FatalError(f"no restart is near: the next one, {occurrence}, begins in {far}, allowed: up to {allowed}")
    return occurrence


def _limit(ctx: Context) -> timedelta:
    """All of it ends before the supervisor would end it."""
    return timedelta(seconds=min(ctx.settings.restart.prepare_seconds, max(ctx.remaining() - 5.0, 10.0)))


def _reach(step: str) -> None:
    failpoint.reach(f"{PHASE}:{step}")


def _surroundings(ctx: Context) -> Surroundings:
    settings, paths = ctx.settings.restart, ctx.paths
    tasks = compiled.load(paths.compiled / "schedule.txt").tasks.values()
    return Surroundings(
        db=ctx.journal,
        settings=settings,
        task=ctx.task,
        log=ctx.log,
        locks=paths.locks,
        leases=paths.leases,
        opener=lambda client_id: ctx.gateway("checks", client_id),
        look=lambda: sockets.listener(ctx.settings.ibkr.host, ctx.settings.ibkr.port),
        collectors=lambda: subscriptions(ctx, ctx.now().date()),
        needing_tws=[task.name for task in tasks if task.needs_gateway],
        states=TradingStateManager(
            paths.state, settings.keep_states, timedelta(seconds=settings.state_max_age_seconds)
        ),
        reports=ReportFiles(paths.state / "restarts", settings.keep_reports),
        manager=TWSRestartManager(ctx.journal, ctx.windows, timedelta(minutes=settings.overdue_minutes)),
        place=ctx.settings.ibkr.place,
    )


async def _look(ctx: Context, occurrence: Occurrence) -> str:
    """What a run would do, on a client id of the pool."""
    settings = ctx.settings.restart
    async with ctx.gateway("checks") as gateway:
        require_allowed(settings, gateway.accounts)
        orders, positions = await asyncio.gather(gateway.open_orders_async(), gateway.positions_async())
    decisions = decide(orders, settings)
    cancelled = [decision.order for decision in decisions if not decision.kept]
    lines = [f"would cancel {order}" for order in cancelled]
    lines += [f"would leave {decision.order}: {decision.kept}" for decision in decisions if decision.kept]
    lines += [f"protective stop on a future: {stop}" for stop in protective(cancelled, positions)]
    lines += [_would_close(position) for position in closing.named(positions, settings.close_positions)]
    unfit = closing.unknown(positions, settings.close_positions)
    lines += [f"restart.close_positions: {name} fits no position" for name in unfit]
    for line in lines:
        ctx.log.info("{}", line)
    counts = f"{len(orders)} open orders and {len(positions)} positions would be saved"
    return f"dry run, nothing done: {occurrence}: {counts}; {'; '.join(lines) or 'no order is open'}"


def _would_close(position: Position) -> str:
    action = "SELL" if position.quantity > 0 else "BUY"
    return f"would close {action} {abs(position.quantity):g} {position.contract} at market in {position.account}"
