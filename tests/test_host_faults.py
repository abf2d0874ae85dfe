import errno
import sqlite3
from pathlib import Path

import pytest

from v6 import host_faults
from v6.paths import ROOT

JOURNAL = "/somewhere/var/v6.db"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.DatabaseError("file is not a database"), "is damaged"),
        (sqlite3.DatabaseError("database disk image is malformed"), "v6 journal repair"),
        (sqlite3.OperationalError("database is locked"), "stayed locked by another process"),
        (sqlite3.OperationalError("unable to open database file"), "ls -la /somewhere/var"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be opened or written"),
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


def test_only_what_is_in_the_file_can_be_damaged() -> None:
    assert host_faults.is_damage(sqlite3.DatabaseError("database disk image is malformed"))
    for harmless in ("database is locked", "unable to open database file", "disk I/O error"):
        assert not host_faults.is_damage(sqlite3.OperationalError(harmless))
    assert not host_faults.is_damage(ValueError("malformed"))


GATE = "cannot be written: the slot cannot be claimed", "install tzdata", "no interpreter: run make setup"
OURS = "is full", "has no inode left", "is read-only", "stayed locked by another", "is damaged", "cannot be opened or"


def test_what_a_person_reads_is_what_the_guide_explains() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    chapter = guide.partition("## When the host misbehaves\n")[2].partition("\n## ")[0]
    gate = (ROOT / "scripts" / "cron_wrapper.sh").read_text(encoding="utf-8")
    ours = Path(host_faults.__file__).read_text(encoding="utf-8")
    for source, sayings in ((gate, GATE), (ours, OURS)):
        for words in sayings:
            assert words in source
            assert words in chapter
