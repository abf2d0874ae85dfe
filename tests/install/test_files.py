"""A file of root's is there whole or not at all, and is another one for a daemon that looks at seconds."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from v6.install import files
from v6.install.refused import RefusedError


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "v6-trading"
    texts = {letter * 50_000 for letter in "ab"}
    files.put(path, "a" * 50_000)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for text in ("b" * 50_000, "a" * 50_000):
        files.put(path, text)
    done.set()
    reader.join()
    assert seen <= texts
    assert not files.temporary(path).exists()


def test_a_file_replaced_within_a_second_gets_another_second(tmp_path: Path) -> None:
    """Debian's cron compares whole seconds (database.c)."""
    path = tmp_path / "v6-trading"
    seconds = []
    for text in ("one\n", "two\n"):
        files.put(path, text)
        seconds.append(int(path.stat().st_mtime))
    assert seconds[0] != seconds[1]


def test_a_leftover_of_another_is_not_written_into(tmp_path: Path) -> None:
    """A link in its place would lead root elsewhere."""
    path, elsewhere = tmp_path / "v6-trading", tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    files.temporary(path).symlink_to(elsewhere)
    files.put(path, "ours\n")
    assert elsewhere.read_text() == "precious\n"
    assert path.read_text() == "ours\n"
    assert files.temporary(path).name.startswith(".")


def test_what_is_there_counts_only_with_its_owner_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "v6-trading"
    assert not files.as_put(path, "ours\n")
    files.put(path, "ours\n")
    assert files.as_put(path, "ours\n")
    (tmp_path / "second").hardlink_to(path)
    assert not files.as_put(path, "ours\n")  # Debian's cron ignores it
    files.put(path, "ours\n")
    assert files.as_put(path, "ours\n")
    path.chmod(0o664)
    assert not files.as_put(path, "ours\n")


def test_two_installers_never_work_at_once(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        with pytest.raises(RefusedError, match="another installer"), files.alone(tmp_path):
            pass
    finally:
        os.close(fd)
    with files.alone(tmp_path):
        pass
