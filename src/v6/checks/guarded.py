"""Run a check so that its own trouble is a finding too: a check that cannot run is neither ok nor failed (L30)."""

import sqlite3
from collections.abc import Callable

import psutil

from v6.analysis.findings import Finding, could_not_check
from v6.model import V6Error
from v6.scheduler.compiled import ScheduleError

CANNOT = (OSError, sqlite3.Error, psutil.Error, V6Error, ScheduleError)


def guarded(name: str, check: Callable[[], Finding], *, but: tuple[type[Exception], ...] = ()) -> Finding:
    """The check's finding, or `could_not_check` with what stopped it; errors of the kinds `but` are the caller's."""
    try:
        return check()
    except but:
        raise
    except CANNOT as error:
        return could_not_check(name, f"{type(error).__name__}: {error}")
