"""What a run tells people, as alerts in the outbox: that its task has begun to fail, still fails, works again, or was
killed. Standard library only."""

import sqlite3
from datetime import timedelta

from v6 import clock
from v6.alerts import limits as rules
from v6.journal import events, runs, streaks
from v6.journal.events import QUIET
from v6.journal.streaks import Streak
from v6.runner.log_tail import tail
from v6.runner.notices import TOLD_BY_THE_JOB, WELL_BY_ITSELF, moment
from v6.runner.run import Run
from v6.runner.verdict import Verdict
from v6.scheduler.compiled import Task

ONCE = timedelta(0)
LONGEST_KEY = 200


def failed(run: Run, first_id: int, verdict: Verdict) -> None:
    """A run has finally failed: told when the task was well, when something else is wrong with it than before, and
    again after `alerts.repeat_hours`. Nothing when the job has told it or the task wants no such alerts."""
    db, task, limits = run.db, run.task.name, rules.of(run.settings)
    if "failure" not in run.task.alert_on or verdict.reason in TOLD_BY_THE_JOB:
        return
    before = runs.last_finished_before(db, task, first_id)
    was_well = before is None or runs.is_done(before.outcome, before.reason)
    key = f"failed:{task}:{verdict.reason}"[:LONGEST_KEY]
    known = not was_well and _unanswered(db, task)
    if known:
        other = _reasons(verdict.reason) - _reasons(before.reason if before else "")
        if _raised(db, key if other else f"failed:{task}:", limits.repeat):
            return
    elif was_well and _raised(db, key, QUIET):  # it comes and goes: told once an hour, and when it stays
        return
    streak = streaks.streak(db, task)
    title = f"{task} still fails ({streak.failures} times)" if known else f"{task} failed"
    lines = (
        f"{moment(run.slot)}: {': '.join(filter(None, (verdict.outcome, verdict.reason)))} "
        f"(exit {verdict.exit_code}): {verdict.summary}",
        _history(streak),
        f"log: {run.log.path}",
        *(f"  {line}" for line in tail(run.log.path, limits.log_lines)),
    )
    body = "\n".join(lines)
    events.raise_alert(db, severity="failure", title=title, body=body, task=task, key=key, quiet=ONCE)


def recovered(run: Run, first_id: int, summary: str) -> None:
    """A success that answers a failure which was the supervisor's to tell: the one before, or an earlier one that was
    told and not answered yet. Whoever believes that the task fails hears of it, however soon after the last time."""
    db, task = run.db, run.task.name
    if not _may_recover(run.task):
        return
    before = runs.last_finished_before(db, task, first_id)
    if before is None or runs.is_done(before.outcome, before.reason):
        return
    unanswered = _unanswered(db, task)
    if before.reason in TOLD_BY_THE_JOB and not unanswered:
        return
    body = f"{moment(run.slot)}: {summary}\n{_ended(streaks.streak(db, task, before_run=first_id))}"
    title = f"{task} works again"
    quiet = ONCE if unanswered else QUIET
    events.raise_alert(db, severity="info", title=title, body=body, task=task, key=f"recovered:{task}", quiet=quiet)


def killed(db: sqlite3.Connection, run: runs.Run, note: str, alert: bool) -> None:
    """An earlier run never ended: an event always, an alert when the task wants them."""
    text = f"run {run.id} of {run.task}, {moment(run.slot)}, attempt {run.attempt}, pid {run.pid}: {note}"
    events.record(db, "run_killed", text, task=run.task, details={"run": run.id, "pid": run.pid})
    if alert:
        title = f"{run.task} was killed"
        events.raise_alert(db, severity="failure", title=title, body=text, task=run.task, key=f"killed:{run.id}")


def _may_recover(task: Task) -> bool:
    """Whether the success of a run of the task can be news for a person."""
    return "recovery" in task.alert_on and task.script not in WELL_BY_ITSELF


def _unanswered(db: sqlite3.Connection, task: str) -> bool:
    """Whether a person believes that the task fails."""
    return events.unanswered_of(db, (task,), (f"failed:{task}:",), f"recovered:{task}")


def _raised(db: sqlite3.Connection, beginning: str, span: timedelta) -> bool:
    return events.raised(db, beginning, clock.now() - span)


def _reasons(text: str) -> set[str]:
    return set(text.split(","))


def _history(streak: Streak) -> str:
    last = f"last success {streak.last_success:%Y-%m-%d %H:%M %Z}" if streak.last_success else "it never succeeded"
    if streak.failures > 1:
        return f"failed run number {streak.failures} in a row, since {streak.since:%Y-%m-%d %H:%M %Z}; {last}"
    return f"it was well until now; {last}" if streak.last_success else "its first run here"


def _ended(streak: Streak) -> str:
    since = f" since {streak.since:%Y-%m-%d %H:%M %Z}" if streak.since else ""
    return f"{streak.failures} failed run{'' if streak.failures == 1 else 's'}{since}"
