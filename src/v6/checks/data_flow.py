"""Proofs that data flow, beside the full validation of a restart: after IBKR's own nightly reset, and after the open
for what could only be proven by its close."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.findings import Finding, State, failed, of_state, words
from v6.checks.proof_state import TITLES, not_proven, proven
from v6.checks.restart_due import LIVE_PROOF, SERVER_RESET, another_tws, listener_of, proof_failed
from v6.gateway.sockets import CannotLook
from v6.journal import events, restarts
from v6.model import Contract, RecoverableError, SkipRun
from v6.restart import registered
from v6.restart.manager import TWSRestartManager
from v6.restart.records.document import Flawed
from v6.restart.records.report import LiveProof, RestartReport, Verdict
from v6.restart.records.report_files import ReportFiles
from v6.restart.recovery.proofs import Proof, Proven, of_kind, short_of
from v6.restart.recovery.reconnect import NotReached, Patience, Reconnect
from v6.restart.recovery.validator import Demands, PostRestartValidator, Validation
from v6.restart.states import State as Restart
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

SAMPLE = 20
RESERVE_SECONDS = 10.0


def again(ctx: Context, manager: TWSRestartManager, files: ReportFiles) -> str | None:
    """A proof that has failed is tried again as itself. None: none has; TWS is another one by now, which is a restart;
    or a person wants more than the proof, or that cannot be had now."""
    where = manager.current()
    by_hand = not ctx.args.if_needed
    if not proof_failed(where) or (by_hand and (where.window != LIVE_PROOF or not _market_open(ctx))):
        return None
    last = restarts.last_reached(ctx.journal)
    with suppress(CannotLook):
        if last is not None and another_tws(ctx, last):
            return None
    return after_server_reset(ctx, manager) if where.window == SERVER_RESET else live_proof(ctx, manager, files)


def after_server_reset(ctx: Context, manager: TWSRestartManager) -> str:
    """Round trips, farms, the check symbol and a sample of what is subscribed; DEGRADED when that fails."""
    _require_over(manager, SERVER_RESET)
    findings = asyncio.run(_light(ctx, _sample(ctx)))
    _log(ctx, findings)
    if of_state(findings, State.FAILED):
        restarts.outage(ctx.journal, "no_data", words(findings), ctx.task)
        not_proven(ctx, manager, SERVER_RESET, words(findings))
    proven(ctx, manager, SERVER_RESET, words(findings))
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
    """The live proof of the last restart's subscriptions, written into its report. What has ticked once is not asked
    again, what has not stays named until it does."""
    _require_over(manager, LIVE_PROOF)
    row = next((row for row in restarts.latest(ctx.journal) if row.outcome is not None), None)
    report = _report(files, row) if row is not None else None
    owed = owed_by(report) if report is not None else ()
    if report is None or row is None or not owed:
        raise SkipRun("nothing_owed", "the last restart left nothing that must still be proven by ticks")
    if not _market_open(ctx):
        raise SkipRun("phase", "the live proof needs an open market")
    asked = still_lacking(report, owed)
    validation = asyncio.run(_live(ctx, asked))
    whose = f"of {row.window} {row.window_start:%m-%d %H:%M}"
    if not validation.proofs:  # nothing was asked: the report keeps what it had
        not_proven(ctx, manager, LIVE_PROOF, f"{whose}: {words(validation.findings)}")
    ticked = (Proof(one, Proven.LIVE, "ticked before") for one in owed if one not in asked)
    proofs = (*validation.proofs, *ticked)
    amended = amend(report, proofs, clock.now())
    files.save(amended)
    said = f"{len(of_kind(proofs, Proven.LIVE))} of {len(owed)} subscriptions tick live"
    ctx.log.info("{}", said)
    if short := short_of(proofs, ctx.settings.health.min_complete_percent):
        named = "; ".join(amended.live.lacking[:SAMPLE]) if amended.live else ""
        not_proven(ctx, manager, LIVE_PROOF, f"{whose}: {'; '.join(short)}; {said}; not: {named}")
    proven(ctx, manager, LIVE_PROOF, said)
    if amended.live is not None and amended.live.lacking:
        events.raise_alert(
            ctx.journal,
            severity="warning",
            title="no live data of some subscriptions",
            body="\n".join((said, *amended.live.lacking[:SAMPLE])),
            key=f"restart live {row.id}",
            task=ctx.task,
        )
    return said


def owed_by(report: RestartReport) -> tuple[Contract, ...]:
    """What was proven by its close only, as long as some of it has not ticked."""
    if report.live is None or report.verdict is not Verdict.RESTORED:
        return ()
    closed = tuple(proof.contract for proof in of_kind(report.proofs, Proven.CLOSED))
    return closed if report.live.at is None or report.live.lacking else ()


def still_lacking(report: RestartReport, owed: Sequence[Contract]) -> tuple[Contract, ...]:
    """Those that the proofs so far have not seen tick; before the first one all."""
    named = report.live.lacking if report.live is not None else ()
    found = tuple(one for one in owed if any(line.startswith(f"{one}: ") for line in named))
    return found or tuple(owed)


def amend(report: RestartReport, proofs: Sequence[Proof], at: datetime) -> RestartReport:
    named = tuple(f"{proof.contract}: {proof.words}" for proof in of_kind(proofs, Proven.NOT))
    owed = report.live.owed if report.live is not None else len(proofs)
    return replace(report, live=LiveProof(owed, at, len(of_kind(proofs, Proven.LIVE)), named))


def _require_over(manager: TWSRestartManager, name: str) -> None:
    """A proof never hides a restart that is not over. Raises SkipRun."""
    where = manager.current()
    if where.state is not Restart.NORMAL and not proof_failed(where):
        raise SkipRun("restart_not_over", f"{TITLES[name]}: {where.words()}")


def _market_open(ctx: Context) -> bool:
    return ctx.calendar.get_market_phase(ctx.now()) == "market_open"


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
        market_open=_market_open(ctx),
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


def _log(ctx: Context, findings: Sequence[Finding]) -> None:
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
