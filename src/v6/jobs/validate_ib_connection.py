"""Prove before the open that TWS answers, has data and agrees on the calendar.

Usage: scripts/validate_ib_connection.py
Needs: TWS. Each must be proven: a round trip within `ibkr.probe_seconds`, the account, no data farm down, a quote of
`health.check_symbol` (live while the market is open; before it, frozen data or a closing price are accepted, and the
summary says so). The first that is not ends the run with the verdict of `v6 gateway diagnose`, its evidence and cure.
Then the clock skew, and the compiled calendar against the hours that TWS itself lists for the coming days.
Writes nothing. A repeat is safe.
Exit codes: 0 all is proven (the hours may be unknown, which is said); 1 a check failed that may pass at another try
(retried); 2 a person must look: the connection or the data need one, or the calendars disagree
(config/calendar_overrides.yaml).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from v6.analysis.findings import Finding, State, of_state, words
from v6.checks import tws
from v6.checks.guarded import guarded
from v6.checks.proof import GONE, NotProven, require, verdicts
from v6.gateway.verdicts import Verdict
from v6.model import FatalError, RecoverableError
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway


def validate_ib_connection(ctx: Context) -> str:
    findings = []
    with verdicts(ctx), ctx.gateway("checks") as gateway:
        for finding in _findings(ctx, gateway):
            ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
            findings.append(finding)
    failures = of_state(findings, State.FAILED)
    if any(finding.check == "calendar" for finding in failures):
        raise FatalError(words(findings))
    if failures:
        raise RecoverableError(words(findings))
    return words(findings)


def _findings(ctx: Context, gateway: "Gateway") -> Iterator[Finding]:
    yield require(tws.round_trip(gateway), Verdict.MUTE_AFTER_HANDSHAKE)
    tws.require_ibkr(gateway)
    yield require(tws.account(gateway), Verdict.NO_ACCOUNT)
    yield _farms(gateway)
    yield tws.live_data(ctx, gateway)
    yield tws.clock_skew(ctx, gateway)
    yield guarded("calendar", lambda: tws.calendar(ctx, gateway), but=GONE)


def _farms(gateway: "Gateway") -> Finding:
    """One that is still connecting, or not heard of, is for the market data to prove."""
    found = tws.farms(gateway)
    if found.state is State.FAILED:
        raise NotProven.of(Verdict.FARMS_DOWN, found.evidence)
    return found
