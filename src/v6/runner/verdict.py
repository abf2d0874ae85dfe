"""What an ended attempt counts as. Pure and standard library only.

A code that Python could give by accident is believed only with the job's own record: exit 1 of an uncaught
exception is not "recoverable", and exit 0 of a stray `sys.exit()` is not "success".
"""

from collections import namedtuple

from v6.runner import exit_codes
from v6.runner.attempt import Ending
from v6.runner.result import Result

# exit code -> what the record must then say
SAYS = {
    exit_codes.SUCCESS: ("success", "skip"),
    exit_codes.RECOVERABLE: ("recoverable",),
    exit_codes.FATAL: ("fatal",),
}

Verdict = namedtuple("Verdict", "outcome exit_code reason summary note", defaults=("",))


def judge(ending: Ending, record: Result | None) -> Verdict:
    """The outcome and exit code of an attempt, from how its process ended and the record it left."""
    summary = record.summary if record else ""
    if record and record.outcome in ("success", "skip") and ending.code != exit_codes.SUCCESS:
        note = f"its work was done, then {_how(ending)}"
        return Verdict(record.outcome, exit_codes.SUCCESS, record.reason, summary, note)
    if ending.ended_by == "limit":
        return Verdict("time_limit", exit_codes.TIME_LIMIT, "time_limit", summary or "ended at its time limit")
    if ending.ended_by == "signal":
        return Verdict("signal", exit_codes.SIGNAL_BASE + ending.number, "stopped", summary or "the run was stopped")
    if code := _signal_code(ending, record):
        return Verdict("signal", code, "signal", summary or exit_codes.meaning(code))
    if record and record.outcome in SAYS.get(ending.code, ()):
        return Verdict(record.outcome, ending.code, record.reason, summary)
    if ending.code == exit_codes.FATAL:
        return Verdict("fatal", exit_codes.FATAL, "exit_2", summary or "exit 2 without a result record: see its log")
    says = f"a record that says {record.outcome}" if record else "no result record"
    return Verdict("fatal", exit_codes.FATAL, "unexpected_exit", f"exit {ending.code} with {says}: see its log")


def _signal_code(ending: Ending, record: Result | None) -> int | None:
    """128+n when signal n ended the job, at once or through its own clean-up."""
    if ending.code < 0:
        return exit_codes.SIGNAL_BASE - int(ending.code)
    if record and record.outcome == "signal" and ending.code > exit_codes.SIGNAL_BASE:
        return int(ending.code)
    return None


def _how(ending: Ending) -> str:
    if ending.ended_by == "limit":
        return "it did not exit and was ended at its time limit"
    return f"signal {-ending.code} ended it" if ending.code < 0 else f"it ended with exit code {ending.code}"
