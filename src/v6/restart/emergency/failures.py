"""What keeps a step from its goal, without ending the call."""

import sqlite3

import psutil

from v6.journal.database import JournalError
from v6.model import RecoverableError, V6Error
from v6.scheduler.compiled import ScheduleError

FAILURES = (V6Error, JournalError, ScheduleError, sqlite3.Error, OSError, psutil.Error)
"""What a step can meet. Anything else is a defect and ends the call; the trail shows where."""


class NotDone(RecoverableError):  # noqa: N818 - it names what happened
    """A step has not reached its goal; the message says why, and what to do."""
