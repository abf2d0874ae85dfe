"""One writer of a table at a time on this host. The kernel frees the lock of a killed process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from v6 import file_locks
from v6.store.errors import LakeBusyError

PATIENCE = timedelta(seconds=60)


@contextmanager
def table_lock(folder: Path, table: str, patience: timedelta = PATIENCE) -> Iterator[None]:
    """Hold `lake-TABLE.lock`; LakeBusyError when somebody else holds it for longer than `patience`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lake-{table}.lock"
    descriptor = file_locks.acquire(path, patience.total_seconds())
    if descriptor is None:
        raise LakeBusyError(f"{path}: another writer has held it for {patience}")
    try:
        yield
    finally:
        os.close(descriptor)
