"""The result record: what a job says about itself, so that an exit code Python could also give by accident
(1 for an uncaught exception, 0 for a stray exit) is never believed alone. Standard library only."""

import json
import os
from collections import namedtuple

# what the job's edge can say of itself: success, skip, recoverable, fatal or signal
Result = namedtuple("Result", "outcome summary reason slot", defaults=("", None))


def write(path: str, result: Result) -> None:
    """Atomically: a reader finds the whole record or none."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(result._asdict(), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)  # noqa: PTH105 - pathlib costs the supervisor's start


def read(path: str) -> Result | None:
    """The record, or None when the job left none. One that cannot be understood counts as none."""
    try:
        with open(path, encoding="utf-8") as file:
            return Result(**json.load(file))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None


def remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        return
