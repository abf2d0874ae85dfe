"""What `v6 status` looks at, one function a line. Each gives a finding in words with ages, and the facts for JSON."""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from v6 import clock
from v6.alerts.services import URLS
from v6.analysis.findings import Finding, State, could_not_check
from v6.checks import collectors as collected
from v6.checks.connection import Status, connection_status, session_row, silent_for
from v6.cli.restart import standing
from v6.gateway import connection_budget, diagnosed
from v6.gateway.verdicts import Verdict
from v6.journal import events, runs, session_cycles
from v6.journal.session_cycles import Cycle
from v6.restart.states import State as RestartState
from v6.restart.windows import in_words, seconds_between
from v6.runner.context import Context
from v6.scheduler import compiled
from v6.scheduler.compiled import Schedule
from v6.session import slots

TROUBLE = (Status.DISCONNECTED, Status.RECONNECTING)
TROUBLES = 100
OFF = "off (ibkr.persistent_connection)"
DIAGNOSIS_COUNTS = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Part:
    finding: Finding
    facts: dict[str, Any]


def _part(name: str, well: bool, words: str, **facts: Any) -> Part:
    return Part(Finding(name, State.OK if well else State.FAILED, words), facts)


def _ago(then: datetime | None) -> str:
    return "never" if then is None else f"{in_words(max(0.0, seconds_between(then, clock.now())))} ago"


def _at(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, clock.NEW_YORK)


def connection(ctx: Context) -> Part:
    found = connection_status(ctx.journal, ctx.paths, ctx.config)
    words = [f"{found.words}, {ctx.settings.ibkr.place}", found.task]
    words += [
        f"proven {_ago(found.proven_at)}" if found.proven_at else "",
        f"since {found.since:%m-%d %H:%M %Z}" if found.since else "",
    ]
    return _part(
        "connection",
        found.status not in TROUBLE,
        " · ".join(filter(None, words)),
        status=found.words,
        place=ctx.settings.ibkr.place,
        verdict=found.verdict,
        attempts=found.attempts,
        task=found.task,
        since=found.since,
        proven_at=found.proven_at,
        age_seconds=None if found.age is None else found.age.total_seconds(),
        evidence=found.evidence,
    )


def diagnosis(ctx: Context) -> Part | None:
    """The last diagnosis, while it has found something wrong since the connection was last known to be as it is shown;
    else no line."""
    last = diagnosed.stored(ctx.paths.state)
    if last is None or last.place != ctx.settings.ibkr.place or not 0 <= last.age < DIAGNOSIS_COUNTS:
        return None
    proven = connection_status(ctx.journal, ctx.paths, ctx.config).proven_at
    if last.verdict is Verdict.HEALTHY or (proven is not None and seconds_between(last.at, proven) >= 0):
        return None
    words = f"{last.row.words}, {_ago(last.at)}: `v6 gateway diagnose` asks again"
    facts = {"verdict": str(last.verdict), "found_at": last.at, "cure": last.row.cure}
    if last.verdict is Verdict.COULD_NOT_CHECK:
        return Part(could_not_check("diagnosis", words), facts)
    return _part("diagnosis", False, words, **facts)


def session(ctx: Context) -> Part:
    """The market session: it must run while it is turned on and the market is open."""
    wanted = ctx.settings.ibkr.persistent_connection
    row, now = session_row(ctx.journal, ctx.paths), clock.now()
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt")
    last = _last_cycle(ctx.journal, now)
    following = _next_slot(ctx, schedule, now) if wanted else None
    since = _began(ctx.journal, row.pid) if row else None
    facts: dict[str, Any] = {"persistent": wanted, "running": row is not None, "since": since, "next": following}
    facts["last_cycle"] = last._asdict() if last else None
    if row is not None:
        silent = silent_for(row, ctx.config, now)
        words = [
            f"runs (pid {row.pid})",
            f"but has proven nothing for {silent}" if silent else "",
            "" if wanted else f"{OFF}: it ends within a minute",
            f"since {since:%H:%M} ({_ago(since)})" if since else "",
            *_cycles(last, following),
        ]
        return _part("session", wanted and not silent, " · ".join(filter(None, words)), **facts)
    if not wanted:
        return _part("session", True, OFF, **facts)
    missing = ctx.calendar.get_market_phase(now) == "market_open"
    words = ["should run and does not" if missing else "does not run now", *_cycles(last, None)]
    return _part("session", not missing, " · ".join(words), **facts)


def collectors(ctx: Context) -> Part:
    """Each collector's last completed slot; wrong is a slot of the last 25 minutes that was not kept."""
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt")
    done = collected.last_completed(ctx, (task.name for task in slots.collectors(schedule)))
    kept = collected.slots_kept(ctx)
    words = [f"{task} {slot:%m-%d %H:%M} ({_ago(slot)})" if slot else f"{task} none yet" for task, slot in done.items()]
    if kept.state is not State.OK:
        words.append(kept.evidence)
    return Part(
        Finding("collectors", kept.state, " · ".join(words)),
        {"last_completed": done, "slots": kept.evidence},
    )


def restart(ctx: Context) -> Part:
    stands = standing(clock.now(), ctx.windows)
    where = stands.where
    words = [
        where.words(),
        f"({_ago(where.since)})" if where.since else "",
        f"overdue: {stands.late}" if stands.late else "",
    ]
    return _part(
        "restart",
        not stands.late and where.state is not RestartState.DEGRADED,
        " ".join(filter(None, [*words, *(f"To do: {one}" for one in stands.to_do)])),
        restart_state=where.state,
        since=where.since,
        cause=where.cause,
        overdue=stands.late,
        to_do=stands.to_do,
    )


def budget(ctx: Context) -> Part:
    """Connections opened in the last hour and day; near the limit is wrong (L29)."""
    limits = connection_budget.used(ctx.settings.ibkr, ctx.paths.leases)
    words = [f"{one.used} of {one.most} connections in the last {one.span}" for one in limits]
    blocked = [f"the next is free at {_at(one.free):%m-%d %H:%M:%S %Z}" for one in limits if one.free is not None]
    return _part(
        "budget",
        not any(one.near for one in limits),
        " · ".join(words + blocked),
        limits=[asdict(one) for one in limits],
    )


def alerts(ctx: Context) -> Part:
    """Alerts that nobody has received."""
    waiting = events.undelivered(ctx.journal, TROUBLES)
    if not waiting:
        return _part("alerts", True, "none waits to be delivered", undelivered=0, oldest=None)
    oldest, many = waiting[0], "at least " if len(waiting) == TROUBLES else ""
    words = f"{many}{len(waiting)} not delivered, the oldest {_ago(oldest.at)}: {oldest.title}"
    words += f" ({oldest.error})" if oldest.error else ""
    if not ctx.config.environment.get(URLS):
        words += f" · no channel is set, nobody can be told: {URLS} in .env (CONTRIBUTING.md)"
    return _part("alerts", False, words, undelivered=len(waiting), oldest=oldest.at)


def _cycles(last: Cycle | None, following: datetime | None) -> Iterator[str]:
    if last is not None:
        ended = f"{last.outcome} {_ago(last.ended_at)}" if last.ended_at else f"at work since {_ago(last.started_at)}"
        yield f"last cycle {last.slot:%m-%d %H:%M}, {ended}"
    if following is not None:
        yield f"next {following:%m-%d %H:%M}"


def _last_cycle(db: sqlite3.Connection, now: datetime) -> Cycle | None:
    found = session_cycles.between(db, now - timedelta(days=collected.LOOK_BACK_DAYS), now + timedelta(seconds=1))
    return max(found, key=lambda cycle: cycle.started_at.timestamp(), default=None)


def _next_slot(ctx: Context, schedule: Schedule, now: datetime) -> datetime | None:
    """Of today, of any collector, on the session's own cycle."""
    cycle = ctx.settings.session.cycle_minutes
    found = slots.of_day(slots.collectors(schedule), now.date(), ctx.calendar, ctx.windows, cycle)
    due = filter(None, (slots.following(each, now) for each in found.values()))
    return min(due, key=lambda slot: slot.timestamp(), default=None)


def _began(db: sqlite3.Connection, pid: int) -> datetime | None:
    """When the run of the session with this process started; None: by hand, without a row."""
    return next((run.started_at for run in runs.open_attempts(db) if run.pid == pid), None)
