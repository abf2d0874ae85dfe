"""Checks of what the collectors delivered: the slot ledger and the lake, against what calendar and schedule expect.

They are watched by their last completed slot, never by a process or a log file being there (L25).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.journal import events, ledger, missed, runs
from v6.journal.ledger import TABLE_OF
from v6.runner.context import Context
from v6.scheduler import compiled, upcoming

RECENT = timedelta(minutes=25)
"""A little more than the 15 minutes between two health checks and a slot's deadline: no slot falls between two."""
LOOK_BACK_DAYS = 5
DEFAULT_DEADLINE = 300


class Expected(NamedTuple):
    task: str
    table: str
    slot: datetime


def slots_kept(ctx: Context) -> Finding:
    """Every slot whose time was over since the last check is in the ledger, closed and nearly complete (L10)."""
    now = ctx.now().astimezone(UTC)
    recent = [one for one in _expected(ctx) if one.slot.astimezone(UTC) > now - RECENT]
    if not recent:
        return ok("slots", f"none was due in the last {RECENT.total_seconds() / 60:.0f} min")
    problems = [f"{one.task} {one.slot:%H:%M} {why}" for one in recent if (why := _problem(ctx, one))]
    if problems:
        return failed(
            "slots", f"{len(problems)} of {len(recent)}: {'; '.join(problems)}; {_last_completed(ctx, recent)}"
        )
    return ok("slots", f"{len(recent)} of {len(recent)} kept, {_last_completed(ctx, recent)}")


def lake_fresh(ctx: Context) -> Finding:
    """The lake holds rows of the latest slot of each collector whose time is over."""
    latest: dict[str, Expected] = {one.task: one for one in _expected(ctx)}
    if not latest:
        return could_not_check("lake", "no collector's slot has been over since V6's first run")
    stale, fresh = [], []
    for one in latest.values():
        rows = ctx.lake.slot_rows(one.table, one.task, one.slot).height
        words = f"{one.table} {one.slot:%m-%d %H:%M}: {rows} rows"
        fresh.append(words) if rows else stale.append(f"{words}, last stored {_last_stored(ctx, one)}")
    return failed("lake", "; ".join(stale)) if stale else ok("lake", "; ".join(fresh))


def in_a_row(ctx: Context) -> Finding:
    """Whether a collector's latest slots are all far from complete: `slots_kept` fails at the first of them, and after
    `alerts.incomplete_slots` a person is told that it stays so, and when it is over."""
    wanted, words = ctx.settings.alerts.incomplete_slots, []
    by_task: dict[str, list[Expected]] = {}
    for one in _expected(ctx, look_back_days=0):
        by_task.setdefault(one.task, []).append(one)
    for task, slots in by_task.items():
        if slots[-1].slot < ctx.now() - RECENT:
            continue
        problems = [f"{one.slot:%H:%M} {why}" for one in slots[-wanted:] if (why := _problem(ctx, one))]
        words.append(f"{task} {len(problems)} of the last {len(slots[-wanted:])}")
        if len(problems) == wanted:
            _tell_incomplete(ctx, task, problems)
        elif not _problem(ctx, slots[-1]) and _incomplete_is_told(ctx, task):
            _alert(ctx, task, "info", f"{task}: slots are complete again", f"since {slots[-1].slot:%H:%M}", "complete")
    return ok("incomplete slots", ", ".join(words) or "none was due lately")


def _tell_incomplete(ctx: Context, task: str, problems: Sequence[str]) -> None:
    repeat = timedelta(hours=ctx.settings.alerts.repeat_hours)
    if _incomplete_is_told(ctx, task) and events.raised(ctx.journal, f"incomplete:{task}", ctx.now() - repeat):
        return
    title = f"{task}: {len(problems)} slots in a row below {ctx.settings.health.min_complete_percent:g} %"
    _alert(ctx, task, "failure", title, "\n".join(problems), "incomplete")


def _incomplete_is_told(ctx: Context, task: str) -> bool:
    return events.unanswered(ctx.journal, f"incomplete:{task}", f"complete:{task}")


def _alert(ctx: Context, task: str, severity: str, title: str, body: str, kind: str) -> None:
    events.raise_alert(
        ctx.journal, severity=severity, title=title, body=body, key=f"{kind}:{task}", task=task, quiet=timedelta(0)
    )


def _expected(ctx: Context, look_back_days: int = LOOK_BACK_DAYS) -> list[Expected]:
    """Every collector's slot of the last days whose deadline has passed, since V6's first run, oldest first."""
    first_run = runs.first_started(ctx.journal)
    if first_run is None:
        return []
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt")
    collectors = {task.name: task for task in schedule.tasks.values() if task.script in TABLE_OF}
    now = ctx.now()
    told = {(one.task, one.slot) for one in missed.between(ctx.journal, now - timedelta(days=LOOK_BACK_DAYS + 1), now)}
    found = []
    for back in range(look_back_days, -1, -1):
        day = now.date() - timedelta(days=back)
        for planned in upcoming.of_day(collectors.values(), day, ctx.calendar, schedule.windows):
            task = collectors[planned.task]
            over = planned.slot.timestamp() + (task.deadline or DEFAULT_DEADLINE)
            if (task.name, planned.slot) in told:
                continue  # never ran at all: the check for missed slots has said so, and why
            if planned.decision.run and first_run <= planned.slot and over <= now.timestamp():
                found.append(Expected(task.name, TABLE_OF[task.script], planned.slot))
    return found


def _problem(ctx: Context, one: Expected) -> str:
    """What is wrong with a slot, in words; empty when nothing is."""
    line = ledger.slot_of(ctx.journal, one.task, one.slot)
    if line is None:
        return "was never opened"
    if line.state == "open":
        return "was opened and never finished"
    share = 100.0 * line.complete / line.expected if line.expected else 0.0
    if share >= ctx.settings.health.min_complete_percent:
        return ""
    reasons = ledger.reasons(ctx.journal, one.task, one.slot, one.slot + timedelta(seconds=1))
    named = ", ".join(f"{reason} {count}" for _, reason, count in reasons)
    return f"has {line.complete} of {line.expected} complete ({named})"


def last_completed(ctx: Context, tasks: Iterable[str]) -> dict[str, datetime | None]:
    """Task -> its latest slot of the last days with a complete contract; None: it has none."""
    start = ctx.now() - timedelta(days=LOOK_BACK_DAYS)
    done = {
        task: [line.slot for line in ledger.slots_of(ctx.journal, task, start, ctx.now()) if line.complete]
        for task in dict.fromkeys(tasks)
    }
    return {task: max(slots, default=None) for task, slots in done.items()}


def _last_completed(ctx: Context, recent: Iterable[Expected]) -> str:
    found = last_completed(ctx, (one.task for one in recent))
    return ", ".join(
        f"{task} last completed {slot:%m-%d %H:%M}" if slot else f"{task} never completed one"
        for task, slot in found.items()
    )


def _last_stored(ctx: Context, one: Expected) -> str:
    slots = ctx.lake.read(one.table, trade_date=one.slot.date(), columns=["slot", "task"])
    mine = slots.filter(slots["task"] == one.task)["slot"].to_list()
    return f"{max(mine).astimezone(one.slot.tzinfo):%H:%M}" if mine else "nothing that day"
