"""One run of a task at a time (L08)."""

import os
from pathlib import Path

import pytest

from v6 import file_locks
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


@pytest.mark.parametrize(
    ("opened", "pid", "held"),
    [(False, os.getpid(), False), (True, os.getpid(), True), (False, 2**22 + 1, True)],
    ids=["of another file system", "of a file that shows another device", "left to a child by one that has ended"],
)
def test_an_inode_is_one_file_systems_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bool, pid: int, held: bool
) -> None:
    """As the kernel shows a lock on another device: of a second tmpfs, or of this very file on btrfs."""
    path = tmp_path / "market_session.lock"
    path.write_text("")
    table = tmp_path / "locks"
    table.write_text(f"1: FLOCK  ADVISORY  WRITE {pid} ff:ff:{path.stat().st_ino} 0 EOF\n")
    monkeypatch.setattr(file_locks, "TABLE", table)
    descriptor = os.open(path, os.O_RDONLY) if opened else -1
    try:
        assert file_locks.is_held(path) is held
    finally:
        if opened:
            os.close(descriptor)
