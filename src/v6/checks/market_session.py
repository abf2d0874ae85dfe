"""Checks of the one connection that lasts all day, and of the budget that every other one comes out of (L29)."""

from datetime import timedelta

from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.checks import tws
from v6.checks.connection import LATELY, ConnectionStatus, Status, connection_status, session_row
from v6.gateway import connection_budget
from v6.journal import connections, runs, session_cycles
from v6.journal.connections import RESUMES, SESSION, Known
from v6.restart import windows
from v6.restart.windows import in_words, seconds_between
from v6.runner.context import Context

RESUMED_WITHIN = timedelta(minutes=6)
"""It is begun anew every five minutes."""
AWAY_AT_MOST = timedelta(minutes=1)
"""So long may IBKR or a data farm be away, as farms are for seconds on many days, until it is a failure."""
RECONNECTING_AT_MOST = timedelta(minutes=2)
"""A missed answer, or the first tries after a loss, are no message to a person yet."""
FAILED_CYCLES, CYCLES_WITHIN = 3, timedelta(minutes=30)
ENDS, ENDS_WITHIN = 2, timedelta(hours=1)
"""From so many on the session is of no use: cron collects, or each of its logins is for nothing."""


def gateway(ctx: Context) -> Finding:
    """The market session's last look if it is a recent one, for a connection of our own would show no more; else as
    without a session."""
    status = connection_status(ctx.journal, ctx.paths, ctx.config, ctx.now())
    row = session_row(ctx.journal, ctx.paths) if status.task == SESSION and status.connected else None
    if row is None or not _lately(ctx, status):
        return tws.gateway(ctx)
    words = f"the market session's round trip {_age(status)} ago; {'; '.join(status.evidence)}"
    return _behind_tws(ctx, row, words) if row.away else ok("gateway", words)


def session(ctx: Context) -> Finding:
    """Whether the market session holds its connection while it should."""
    if why := _not_wanted(ctx):
        return ok("market session", why)
    if why := _useless(ctx):
        return failed("market session", why)
    if session_row(ctx.journal, ctx.paths) is None:
        return _absent(ctx)
    status = connection_status(ctx.journal, ctx.paths, ctx.config, ctx.now())
    evidence = "; ".join((status.words, *status.evidence))
    if status.status is Status.RECONNECTING and (status.lasting or timedelta()) <= RECONNECTING_AT_MOST:
        return could_not_check("market session", f"only since a moment: {evidence}")
    return (ok if status.connected else failed)("market session", f"{evidence}, {_age(status)} ago")


def budget(ctx: Context) -> Finding:
    """Connections in the last hour and day. From 80 % of a limit on it is a failure: beyond it runs are refused."""
    found = connection_budget.used(ctx.settings.ibkr, ctx.paths.leases)
    if near := [limit.words for limit in found if limit.near]:
        return failed("connections", "; ".join(near))
    return ok("connections", ", ".join(f"{one.used} of {one.most} in the last {one.span}" for one in found))


def _not_wanted(ctx: Context) -> str:
    """Why no session need be connected now; "" when one must."""
    tasks = ctx.config.scheduler.tasks
    if not ctx.settings.ibkr.persistent_connection:
        return "not wanted: ibkr.persistent_connection is false"
    if not any(tasks[name].enabled for name in (SESSION, RESUMES) if name in tasks):
        return f"nothing begins one: {SESSION} and {RESUMES} are disabled"
    if (phase := ctx.calendar.get_market_phase(ctx.now())) != "market_open":
        return f"not needed: {phase}"
    window = windows.current(ctx.windows, ctx.now())
    return f"not needed: inside {window}" if window else ""


def _behind_tws(ctx: Context, row: Known, words: str) -> Finding:
    """TWS answers, but IBKR or a data farm is away."""
    lasting = seconds_between(row.away_since, ctx.now())
    state = failed if lasting > AWAY_AT_MOST.total_seconds() else could_not_check
    return state("gateway", f"{row.away}; away for {in_words(max(0.0, lasting))}; {words}")


def _useless(ctx: Context) -> str:
    """Why the session helps nobody, although each of its runs and cycles seems to end in order; "" when it does."""
    now = ctx.now()
    cycles = session_cycles.between(ctx.journal, now - CYCLES_WITHIN, now)
    bad = [cycle for cycle in cycles if cycle.outcome == session_cycles.FAILED]
    if len(bad) >= FAILED_CYCLES:
        last = f"the last: {bad[-1].task} {bad[-1].summary}"
        within = in_words(CYCLES_WITHIN.total_seconds())
        return f"{len(bad)} of its {len(cycles)} cycles in {within} failed, cron's runs take its slots over; {last}"
    ends = [run for task in (SESSION, RESUMES) for run in runs.ended_since(ctx.journal, task, now - ENDS_WITHIN)]
    by_itself = sorted((run.ended_at, run.summary) for run in ends if run.outcome == "success")
    if len(by_itself) >= ENDS:
        within = in_words(ENDS_WITHIN.total_seconds())
        return f"ended by itself {len(by_itself)} times in {within}, the last time: {by_itself[-1][1]}"
    return ""


def _absent(ctx: Context) -> Finding:
    said = [row for row in connections.known(ctx.journal) if row.task == SESSION]
    if not said:
        return failed("market session", "should run and has never begun")
    away = seconds_between(said[0].at, ctx.now())
    words = f"no process holds it, its last word {in_words(away)} ago was {said[0].status} {said[0].detail}".rstrip()
    if away <= RESUMED_WITHIN.total_seconds():
        return could_not_check("market session", f"{words}; {RESUMES} begins it anew")
    return failed("market session", words)


def _lately(ctx: Context, status: ConnectionStatus) -> bool:
    age = status.age
    return age is not None and age.total_seconds() <= LATELY * ctx.settings.session.ping_every_seconds


def _age(status: ConnectionStatus) -> str:
    return in_words((status.age or timedelta()).total_seconds())
