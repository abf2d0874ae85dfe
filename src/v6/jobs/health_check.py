"""Say what is well, what has failed and what could not be checked.

Usage: scripts/health_check.py [--after-boot]
Needs: nothing; what it cannot look at it says. Checks the gateway (the market session's last round trip, or one of its
own, but not inside a restart window), the session itself, the budget of connections, the slots that the collectors
should have kept since the last check, the lake's freshness, disk, journal, configuration, cron and the lines installed
for it, the calendar's horizon, runs that were killed, TWS's restart. Each is ok, failed or could_not_check, with its
evidence in the log. Writes to the journal only: a restart that should be over becomes DEGRADED, and a person is told
of it, of the weekly login that is near, of outages no window explains and of a restart unlike the others.
A repeat is safe: it tells nobody twice, and what a restart that is not over has made fail is told with the restart,
not again as a failed check.
Slots that were due since the last check and never ran are recorded with their likely cause and told; runs of tasks with
catch_up: same_day are started then. --after-boot is for the crontab's @reboot line: it records that the host was
started, looks for missed slots, and checks the host alone.
Exit codes: 0 nothing failed (what could not be checked is named); 1 something failed, or nothing could be checked.
"""

from collections.abc import Sequence

from v6.analysis.findings import Finding, State, of_state, words
from v6.checks import collectors, configuration, crontab, host, market_session, missed, restart, restart_history
from v6.checks.guarded import guarded
from v6.model import RecoverableError
from v6.runner.context import Argument, Context
from v6.runner.notices import RESTART_NOT_OVER, SLOTS_MISSED
from v6.runner.told import ToldError

ARGUMENTS = (Argument("--after-boot", action="store_true", help="the host was just started: check it alone"),)


class ChecksFailed(RecoverableError):  # noqa: N818 - it names what happened
    """Its `reason` are the checks that failed: another one than before is news, the same ones are not."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(words(findings))
        self.reason = ",".join(finding.check for finding in of_state(findings, State.FAILED)) or "nothing_checked"


def health_check(ctx: Context) -> str:
    if ctx.args.after_boot and ctx.attempt == 1:
        missed.host_started(ctx)
    findings = _of_the_host(ctx) if ctx.args.after_boot else _all(ctx)
    for finding in findings:
        ctx.log.log("INFO" if finding.state is State.OK else "WARNING", "{}", finding)
    failures = of_state(findings, State.FAILED)
    others = [finding for finding in failures if finding.check != missed.CHECK]
    if restart.told(ctx, others):
        raise ToldError(RESTART_NOT_OVER, words(findings), recoverable=True)
    if failures and not others:
        raise ToldError(SLOTS_MISSED, words(findings), recoverable=True)
    if failures or not of_state(findings, State.OK):
        raise ChecksFailed(findings)
    return words(findings)


def _of_the_host(ctx: Context) -> Sequence[Finding]:
    """What a host that was just started can be asked for: cron has fired nothing yet, nor has TWS come up."""
    return [
        guarded("journal", lambda: host.journal(ctx)),
        guarded("disk", lambda: host.disk(ctx)),
        guarded("crontab", lambda: crontab.crontab(ctx)),
        guarded("calendar horizon", lambda: host.calendar_horizon(ctx)),
        guarded("runs", lambda: host.killed_runs(ctx)),
        guarded(missed.CHECK, lambda: missed.missed_slots(ctx)),
    ]


def _all(ctx: Context) -> Sequence[Finding]:
    return [
        guarded("journal", lambda: host.journal(ctx)),
        guarded("disk", lambda: host.disk(ctx)),
        guarded(configuration.CHECK, lambda: configuration.configuration(ctx)),
        guarded("cron", lambda: host.cron(ctx)),
        guarded("crontab", lambda: crontab.crontab(ctx)),
        guarded("calendar horizon", lambda: host.calendar_horizon(ctx)),
        guarded("runs", lambda: host.killed_runs(ctx)),
        guarded(missed.CHECK, lambda: missed.missed_slots(ctx)),
        guarded("slots", lambda: collectors.slots_kept(ctx)),
        guarded("incomplete slots", lambda: collectors.in_a_row(ctx)),
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
