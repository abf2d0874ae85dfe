"""What the gate tells the supervisor and the supervisor tells the job, by environment. Standard library only."""

from collections.abc import Mapping
from datetime import datetime

from v6.clock import NEW_YORK

TASK = "V6_TASK"
SLOT = "V6_SLOT"  # epoch seconds; absent: not started for a slot
ATTEMPT = "V6_ATTEMPT"
LIMIT = "V6_LIMIT_SECONDS"  # real seconds this attempt may take
RESULT = "V6_RESULT"  # where the job leaves its result record
LOG_FILE = "V6_LOG_FILE"
LOCK_FD = "V6_LOCK_FD"  # the task's lock, shared with the direct job and nothing it starts


def slot_of(environ: Mapping[str, str]) -> datetime | None:
    """The slot of this run, aware in New York; None when it was not started for one."""
    text = environ.get(SLOT)
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"{SLOT}: {text!r} is not a number of epoch seconds")
    return datetime.fromtimestamp(int(text), NEW_YORK)
