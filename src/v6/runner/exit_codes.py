"""Exit codes: one table, read by the job's edge, the supervisor and the documents."""

SUCCESS = 0
RECOVERABLE = 1
FATAL = 2
TIME_LIMIT = 124
SIGNAL_BASE = 128

MEANING = {
    SUCCESS: "success, or nothing due",
    RECOVERABLE: "recoverable: retried within the task's deadline",
    FATAL: "fatal: not retried, alerts at once",
    TIME_LIMIT: "time limit: the process group was ended; retried",
}


def recoverable(code: int) -> bool:
    """Whether an attempt that ended so may be tried again. 128+n is a signal from outside."""
    return code in (RECOVERABLE, TIME_LIMIT) or code > SIGNAL_BASE


def meaning(code: int) -> str:
    if code > SIGNAL_BASE:
        return f"ended by signal {code - SIGNAL_BASE}"
    return MEANING.get(code, "unknown exit code, treated as fatal")
