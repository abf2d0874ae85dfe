"""Whether a process that the journal recorded is still the one that was recorded: numbers of processes are given away
again, and the group of a stranger must never be ended."""

from collections.abc import Mapping

from v6.journal.runs import Run

RESULT = "V6_RESULT"  # a supervisor tells its job by it where to leave the result of this very attempt
EARLIER_SECONDS = 2.0  # psutil derives a start from the boot time, which moves when the clock is set
LATER_SECONDS = 10.0  # the row is written just before the process is started, on a busy host too


def doubt(run: Run, began: float, environ: Mapping[str, str] | None, result: str, stepped: bool = False) -> str:
    """Why this process is not, or may not be, that of the run; "" when it is.

    `began`: its start, in seconds since 1970 on V6's clock; `environ`: its environment, None when it cannot be read;
    `result`: what RESULT says in the run's own. `stepped`: V6's clock is not the host's and may have been set since
    (a rehearsal), so that starts cannot be compared: then the environment decides."""
    told = None if environ is None else environ.get(RESULT)
    if told is not None and told != result:
        return "it belongs to another run"
    if stepped and told == result:
        return ""
    late = began - run.started_at.timestamp()
    if not -EARLIER_SECONDS <= late <= LATER_SECONDS:
        return f"it was started {abs(late):.0f} s {'after' if late > 0 else 'before'} the run's record"
    return ""
