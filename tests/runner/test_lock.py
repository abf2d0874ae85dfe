"""One run of a task at a time (L08)."""

import os
from pathlib import Path

from v6.runner import lock


def test_a_held_lock_is_not_given_twice(tmp_path: Path) -> None:
    first = lock.acquire(str(tmp_path / "locks"), "collect")
    assert first is not None
    assert lock.acquire(str(tmp_path / "locks"), "collect") is None
    assert lock.acquire(str(tmp_path / "locks"), "other") is not None
    os.close(first)


def test_a_closed_lock_is_free_though_its_file_stays(tmp_path: Path) -> None:
    first = lock.acquire(str(tmp_path), "collect")
    assert first is not None
    os.close(first)
    assert (tmp_path / "collect.lock").exists()
    assert lock.acquire(str(tmp_path), "collect") is not None
