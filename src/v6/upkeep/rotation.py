"""Logs that are no longer written, or have grown too large (L31).

Many processes write a log at once, each with its own open file and one append a record (`v6.runner.logs`). A log is
therefore rotated by renaming it: who has it open writes on into the renamed file, who opens it next makes a new one,
and no record is lost. `NAME.log` becomes `NAME.2026-11-22.log`; task logs have their day in the name from the start.

    removed   of a day more than `logs_days` ago, and not written to since then (and not of the newest days that have
              logs, whatever the clock says: v6.upkeep.elapsed)
              earlier, oldest first, when all logs of finished days together are larger than BUDGET_BYTES
    rotated   a log without a day in its name, larger than ROTATE_BYTES
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from v6.clock import NEW_YORK
from v6.upkeep.elapsed import limit

FOLDERS = ("tasks", "scheduler", "cron")
DATED = re.compile(r"[-.](\d{4}-\d{2}-\d{2})\.log$")
ROTATE_BYTES = 16 << 20
BUDGET_BYTES = 2 << 30
FINISHED = timedelta(days=2)
"""A log of an earlier day is no longer written to by anything but a process that has lived since."""


@dataclass(frozen=True, slots=True)
class Log:
    path: Path
    day: date | None
    size: int
    written: date


@dataclass(frozen=True, slots=True)
class Rotation:
    """What goes and what is renamed."""

    removed: tuple[Log, ...]
    renamed: tuple[tuple[Log, Path], ...]

    @property
    def removed_bytes(self) -> int:
        return sum(log.size for log in self.removed)


def due(log_directory: Path, today: date, logs_days: int) -> Rotation:
    """What is due; touches nothing."""
    logs = _logs(log_directory)
    first_kept = limit(today, logs_days, [log.day for log in logs if log.day is not None]).first_kept
    expired = [
        log
        for log in logs
        if log.day is not None and log.day < first_kept and _age(log, today) > timedelta(days=logs_days)
    ]
    finished = sorted(
        (log for log in logs if log.day is not None and log not in expired and _age(log, today) > FINISHED),
        key=lambda log: (log.day, log.path),
    )
    excess = sum(log.size for log in finished) - BUDGET_BYTES
    for log in finished:
        if excess <= 0:
            break
        expired.append(log)
        excess -= log.size
    renamed = [
        (log, target)
        for log in logs
        if log.day is None and log.size > ROTATE_BYTES
        if not (target := log.path.with_name(f"{log.path.stem}.{today}.log")).exists()
    ]
    return Rotation(tuple(expired), tuple(renamed))


def carry_out(rotation: Rotation) -> None:
    """A file that has gone meanwhile is none to remove."""
    for log in rotation.removed:
        log.path.unlink(missing_ok=True)
    for log, target in rotation.renamed:
        log.path.rename(target)


def _age(log: Log, today: date) -> timedelta:
    """Since the day of its name and since it was last written to; a current log has none."""
    return timedelta(0) if log.day is None else min(today - log.day, today - log.written)


def _logs(log_directory: Path) -> list[Log]:
    found = []
    for path in sorted(path for folder in FOLDERS for path in (log_directory / folder).glob("*.log")):
        named = DATED.search(path.name)
        stat = path.stat()
        written = datetime.fromtimestamp(stat.st_mtime, NEW_YORK).date()
        found.append(Log(path, _day(named[1]) if named else None, stat.st_size, written))
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
