"""One writer of a table at a time on this host. The kernel frees the lock of a killed process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from v6 import clock
from v6.store.errors import LakeBusyError

PATIENCE = timedelta(seconds=60)
LOOK_AGAIN = 0.02  # seconds


@contextmanager
def table_lock(folder: Path, table: str, patience: timedelta = PATIENCE) -> Iterator[None]:
    """Hold `lake-TABLE.lock`; LakeBusyError when somebody else holds it for longer than `patience`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lake-{table}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, path, patience)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, patience: timedelta) -> None:
    give_up = clock.monotonic() + patience.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= give_up:
                raise LakeBusyError(f"{path}: another writer has held it for {patience}") from None
            clock.sleep(LOOK_AGAIN)
        else:
            return
