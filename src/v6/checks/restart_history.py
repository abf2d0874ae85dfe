"""What the past says about restarts: outages that no window explains, and a restart unlike the others.

Both are warnings to a person, never a failure of the check: nothing is broken now.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from v6 import clock
from v6.analysis import outage_patterns, restart_patterns
from v6.analysis.findings import Finding, ok
from v6.analysis.outage_patterns import LikelyWindow
from v6.analysis.restart_patterns import Judgement, Sample
from v6.config.settings import WeeklyLogin
from v6.journal import events, restarts
from v6.journal.restarts import Restart
from v6.restart import server_resets, weekly_login
from v6.restart.windows import JUST_OVER, in_words, occurrences, seconds_between
from v6.runner.context import Context
from v6.scheduler.compiled import Window
from v6.scheduler.host import HostZoneError, host_zone

LOOK_BACK = timedelta(days=14)
BEFORE_A_WINDOW = timedelta(minutes=5)
AFTER_A_RESET = timedelta(minutes=5)
AFTER_THE_LOGIN = timedelta(hours=1)
REMIND = timedelta(days=7)
LOOK_AROUND = timedelta(hours=1)
JUDGED_FOR = timedelta(hours=24)
ROWS = 300
A_PERSON_SECONDS = 3600.0


def outages(ctx: Context) -> Finding:
    """Outages of the last 14 days that no window and no server reset explains; a pattern among them is a warning that
    names the window that is likely missing."""
    now = ctx.now()
    signs = [(one.at, f"{one.kind}: {one.evidence}") for one in restarts.outages(ctx.journal, now - LOOK_BACK, now)]
    found = outage_patterns.outages(signs)
    unexplained = [one for one in found if not _expected(ctx, one.start)]
    likely = outage_patterns.likely_windows(unexplained, _zones())
    for window in likely:
        _warn_of(ctx, window)
    words = f"{len(found)} in {LOOK_BACK.days} days, {len(unexplained)} outside of windows and server resets"
    named = "; ".join(
        f"likely a window that is not configured: {one.yaml().splitlines()[-1].strip()}" for one in likely
    )
    return ok("outages", f"{words}; {named}" if named else words)


def patterns(ctx: Context) -> Finding:
    """The latest restart of each window, of the last day, against those before it: missing, early, slow."""
    configured = {window.name for window in ctx.windows}
    by_window: dict[str, list[Restart]] = {}
    for row in restarts.latest(ctx.journal, ROWS):
        if set(row.window.split("+")) <= configured:  # not the ones by hand, or outside of every window
            by_window.setdefault(row.window, []).append(row)
    fresh = {name: rows for name, rows in by_window.items() if _is_fresh(rows[0], ctx.now())}
    words = []
    undecided = 0
    for name, rows in fresh.items():
        judgement = judge(rows, ctx.settings.restart.weekly_login)
        undecided += bool(judgement.undecided)
        for anomaly in judgement.anomalies:
            _tell(ctx, rows[0], anomaly.kind, anomaly.words)
            words.append(f"{name} {anomaly.kind}: {anomaly.words}")
    few = f"{undecided} without a verdict: too few before" if undecided else ""
    return ok("restart patterns", "; ".join(filter(None, [f"{len(fresh)} of the last day looked at", few, *words])))


def judge(rows: Sequence[Restart], login: WeeklyLogin) -> Judgement:
    """`rows`: of one window, the latest first."""
    away = _began if rows[0].started_at is not None else _away
    latest, *earlier = (Sample(row.observed, away(row), _lag(row, login)) for row in rows)
    return restart_patterns.judge(latest, earlier)


def _began(row: Restart) -> float | None:
    """Of the process that answers now, not of the first sign that the old one was gone: never mixed in one series."""
    return None if row.started_at is None else seconds_between(row.window_start, row.started_at)


def _away(row: Restart) -> float | None:
    return None if row.away_at is None else seconds_between(row.window_start, row.away_at)


def _lag(row: Restart, login: WeeklyLogin) -> float | None:
    """None too for one that waited for a person to sign in: that was told, and is no measure of TWS."""
    if row.validated_at is None:
        return None
    lag = seconds_between(row.window_end, row.validated_at)
    since_login = seconds_between(weekly_login.last_death(login, row.window_end), row.window_end)
    waited = lag > A_PERSON_SECONDS and since_login <= weekly_login.UNPROVEN.total_seconds()
    return None if waited else lag


def _is_fresh(row: Restart, now: datetime) -> bool:
    return 0 <= seconds_between(row.window_end, now) <= JUDGED_FOR.total_seconds() and row.outcome is not None


def _expected(ctx: Context, at: datetime) -> bool:
    """Inside or close to a window or a server reset, or when the weekly login has just ended."""
    resets = server_resets.of_region(ctx.settings.restart.server_region)
    login = weekly_login.last_death(ctx.settings.restart.weekly_login, at)
    return (
        _inside(ctx.windows, at, BEFORE_A_WINDOW, JUST_OVER)
        or _inside(resets, at, timedelta(), AFTER_A_RESET)
        or seconds_between(login, at) <= AFTER_THE_LOGIN.total_seconds()
    )


def _inside(windows: Sequence[Window], at: datetime, before: timedelta, after: timedelta) -> bool:
    return any(
        seconds_between(one.start, at) >= -before.total_seconds()
        and seconds_between(one.end, at) < after.total_seconds()
        for one in occurrences(windows, at - LOOK_AROUND, at + LOOK_AROUND)
    )


def _zones() -> list[str]:
    """IBKR's resets follow New York, TWS's own restart the host."""
    zones = [str(clock.NEW_YORK)]
    with suppress(HostZoneError):
        zones.append(host_zone())
    return zones


def _warn_of(ctx: Context, window: LikelyWindow) -> None:
    evidence = "\n".join(window.evidence())
    events.raise_alert(
        ctx.journal,
        severity="warning",
        title=f"TWS or IBKR goes away around {window.start // 60:02}:{window.start % 60:02} {window.zone}, "
        "outside of every window",
        body=f"{len(window.outages)} outages in {LOOK_BACK.days} days:\n{evidence}\n"
        f"If that is a restart, paste into config/production.yaml:\n{window.yaml()}",
        key=f"likely window {window.zone} {window.start // 60}",
        task=ctx.task,
        quiet=REMIND,
    )


def _tell(ctx: Context, row: Restart, kind: str, words: str) -> None:
    """Once a restart: what was said of it does not change any more."""
    ago = in_words(seconds_between(row.window_end, ctx.now()))
    events.raise_alert(
        ctx.journal,
        severity="warning",
        title=f"{kind} restart: {row.window} {row.window_start:%Y-%m-%d %H:%M}",
        body=f"{words} (the window ended {ago} ago; `v6 restart history` shows the others).",
        key=f"restart pattern {row.id} {kind}",
        task=ctx.task,
        quiet=JUDGED_FOR + timedelta(days=2),
    )
