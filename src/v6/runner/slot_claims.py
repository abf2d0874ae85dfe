"""Who collects a slot: the market session and the task's own run by cron both hold its claim while they do.

A lock of the kernel, one byte a slot: byte n is minute n since 1970. A holder that dies gives it up at once.
"""

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from v6 import byte_locks


class SlotClaims:
    """The claims of one holder on slots of one task."""

    def __init__(self, locks: Path, task: str) -> None:
        locks.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(locks / f"{task}.slots", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, slot: datetime) -> bool:
        """Whether the slot is ours now; also when it already was."""
        return byte_locks.lock(self._descriptor, _byte(slot))

    def give_up(self, slot: datetime) -> None:
        byte_locks.unlock(self._descriptor, _byte(slot))

    def taken_by_another(self, slot: datetime) -> bool:
        return byte_locks.taken_by_another(self._descriptor, _byte(slot))

    def close(self) -> None:
        """Gives every slot up. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _byte(slot: datetime) -> int:
    return int(slot.timestamp()) // 60
