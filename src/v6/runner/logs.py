"""A job's log: one file per task and day, and one for everything. Safe with many processes writing: each record is
a single append, nothing is ever rotated under a writer. Times are New York's on the (possibly shifted) clock."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock

if TYPE_CHECKING:
    from loguru import Logger, Record

LAYOUT = "{extra[at]} | {level: <7} | {extra[task]} | {message}"
UNIFIED = Path("scheduler", "unified_scheduler.log")


def day_log(log_directory: Path, task: str) -> Path:
    """Where a run of the task that starts now logs."""
    return log_directory / "tasks" / f"{task}-{clock.now():%Y-%m-%d}.log"


def open_log(task: str, files: list[Path], *, to_terminal: bool) -> "Logger":
    """Loguru's logger, writing to `files` (folders are made) and, for a person who watches, to stderr."""
    from loguru import logger

    logger.remove()
    logger.configure(extra={"task": task}, patcher=_stamp)
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        # catch=True: a full disk is reported on stderr and never ends the run
        logger.add(appender(file), format=LAYOUT, level="INFO", catch=True, backtrace=False, diagnose=False)
    if to_terminal:
        logger.add(sys.stderr, format=LAYOUT, level="INFO", backtrace=False, diagnose=False, filter=_unanswered)
    return logger


def appender(file: Path) -> Callable[[str], None]:
    """A sink that appends each record with one write, whoever else writes to the file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def append(message: str) -> None:
        os.write(descriptor, message.encode("utf-8", "backslashreplace"))

    return append


def _unanswered(record: "Record") -> bool:
    """Not what stdout says as well."""
    return not record["extra"].get("answered")


def _stamp(record: "Record") -> None:
    record["extra"]["at"] = f"{clock.now():%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"{clock.now(): %Z}"
