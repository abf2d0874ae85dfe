import errno
import sqlite3
from pathlib import Path

import pytest

from v6 import host_faults

JOURNAL = "/somewhere/var/v6.db"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.DatabaseError("file is not a database"), "is damaged"),
        (sqlite3.DatabaseError("database disk image is malformed"), "v6 journal repair"),
        (sqlite3.OperationalError("database is locked"), "stayed locked by another process"),
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
        (OSError(errno.EROFS, "Read-only file system"), "is read-only"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "quota"),
    ],
)
def test_what_disk_and_journal_do_is_said_with_what_to_do(error: Exception, words: str, tmp_path: Path) -> None:
    said = host_faults.fault(error, str(tmp_path / "not" / "there"), JOURNAL)
    assert words in said
    assert str(error) in said or str(error.args[0]) in said


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), KeyError("missing"), ValueError("x")]
)
def test_anything_else_is_nobodys_fault_and_is_named_as_it_is(error: Exception, tmp_path: Path) -> None:
    assert host_faults.fault(error, str(tmp_path), JOURNAL) == ""
    assert host_faults.words(error, str(tmp_path), JOURNAL) == f"{type(error).__name__}: {error}"


def test_an_error_of_sqlite_on_a_disk_with_room_is_named_as_it_is(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("no such table: runs")
    assert host_faults.words(error, str(tmp_path), JOURNAL) == "OperationalError: no such table: runs"
