"""Checks of the one connection that lasts all day, and of the budget that every other one comes out of (L29)."""

from datetime import timedelta

from v6 import clock
from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.checks import tws
from v6.checks.connection import ConnectionStatus, connection_status, session_row
from v6.gateway import connection_budget
from v6.journal import connections
from v6.journal.connections import SESSION
from v6.restart import windows
from v6.restart.windows import in_words, seconds_between
from v6.runner.context import Context

RESUMES = "resume_market_session"
RESUMED_WITHIN = timedelta(minutes=6)
"""It is begun anew every five minutes."""
LATELY = 2
"""So many of its round trips may be due since the last proof."""


def gateway(ctx: Context) -> Finding:
    """The market session's last round trip if it is a recent one, for a connection of our own would prove no more; else
    as without a session."""
    status = connection_status(ctx.journal, ctx.paths, ctx.settings.ibkr, ctx.now())
    if status.task == SESSION and status.connected and _lately(ctx, status):
        return ok("gateway", f"the market session's round trip {_age(status)} ago; {'; '.join(status.evidence)}")
    return tws.gateway(ctx)


def session(ctx: Context) -> Finding:
    """Whether the market session holds its connection while it should."""
    if why := _not_wanted(ctx):
        return ok("market session", why)
    if session_row(ctx.journal, ctx.paths) is None:
        return _absent(ctx)
    status = connection_status(ctx.journal, ctx.paths, ctx.settings.ibkr, ctx.now())
    evidence = "; ".join((status.words, *status.evidence))
    if not status.connected:
        return failed("market session", evidence)
    if clock.shifted():
        return ok("market session", f"{evidence}; the age of its proof means nothing under a shifted clock")
    settings = ctx.settings.session
    if (status.age or timedelta()).total_seconds() > settings.cycle_seconds + LATELY * settings.ping_every_seconds:
        return failed("market session", f"runs, but has proven nothing for {_age(status)}: {evidence}")
    return ok("market session", f"{evidence}, {_age(status)} ago")


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
