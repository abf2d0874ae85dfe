"""Prove before the open that TWS answers, has data and agrees on the calendar.

Usage: scripts/validate_ib_connection.py
Needs: TWS. Without a connection it ends with the verdict of `v6 gateway diagnose` and its cure. Over one it checks a
round trip, the account, the data farms, a quote of `health.check_symbol` (live while the market is open; before it,
frozen data or a closing price are accepted, and the summary says so), the clock skew, and the compiled calendar against
the hours that TWS itself lists for the coming days.
Writes nothing. A repeat is safe.
Exit codes: 0 every check passed, or could not be made for a reason that is named; 1 a check failed, or no connection
that may come back by itself (retried); 2 a person must look: the connection needs one, or the calendars disagree
(config/calendar_overrides.yaml).
"""

from typing import TYPE_CHECKING

from v6.analysis.findings import Finding, State, of_state, words
from v6.checks import tws
from v6.checks.guarded import guarded
from v6.gateway.diagnose import of_failure
from v6.gateway.errors import ConnectFailed
from v6.model import FatalError, RecoverableError
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

NEEDS_PERSON = 2


def validate_ib_connection(ctx: Context) -> str:
    try:
        with ctx.gateway("checks") as gateway:
            findings = _findings(ctx, gateway)
    except ConnectFailed as error:
        found = of_failure(ctx.settings.ibkr, ctx.paths.leases, error)
        for line in found.evidence:
            ctx.log.warning("{}", line)
        raise (FatalError if found.exit_code == NEEDS_PERSON else RecoverableError)(found.words) from error
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    failures = of_state(findings, State.FAILED)
    if any(finding.check == "calendar" for finding in failures):
        raise FatalError(words(findings))
    if failures or not of_state(findings, State.OK):
        raise RecoverableError(words(findings))
    return words(findings)


def _findings(ctx: Context, gateway: "Gateway") -> list[Finding]:
    return [
        guarded("gateway", lambda: tws.round_trip(gateway)),
        guarded("account", lambda: tws.account(gateway)),
        guarded("data farms", lambda: tws.farms(gateway)),
        guarded("market data", lambda: tws.live_data(ctx, gateway)),
        guarded("clock", lambda: tws.clock_skew(ctx, gateway)),
        guarded("calendar", lambda: tws.calendar(ctx, gateway)),
    ]
