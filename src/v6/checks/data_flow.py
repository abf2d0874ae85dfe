"""Proofs that data flow, beside the full validation of a restart: after IBKR's own nightly reset, and after the open
for what could only be proven by its close."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding, State, failed, of_state, words
from v6.checks.restart_due import listener_of
from v6.journal import events, restarts
from v6.model import Contract, RecoverableError, SkipRun
from v6.restart import registered
from v6.restart.manager import TWSRestartManager
from v6.restart.records.document import Flawed
from v6.restart.records.report import LiveProof, RestartReport, Verdict
from v6.restart.records.report_files import ReportFiles
from v6.restart.recovery.proofs import Proven, of_kind, short_of
from v6.restart.recovery.reconnect import NotReached, Patience, Reconnect
from v6.restart.recovery.validator import Demands, PostRestartValidator, Validation
from v6.restart.states import Event
from v6.restart.states import State as Restart
from v6.restart.windows import Occurrence
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

SERVER_RESET = "server_reset"
SAMPLE = 20
RESERVE_SECONDS = 10.0


def after_server_reset(ctx: Context, manager: TWSRestartManager) -> str:
    """Round trips, farms, the check symbol and a sample of what is subscribed; DEGRADED when that fails."""
    where = manager.current()
    ours = where.state is Restart.DEGRADED and where.window == SERVER_RESET
    if where.state is not Restart.NORMAL and not ours:
        raise SkipRun("restart_not_over", where.words())
    findings = asyncio.run(_light(ctx, _sample(ctx)))
    _log(ctx, findings)
    if of_state(findings, State.FAILED):
        now = ctx.now()
        restarts.outage(ctx.journal, "no_data", words(findings), ctx.task)
        manager.step(
            Event.FAILED, f"after IBKR's reset: {words(findings)}", Occurrence(SERVER_RESET, now, now, acts=True)
        )
        raise RecoverableError(words(findings))
    if ours:
        manager.step(Event.VALIDATED, f"after IBKR's reset: {words(findings)}")
    return words(findings)


async def _light(ctx: Context, sample: Sequence[Contract]) -> list[Finding]:
    try:
        gateway = await _way(ctx).connect()
    except NotReached as why:
        return [failed("gateway", why.cause)]
    try:
        validator = PostRestartValidator(gateway, _demands(ctx), ctx.log)
        steady = await validator.stable()
        if steady.state is State.FAILED:
            return [steady]
        return [steady, await validator.farms(), await validator.market_data(sample)]
    finally:
        await gateway.close_async()


def live_proof(ctx: Context, manager: TWSRestartManager, files: ReportFiles) -> str:
    """The live proof of the last restart's subscriptions, written into its report."""
    row = next((row for row in restarts.latest(ctx.journal) if row.outcome is not None), None)
    report = _report(files, row) if row is not None else None
    owed = owed_by(report) if report is not None else ()
    if report is None or row is None or not owed:
        raise SkipRun("nothing_owed", "the last restart left nothing that must still be proven by ticks")
    if ctx.calendar.get_market_phase(ctx.now()) != "market_open":
        raise SkipRun("phase", "the live proof needs an open market")
    validation = asyncio.run(_live(ctx, owed))
    amended = amend(report, validation, clock.now())
    files.save(amended)
    said = _said(amended)
    ctx.log.info("{}", said)
    short = short_of(validation.proofs, ctx.settings.health.min_complete_percent)
    if short or not validation.proofs:
        why = "; ".join(short) or words(validation.findings)
        manager.step(
            Event.FAILED, f"live proof: {why}", Occurrence(row.window, row.window_start, row.window_end, acts=True)
        )
        raise RecoverableError(f"{why}; {said}")
    if manager.current().state is Restart.DEGRADED and manager.current().cause.startswith("live proof"):
        manager.step(Event.VALIDATED, f"live proof: {said}")
    if amended.live is not None and amended.live.lacking:
        body = f"{said}\n{chr(10).join(amended.live.lacking[:SAMPLE])}"
        key = f"restart live {row.id}"
        events.raise_alert(
            ctx.journal,
            severity="warning",
            title="no live data of some subscriptions",
            body=body,
            key=key,
            task=ctx.task,
        )
    return said


def owed_by(report: RestartReport) -> tuple[Contract, ...]:
    """What was proven by its close only; after a live proof what it left unproven."""
    if report.live is None or report.verdict is not Verdict.RESTORED:
        return ()
    closed = tuple(proof.contract for proof in of_kind(report.proofs, Proven.CLOSED))
    if report.live.at is None:
        return closed
    return closed if report.live.lacking else ()


def amend(report: RestartReport, validation: Validation, at: datetime) -> RestartReport:
    lacking = of_kind(validation.proofs, Proven.NOT)
    proven = len(of_kind(validation.proofs, Proven.LIVE))
    owed = report.live.owed if report.live is not None else len(validation.proofs)
    named = tuple(f"{proof.contract}: {proof.words}" for proof in lacking)
    return replace(report, live=LiveProof(owed, at, proven, named))


async def _live(ctx: Context, owed: Sequence[Contract]) -> Validation:
    try:
        gateway = await _way(ctx).connect()
    except NotReached as why:
        return Validation((failed("gateway", why.cause),))
    try:
        validator = PostRestartValidator(gateway, _demands(ctx), ctx.log)
        finding = await validator.market_data(owed)
        wanted = set(owed)
        return Validation((finding,), tuple(proof for each, proof in validator.proofs.items() if each in wanted))
    finally:
        await gateway.close_async()


def _report(files: ReportFiles, row: restarts.Restart) -> RestartReport | None:
    try:
        return files.find(row.window, row.window_start)
    except Flawed as flawed:
        raise RecoverableError(f"the report of the last restart cannot be read: {flawed}") from flawed


def _way(ctx: Context) -> Reconnect:
    restart, tws = ctx.settings.restart, ctx.settings.tws
    total = max(ctx.remaining() / 2, RESERVE_SECONDS)
    patience = Patience(
        port=min(tws.startup_seconds, total),
        total=total,
        first=restart.reconnect_first_seconds,
        cap=restart.reconnect_cap_seconds,
        hung=tws.hung_after_seconds,
    )

    def door() -> "Gateway":
        return ctx.gateway("checks")

    return Reconnect(lambda: listener_of(ctx), door, patience, ctx.log)


def _demands(ctx: Context) -> Demands:
    health = ctx.settings.health
    return Demands(
        check_symbol=health.check_symbol,
        round_trips=ctx.settings.restart.stable_round_trips,
        percent=health.min_complete_percent,
        market_open=ctx.calendar.get_market_phase(ctx.now()) == "market_open",
        seconds=max(ctx.remaining() - RESERVE_SECONDS, RESERVE_SECONDS),
    )


def _sample(ctx: Context) -> list[Contract]:
    """Every so-manieth of the subscriptions that the last restart proved, and the registered ones."""
    files = ReportFiles(ctx.paths.state / "restarts", ctx.settings.restart.keep_reports)
    row = next((row for row in restarts.latest(ctx.journal) if row.outcome == "restored"), None)
    report = _report(files, row) if row is not None else None
    proven = [proof.contract for proof in report.proofs if proof.proven is not Proven.NOT] if report else []
    everything = list(dict.fromkeys((*proven, *registered.subscriptions(ctx.journal)[0])))
    return everything[:: max(1, -(-len(everything) // SAMPLE))]


def _said(report: RestartReport) -> str:
    live = report.live or LiveProof(0)
    return f"{live.proven} of {live.owed} subscriptions tick live"


def _log(ctx: Context, findings: Sequence[Finding]) -> None:
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
