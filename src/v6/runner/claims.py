"""Claimed slots: one empty file each, made by the gate, so that a slot of a task runs at most once even when clocks
go back or cron fires twice. Old ones are swept here, after a run."""

import os
from datetime import datetime

KEEP_SECONDS = 8 * 86_400


def sweep(directory: str, slot: datetime) -> None:
    """Remove claims of this task that lie too far before `slot` to be claimed again."""
    oldest = slot.timestamp() - KEEP_SECONDS
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.isdecimal() and int(entry.name) < oldest:
                os.unlink(entry.path)  # noqa: PTH108
