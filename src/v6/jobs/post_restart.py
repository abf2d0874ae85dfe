"""Prove that TWS works again, restore, and report what has changed.

Usage: scripts/post_restart.py [--if-needed | --light | --live]
Needs: TWS, or nothing but patience: while its port is closed on this host only the kernel's table is read. Reaches TWS
as restart.client_id, proves connection, data farms, account, order ids, historical data and every subscription of the
saved state, runs the saved scanners, compares orders and positions, writes the report (var/state/restarts) and tells
the operators once. Never places, changes or cancels an order. A repeat is safe.
--if-needed: only for a restart that should be over and is not, or for one that came outside of every window.
--light: after IBKR's own reset, a sample of the data; restores nothing.
--live: after the open, the live proof of what was proven by its close; amends the last report.
Exit codes: 0 validated, what differs is reported, or nothing was due; 1 not validated (retried); 2 a person must look:
orders are gone without a trace, the saved state cannot be believed, TWS waits for a login.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from v6 import failpoint
from v6.checks import data_flow, restart_due, restart_history
from v6.checks.guarded import guarded
from v6.collection.subscriptions import subscriptions
from v6.gateway.process import TwsProcess
from v6.journal import events, restarts
from v6.model import Contract, FatalError, RecoverableError, SkipRun, V6Error
from v6.restart import registered
from v6.restart.alone import Busy, alone
from v6.restart.hooks import run_hooks
from v6.restart.manager import TWSRestartManager
from v6.restart.records.document import Flawed
from v6.restart.records.report import RestartReport, Verdict
from v6.restart.records.report_files import ReportFiles, encoded
from v6.restart.records.report_text import message
from v6.restart.records.state_file import TradingStateManager
from v6.restart.recovery.conclusion import Conclusion, conclude, report_of, write_row
from v6.restart.recovery.flow import Recovery, Surroundings
from v6.restart.weekly_login import waits_for_a_person
from v6.restart.windows import Occurrence
from v6.runner.context import Argument, Context

ARGUMENTS = (
    Argument("--if-needed", action="store_true", help="only when a restart is not over, or came unexpectedly"),
    Argument("--light", action="store_true", help="prove that data flow, restore nothing"),
    Argument("--live", action="store_true", help="prove what was restored while the market was closed"),
)
STEPS = (
    "begun",
    "port_open",
    "connected",
    "stable",
    "validated",
    "reported",
    "noted",
    "told",
    "hooked",
    "concluded",
)
"""Where a kill is tested: failpoints `post_restart:<step>`, in this order."""
TOLD_FOR = timedelta(days=30)
"""One message for one restart and one verdict, however often it is validated again."""


def post_restart(ctx: Context) -> str:
    asked = [name for name in ("if_needed", "light", "live") if getattr(ctx.args, name)]
    if len(asked) > 1:
        raise FatalError(f"{', '.join(asked)}: one of them at a time")
    manager = TWSRestartManager(ctx.journal, ctx.windows, timedelta(minutes=ctx.settings.restart.overdue_minutes))
    files = ReportFiles(ctx.paths.state / "restarts", ctx.settings.restart.keep_reports)
    try:
        with alone(ctx.paths.locks, task=ctx.task):
            if ctx.args.light:
                return data_flow.after_server_reset(ctx, manager)
            if ctx.args.live:
                return data_flow.live_proof(ctx, manager, files)
            due = restart_due.if_needed if ctx.args.if_needed else restart_due.scheduled
            return _recover(ctx, manager, files, due(ctx, manager))
    except Busy as busy:
        raise SkipRun("running", str(busy)) from busy


def _recover(ctx: Context, manager: TWSRestartManager, files: ReportFiles, occurrence: Occurrence) -> str:
    row = restarts.begin(ctx.journal, occurrence.name, occurrence.start, occurrence.end)
    recovery = Recovery(_surroundings(ctx, manager), occurrence, row)
    found = asyncio.run(recovery.go())
    end = conclude(found, _waiting_since(ctx))
    report = report_of(_begun(ctx, files, occurrence, row), found, end, ctx.journal)
    path = files.save(report)
    failpoint.reach("post_restart:reported")
    write_row(ctx.journal, found, end, str(path.relative_to(ctx.paths.home)))
    failpoint.reach("post_restart:noted")
    _tell(ctx, row, report)
    failpoint.reach("post_restart:told")
    if end.verdict is Verdict.RESTORED:
        _run_hooks(ctx, files, report)
    failpoint.reach("post_restart:hooked")
    recovery.conclude(end.event, end.cause)
    failpoint.reach("post_restart:concluded")
    ctx.log.info("{}", guarded("restart patterns", lambda: restart_history.patterns(ctx)))
    return _ended(end, path)


def _ended(end: Conclusion, path: Path) -> str:
    words = f"{end.verdict}: {end.cause} ({path.name})"
    if end.exit_code == 1:
        raise RecoverableError(words)
    if end.exit_code == 2:
        raise FatalError(words)
    return words


def _surroundings(ctx: Context, manager: TWSRestartManager) -> Surroundings:
    settings = ctx.settings
    return Surroundings(
        settings=settings,
        db=ctx.journal,
        manager=manager,
        states=TradingStateManager(
            ctx.paths.state, settings.restart.keep_states, timedelta(seconds=settings.restart.state_max_age_seconds)
        ),
        process=TwsProcess(settings.tws, settings.ibkr, ctx.journal, ctx.log),
        look=lambda: restart_due.listener_of(ctx),
        door=lambda client_id: ctx.gateway("options", client_id),
        market_open=lambda: ctx.calendar.get_market_phase(ctx.now()) == "market_open",
        subscriptions=lambda: _subscriptions(ctx),
        log=ctx.log,
        deadline=ctx.deadline,
    )


def _subscriptions(ctx: Context) -> list[Contract]:
    """What is collected and registered, for when no state was saved; without a readable lake only the latter."""
    known = list(registered.subscriptions(ctx.journal)[0])
    try:
        known += subscriptions(ctx, ctx.now().date())
    except (V6Error, OSError) as error:
        ctx.log.warning("what is collected cannot be read from the lake: {}", error)
    return known


def _waiting_since(ctx: Context) -> datetime | None:
    """When the login token died, if TWS has not been reached since."""
    seen = [row.connected_at for row in restarts.latest(ctx.journal, 100) if row.connected_at is not None]
    last = max(seen, key=lambda moment: moment.timestamp(), default=None)
    return waits_for_a_person(ctx.settings.restart.weekly_login, ctx.now(), last)


def _begun(ctx: Context, files: ReportFiles, occurrence: Occurrence, row: restarts.Restart) -> RestartReport:
    """What pre_restart has written, or an earlier attempt; a spoilt report is begun anew, and says so."""
    fresh = RestartReport.begin(occurrence, row.id, Verdict.DEGRADED)
    try:
        return files.find(occurrence.name, occurrence.start) or fresh
    except Flawed as flawed:
        ctx.log.warning("{}", flawed)
        return fresh.warned(f"what pre_restart reported cannot be read: {flawed}")


def _tell(ctx: Context, row: restarts.Restart, report: RestartReport) -> None:
    """The one message of this restart's end; a further one only when the verdict has changed."""
    said = message(report)
    ctx.log.info("{}\n{}", said.title, said.body)
    events.raise_alert(
        ctx.journal,
        severity="failure" if report.exit_code == 2 else said.severity,
        title=said.title,
        body=said.body,
        key=f"restart {row.id} {report.verdict}",
        task=ctx.task,
        quiet=TOLD_FOR,
    )


def _run_hooks(ctx: Context, files: ReportFiles, report: RestartReport) -> None:
    """The user's own commands, which may go on trading now: only after a validation, and their trouble is reported."""
    hooks = ctx.settings.restart.hooks
    if not hooks.restart_complete:
        return
    seconds = min(hooks.timeout_seconds, max(ctx.remaining() - 5.0, 1.0))
    runs = asyncio.run(run_hooks(hooks.restart_complete, encoded(report).decode(), seconds, ctx.log))
    if trouble := [str(run) for run in runs if run.trouble]:
        files.save(report.warned(*(f"hook {words}" for words in trouble)))
