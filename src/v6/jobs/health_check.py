"""Say what is well, what has failed and what could not be checked.

Usage: scripts/health_check.py
Needs: nothing; what it cannot look at it says. Checks the gateway (the market session's last round trip, or one of its
own, but not inside a restart window), the session itself, the budget of connections, the slots that the collectors
should have kept since the last check, the lake's freshness, disk, journal, cron and the lines installed for it, the
calendar's horizon, runs that were killed, TWS's restart. Each is ok, failed or could_not_check, with its evidence in
the log. Writes to the journal only: a restart that should be over becomes DEGRADED, and a person is told of it, of the
weekly login that is near, of outages no window explains and of a restart unlike the others. A repeat is safe: it tells
nobody twice, and what a restart that is not over has made fail is told with the restart, not again as a failed check.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, or nothing could be checked.
"""

from v6.analysis.findings import State, of_state, words
from v6.checks import collectors, crontab, host, market_session, restart, restart_history
from v6.checks.guarded import guarded
from v6.model import RecoverableError
from v6.runner.context import Context
from v6.runner.notices import RESTART_NOT_OVER
from v6.runner.told import ToldError


def health_check(ctx: Context) -> str:
    findings = [
        guarded("journal", lambda: host.journal(ctx)),
        guarded("disk", lambda: host.disk(ctx)),
        guarded("cron", lambda: host.cron(ctx)),
        guarded("crontab", lambda: crontab.crontab(ctx)),
        guarded("calendar horizon", lambda: host.calendar_horizon(ctx)),
        guarded("runs", lambda: host.killed_runs(ctx)),
        guarded("slots", lambda: collectors.slots_kept(ctx)),
        guarded("lake", lambda: collectors.lake_fresh(ctx)),
        guarded("restart", lambda: restart.restart_state(ctx)),
        guarded("TWS's process", lambda: restart.same_tws(ctx)),
        guarded("weekly login", lambda: restart.login_reminder(ctx)),
        guarded("outages", lambda: restart_history.outages(ctx)),
        guarded("restart patterns", lambda: restart_history.patterns(ctx)),
        guarded("connections", lambda: market_session.budget(ctx)),
        guarded("market session", lambda: market_session.session(ctx)),
        guarded("gateway", lambda: market_session.gateway(ctx)),
    ]
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    failures = of_state(findings, State.FAILED)
    if restart.told(ctx, failures):
        raise ToldError(RESTART_NOT_OVER, words(findings), recoverable=True)
    if failures or not of_state(findings, State.OK):
        raise RecoverableError(words(findings))
    return words(findings)
