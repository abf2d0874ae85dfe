"""Prove before the open that TWS answers, has data and agrees on the calendar.

Usage: scripts/validate_ib_connection.py
Needs: TWS. Checks a round trip, the account, the data farms, a quote of `health.check_symbol` (live while the market is
open; before it, frozen data or a closing price are accepted, and the summary says so), the clock skew, and the compiled
calendar against the hours that TWS itself lists for the coming days.
Writes nothing. A repeat is safe.
Exit codes: 0 every check passed, or could not be made for a reason that is named; 1 a check failed (retried);
2 the calendars disagree: a person must look (config/calendar_overrides.yaml).
"""

from v6.analysis.findings import State, of_state, words
from v6.checks import tws
from v6.checks.guarded import guarded
from v6.model import FatalError, RecoverableError
from v6.runner.context import Context


def validate_ib_connection(ctx: Context) -> str:
    with ctx.gateway("checks") as gateway:
        findings = [
            guarded("gateway", lambda: tws.round_trip(gateway)),
            guarded("account", lambda: tws.account(gateway)),
            guarded("data farms", lambda: tws.farms(gateway)),
            guarded("market data", lambda: tws.live_data(ctx, gateway)),
            guarded("clock", lambda: tws.clock_skew(ctx, gateway)),
            guarded("calendar", lambda: tws.calendar(ctx, gateway)),
        ]
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    failures = of_state(findings, State.FAILED)
    if any(finding.check == "calendar" for finding in failures):
        raise FatalError(words(findings))
    if failures or not of_state(findings, State.OK):
        raise RecoverableError(words(findings))
    return words(findings)
