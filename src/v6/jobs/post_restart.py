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
from datetime import timedelta
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
from v6.restart.manager import TROUBLE, TWSRestartManager, subject_of
from v6.restart.records.document import Flawed
from v6.restart.records.report import RestartReport, Verdict
from v6.restart.records.report_files import ReportFiles, encoded
from v6.restart.records.report_text import message
from v6.restart.records.state_file import TradingStateManager
from v6.restart.recovery.conclusion import Conclusion, conclude, report_of, write_row
from v6.restart.recovery.flow import Recovery, Surroundings
from v6.restart.windows import Occurrence, seconds_between
from v6.runner import notices
from v6.runner.context import Argument, Context
from v6.runner.told import ToldError

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
"""One message for one restart and one end, however often it is validated again."""
TOLD_AS = {
    Verdict.DEGRADED: notices.RESTART_DEGRADED,
    Verdict.WAITING: notices.RESTART_WAITING,
    Verdict.RESTORED: notices.RESTART_NEEDS_A_PERSON,
}
"""The reason of a run that has told how it ended."""


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
            if (ctx.args.if_needed or ctx.slot is None) and (said := data_flow.again(ctx, manager, files)) is not None:
                return said
            due = restart_due.if_needed if ctx.args.if_needed else restart_due.scheduled
            return _recover(ctx, manager, files, due(ctx, manager))
    except Busy as busy:
        raise SkipRun("running", str(busy)) from busy


def _recover(ctx: Context, manager: TWSRestartManager, files: ReportFiles, occurrence: Occurrence) -> str:
    row = restarts.begin(ctx.journal, occurrence.name, occurrence.start, occurrence.end)
    recovery = Recovery(_surroundings(ctx, manager), occurrence, row)
    found = asyncio.run(recovery.go())
    end = conclude(found, restart_due.waiting_since(ctx)).allowed_for(restart_due.no_service(ctx))
    report = report_of(_begun(ctx, files, occurrence, row), found, end, ctx.journal)
    path = files.save(report)
    failpoint.reach("post_restart:reported")
    write_row(ctx.journal, found, end, str(path.relative_to(ctx.paths.home)))
    failpoint.reach("post_restart:noted")
    _tell(ctx, row, report)
    failpoint.reach("post_restart:told")
    if end.exit_code == 0:
        _run_hooks(ctx, files, report)
    failpoint.reach("post_restart:hooked")
    recovery.conclude(end.event, end.cause)
    failpoint.reach("post_restart:concluded")
    ctx.log.info("{}", guarded("restart patterns", lambda: restart_history.patterns(ctx)))
    return _ended(ctx, end, path)


def _ended(ctx: Context, end: Conclusion, path: Path) -> str:
    words = f"{end.verdict}: {end.cause} ({path.name})"
    if end.exit_code == 0:
        return words
    if end.expected:
        raise SkipRun("server_reset", words)
    if _comes_again(ctx, end.exit_code):
        raise RecoverableError(words)
    raise ToldError(TOLD_AS[end.verdict], words, recoverable=end.exit_code == 1)


def _comes_again(ctx: Context, exit_code: int) -> bool:
    """Whether another attempt follows, which will have the last word."""
    return exit_code == 1 and not ctx.last_attempt


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


def _begun(ctx: Context, files: ReportFiles, occurrence: Occurrence, row: restarts.Restart) -> RestartReport:
    """What pre_restart has written, or an earlier attempt; a spoilt report is begun anew, and says so."""
    fresh = RestartReport.begin(occurrence, row.id, Verdict.DEGRADED)
    try:
        return files.of_restart(occurrence.name, occurrence.start, row.id) or fresh
    except Flawed as flawed:
        ctx.log.warning("{}", flawed)
        return fresh.warned(f"what pre_restart reported cannot be read: {flawed}")


def _tell(ctx: Context, row: restarts.Restart, report: RestartReport) -> None:
    """The one message of this restart's end, from the last attempt; a further one only when it ends differently."""
    said = message(report)
    ctx.log.info("{}\n{}", said.title, said.body)
    if not report.expected and _comes_again(ctx, report.exit_code or 0):
        return
    events.raise_alert(
        ctx.journal,
        severity="failure" if report.exit_code == 2 else said.severity,
        title=said.title,
        body=said.body,
        key=_key(ctx, row, report),
        task=ctx.task,
        quiet=TOLD_FOR,
    )


def _key(ctx: Context, row: restarts.Restart, report: RestartReport) -> str:
    """One message for one preparation and end. What was tried by hand before the window began is not its end (A8)."""
    trial = " tried before" if seconds_between(ctx.now(), row.window_start) > 0 else ""
    prepared = f"{row.prepared_at:%Y-%m-%dT%H:%M:%S%z}" if row.prepared_at else "unprepared"
    kind = "well" if report.verdict is Verdict.RESTORED else TROUBLE
    subject = subject_of(row.window, row.window_start)
    expected = " expected" if report.expected else ""
    return f"{subject} {kind} {report.verdict} {report.exit_code} {prepared}{trial}{expected}"


def _run_hooks(ctx: Context, files: ReportFiles, report: RestartReport) -> None:
    """The user's own commands, which may go on trading now: never while a person must look."""
    hooks = ctx.settings.restart.hooks
    if not hooks.restart_complete:
        return
    seconds = min(hooks.timeout_seconds, max(ctx.remaining() - 5.0, 1.0))
    runs = asyncio.run(run_hooks(hooks.restart_complete, encoded(report).decode(), seconds, ctx.log))
    if trouble := [str(run) for run in runs if run.trouble]:
        files.save(report.warned(*(f"hook {words}" for words in trouble)))
