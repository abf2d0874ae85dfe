"""What follows an attempt: what it counts as, its journal row, and who is told. The supervisor imports this while the
job is already starting. Standard library only."""

import os
import sqlite3

from v6 import clock, places
from v6.journal import runs
from v6.runner import claims, exit_codes, news, notices, result
from v6.runner.attempt import Ending
from v6.runner.day_log import DayLog
from v6.runner.run import Run
from v6.runner.verdict import Verdict, judge
from v6.scheduler.compiled import Task


def settle(run: Run, run_id: int, attempt: int, ending: Ending, record_path: str) -> Verdict:
    """Judge the attempt and complete its journal row."""
    verdict = judge(ending, result.read(record_path))
    measured = (ending.wall_seconds, ending.cpu_seconds, ending.peak_memory_mb)
    ended = runs.Ended(verdict.outcome, verdict.exit_code, *measured, verdict.summary, verdict.reason, verdict.note)
    runs.finish_attempt(run.db, run_id, ended)
    result.remove(record_path)
    level = "INFO" if verdict.exit_code == exit_codes.SUCCESS else "ERROR"
    words = f"attempt {attempt}: {verdict.outcome}, exit {verdict.exit_code}, {ending.wall_seconds:.1f} s"
    run.log.write(level, "; ".join(part for part in (words, verdict.note) if part))
    return verdict


def begun(run: Run, first_id: int) -> None:
    """The run's first attempt is at work."""
    notices.ping(run, "start", first_id)


def conclude(run: Run, first_id: int, verdict: Verdict) -> None:
    """Alerts for a final failure or a recovery, one line for who watches, old claims swept, mail sent."""
    task: Task = run.task
    _tell(run, first_id, verdict)
    if run.slot:
        claims.sweep(f"{places.place(run.home, 'slots')}/{task.name}", run.slot)
    deliver(run)
    notices.ping(run, str(verdict.exit_code), first_id, f"{verdict.outcome}: {verdict.summary}")
    if verdict.exit_code != exit_codes.SUCCESS or os.isatty(2):
        said_twice = not verdict.reason or verdict.summary.startswith(verdict.reason)
        reason = "" if said_twice else f" {verdict.reason}:"
        say(f"{task.name}: {verdict.outcome}:{reason} {verdict.summary} (log: {run.log.path})")


def _tell(run: Run, first_id: int, verdict: Verdict) -> None:
    """A journal that takes no alert does not fail the run: the dispatcher sends it directly."""
    try:
        if verdict.exit_code != exit_codes.SUCCESS:
            news.failed(run, first_id, verdict)
        elif runs.is_done(verdict.outcome, verdict.reason):
            news.recovered(run, first_id, verdict.summary)
    except (sqlite3.Error, OSError) as error:
        run.log.write("ERROR", f"the journal takes no alert: {error}")
        if verdict.exit_code != exit_codes.SUCCESS:
            title, body = f"{run.task.name} failed", f"{notices.moment(run.slot)}: {verdict.outcome}: {verdict.summary}"
            notices.dispatch(run.log_directory, ("--alert", title, body, "--key", f"failed:{run.task.name}:"))


def skip(run: Run, reason: str, detail: str) -> None:
    """A run that is not started: its journal row, its log line, and a word for who watches."""
    runs.record_skip(run.db, task=run.task.name, slot=run.slot, reason=reason, detail=detail, log_file=run.log.path)
    run.log.write("WARNING", f"skip {reason}: {detail}")
    deliver(run)
    say(f"{run.task.name}: skip {reason}: {detail}")


def notice_killed(run: Run, killed: runs.Run, record_path: str) -> None:
    """Close the row of an attempt whose job and supervisor are dead, and tell a person."""
    record = result.read(record_path)
    found = f"its job had already written: {record.outcome}, {record.summary}" if record else "no result"
    note = f"ended without a word, noticed at {clock.now():%Y-%m-%d %H:%M:%S %Z}; {found}"
    runs.mark_killed(run.db, killed.id, note)
    news.killed(run.db, killed, note, alert="failure" in run.task.alert_on)
    result.remove(record_path)
    run.log.write("ERROR", f"run {killed.id} ({notices.moment(killed.slot)}) was killed: {note}")


def deliver(run: Run) -> None:
    """Start the dispatcher if there is something to deliver. A side channel never hurts the run."""
    log: DayLog = run.log
    db: sqlite3.Connection = run.db
    try:
        notices.deliver(db, run.home, run.log_directory, run.task.script, run.settings)
    except (OSError, sqlite3.Error) as error:
        log.write("ERROR", f"alerts are not being delivered: {error}")


def say(text: str) -> None:
    os.write(2, f"{text.rstrip()}\n".encode("utf-8", "backslashreplace"))
