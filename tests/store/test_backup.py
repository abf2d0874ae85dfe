"""A backup is whole or says that it is not; a restore is verified before it takes the lake's place (L33)."""

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forked_runs import outcomes
from option_rows import TASK
from v6.journal import database, events
from v6.store import backup, file_check, restore
from v6.store.exchange import exchange
from v6.store.lake import Lake
from v6.store.manifest import BackupError, fingerprint, manifest_of

Slots = dict[datetime, pl.DataFrame]
TABLE = "option_snapshots"


@pytest.fixture
def journal(home: Path) -> Path:
    """With one event."""
    path = home / "var" / "v6.db"
    db = database.connect(path)
    events.record(db, "test", "before the backup")
    db.close()
    return path


def write(lake: Lake, slots: Slots, first: int, last: int) -> None:
    for slot in list(slots)[first:last]:
        lake.write_slot(TABLE, task=TASK, slot=slot, frame=slots[slot])


def restored(lake: Lake, source: Path) -> Path | None:
    return restore.switch(lake, restore.stage(lake, source))


def leftovers(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name.startswith("lake."))


def test_what_was_backed_up_comes_back_and_the_lake_of_before_is_kept(
    lake: Lake, slots: Slots, home: Path, journal: Path
) -> None:
    write(lake, slots, 0, 4)
    then = lake.read(TABLE)
    made = backup.make(lake, journal, home / "backup")
    assert (made.tables[TABLE]["rows"], made.rows) == (96, 96)
    write(lake, slots, 4, 6)

    aside = restored(lake, home / "backup")

    assert_frame_equal(lake.read(TABLE), then)
    assert aside is not None
    assert aside.name.startswith("lake.before-restore-")
    assert Lake(str(aside), None, lake.locks).read(TABLE).height == 144
    write(lake, slots, 0, 12)
    assert lake.compact(TABLE).rows == 288


def test_a_backup_while_slots_are_written_is_of_one_version(
    lake: Lake, slots: Slots, home: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, slots, 0, 3)
    real = backup.copied

    def copied(source: Path, target: Path) -> tuple[int, str]:
        """Between any two files somebody else commits, and compacts."""
        write(lake, slots, 3, 6)
        lake.compact(TABLE)
        return real(source, target)

    monkeypatch.setattr(backup, "copied", copied)
    backup.make(lake, journal, home / "backup")
    monkeypatch.undo()

    restored(lake, home / "backup")

    assert lake.read(TABLE).height == 72


def test_a_new_host_gets_lake_and_journal(lake: Lake, slots: Slots, home: Path, journal: Path) -> None:
    write(lake, slots, 0, 2)
    made = backup.make(lake, journal, home / "backup")
    shutil.rmtree(home / "lake")
    journal.unlink()

    assert restored(lake, home / "backup") is None
    assert restore.restore_journal(home / "backup", made, journal, "now") is None

    assert lake.read(TABLE).height == 48
    assert [event.text for event in events.recent(database.connect(journal))] == ["before the backup"]


def test_the_journal_of_before_is_kept_whole(lake: Lake, slots: Slots, home: Path, journal: Path) -> None:
    write(lake, slots, 0, 1)
    made = backup.make(lake, journal, home / "backup")
    db = database.connect(journal)
    events.record(db, "test", "after the backup")
    db.close()

    aside = restore.restore_journal(home / "backup", made, journal, "now")

    assert aside is not None
    assert [event.text for event in events.recent(database.connect(journal))] == ["before the backup"]
    assert [row[0] for row in sqlite3.connect(aside).execute("SELECT text FROM events ORDER BY id")] == [
        "before the backup",
        "after the backup",
    ]


def a_file(source: Path) -> Path:
    return next((source / "lake" / TABLE).rglob("*.parquet"))


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def fewer_rows(source: Path) -> None:
    manifest = json.loads((source / "manifest.json").read_text())
    manifest["tables"][TABLE]["rows"] += 1
    (source / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda source: flip(a_file(source)), "checksum wrong"),
        (lambda source: flip(source / "v6.db"), "v6.db: checksum wrong"),
        (lambda source: a_file(source).unlink(), "incomplete: lake/option_snapshots/.* is not there"),
        (lambda source: (source / "manifest.json").unlink(), "not a backup: it has no manifest.json"),
        (lambda source: (source / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
        (lambda source: (source / "manifest.json").rename(source / "manifest.unfinished"), "incomplete: its making"),
        (fewer_rows, "48 rows, the manifest says 49"),
    ],
    ids=["flipped byte", "flipped journal", "lost file", "no manifest", "broken manifest", "unfinished", "other rows"],
)
def test_a_spoilt_backup_is_refused_and_the_lake_stays(
    lake: Lake, slots: Slots, home: Path, journal: Path, spoil: Callable[[Path], object], says: str
) -> None:
    write(lake, slots, 0, 2)
    backup.make(lake, journal, home / "backup")
    write(lake, slots, 2, 3)
    spoil(home / "backup")

    with pytest.raises(BackupError, match=says):
        restore.stage(lake, home / "backup")

    assert lake.read(TABLE).height == 72
    assert leftovers(home) == []


def test_a_folder_that_has_something_is_no_place_for_a_backup(lake: Lake, home: Path, journal: Path) -> None:
    with pytest.raises(BackupError, match="there is something already, allowed: a new or an empty folder"):
        backup.make(lake, journal, home)
    with pytest.raises(BackupError, match="lies in the lake"):
        backup.make(lake, journal, home / "lake" / "backup")


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(
    lake: Lake, slots: Slots, home: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, slots, 0, 2)
    backup.make(lake, journal, home / "backup")
    usage = shutil.disk_usage(home)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(BackupError, match=r"disk too small: 0\.\d MB are needed, 0\.0 MB are free"):
        restore.stage(lake, home / "backup")
    with pytest.raises(BackupError, match="disk too small"):
        backup.make(lake, journal, home / "another")
    with pytest.raises(BackupError, match="incomplete: its making was ended"):
        manifest_of(home / "another")


def test_two_folders_are_exchanged(home: Path) -> None:
    for name in ("one", "other"):
        (home / name).mkdir()
        (home / name / "whose").write_text(name)

    exchange(home / "one", home / "other")

    assert (home / "one" / "whose").read_text() == "other"
    assert (home / "other" / "whose").read_text() == "one"


@pytest.mark.integration
def test_l33_killed_in_a_restore_there_is_one_whole_lake_and_the_next_restore_works(
    home: Path, slots: Slots, tmp_path: Path
) -> None:
    lake = Lake(str(home / "var" / "lake"), None, home / "var" / "locks")
    write(lake, slots, 0, 2)
    backup.make(lake, home / "var" / "v6.db", home / "backup")
    write(lake, slots, 2, 3)
    rows = {"restore_copied": 72, "restore_verified": 72, "restore_named": 72, "restore_switched": 48}
    lakes = {}
    for point in rows:
        shutil.copytree(home, tmp_path / point)
        lakes[point] = Lake(str(tmp_path / point / "var" / "lake"), None, tmp_path / point / "var" / "locks")
    command = ["lake", "restore", str(home / "backup")]

    died = outcomes([({"V6_HOME": str(tmp_path / point), "V6_FAILPOINT": point}, command) for point in rows])

    assert died == [-9, -9, -9, -9]
    assert {point: one.read(TABLE).height for point, one in lakes.items()} == rows
    for point in rows:  # docs/data.md: such a folder may be removed
        for left in (tmp_path / point / "var").glob("lake.restoring-*"):
            shutil.rmtree(left)
    [old] = (tmp_path / "restore_switched" / "var").glob("lake.before-restore-*")
    assert Lake(str(old), None, lake.locks).read(TABLE).height == 72
    assert outcomes([({"V6_HOME": str(tmp_path / point)}, command) for point in rows]) == [0, 0, 0, 0]
    for one in lakes.values():
        assert one.read(TABLE).height == 48
        write(one, slots, 0, 3)
        assert one.read(TABLE).height == 72


def test_a_lake_without_a_table_is_no_backup(lake: Lake, home: Path, journal: Path) -> None:
    """As `v6 lake backup` sees it from cron with a wrong V6_HOME."""
    with pytest.raises(BackupError, match="there is no table to back up: is V6_HOME the right one"):
        backup.make(lake, journal, home / "backup")
    assert not (home / "backup").exists()


def test_a_log_entry_that_expires_meanwhile_pins_the_table_anew(
    lake: Lake, slots: Slots, home: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, slots, 0, 2)
    real, log = backup.copied, home / "lake" / TABLE / "_delta_log"

    def copied(source: Path, target: Path) -> tuple[int, str]:
        """Before the first file is copied, a compaction makes a checkpoint and drops what it has."""
        if (log / f"{0:020}.json").exists():
            lake.compact(TABLE)
            for number in range(3):
                (log / f"{number:020}.json").unlink()
        return real(source, target)

    monkeypatch.setattr(backup, "copied", copied)

    made = backup.make(lake, journal, home / "backup")

    assert made.tables[TABLE]["rows"] == 48
    restored(lake, home / "backup")
    assert lake.read(TABLE).height == 48


def test_a_file_that_is_really_gone_is_said(lake: Lake, slots: Slots, home: Path, journal: Path) -> None:
    write(lake, slots, 0, 2)
    next((home / "lake" / TABLE).rglob("*.parquet")).unlink()
    with pytest.raises(
        BackupError, match=r"parquet: is not there, .*: the lake is damaged, .*scripts/audit_data_integrity"
    ):
        backup.make(lake, journal, home / "backup")
    with pytest.raises(BackupError, match="incomplete"):
        manifest_of(home / "backup")


def cut(file: Path) -> None:
    os.truncate(file, 1000)


def without_its_footer(file: Path) -> None:
    """As long as before: what a disk that lost its last pages leaves."""
    content = file.read_bytes()
    file.write_bytes(content[:-500] + bytes(500))


def without_its_values(file: Path) -> None:
    """Size and footer are right: only who reads the values sees it."""
    content = bytearray(file.read_bytes())
    content[4:-4000] = bytes(len(content) - 4004)
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "says"),
    [(cut, "1000 bytes, the log says"), (without_its_footer, "cannot be read: ")],
    ids=["cut short", "no footer"],
)
def test_a_damaged_lake_is_not_backed_up_and_the_file_is_named(
    lake: Lake, slots: Slots, home: Path, journal: Path, damage: Callable[[Path], None], says: str
) -> None:
    write(lake, slots, 0, 2)
    file = a_file(home)
    damage(file)

    with pytest.raises(BackupError, match=rf"{file}: {says}.*the lake is damaged, this is no backup: scripts/audit"):
        backup.make(lake, journal, home / "backup")

    with pytest.raises(BackupError, match="incomplete: its making was ended"):
        restore.stage(lake, home / "backup")


@pytest.mark.parametrize(
    ("damage", "says"),
    [(cut, "1000 bytes, the log says"), (without_its_footer, "cannot be read"), (without_its_values, "cannot be read")],
    ids=["cut short", "no footer", "no values"],
)
def test_a_backup_of_a_lake_that_was_damaged_already_is_not_restored(
    lake: Lake, slots: Slots, home: Path, journal: Path, damage: Callable[[Path], None], says: str
) -> None:
    """Every checksum is right: the manifest has that of the damaged file."""
    write(lake, slots, 0, 1)
    backup.make(lake, journal, home / "backup")
    file = a_file(home / "backup")
    damage(file)
    manifest = json.loads((home / "backup" / "manifest.json").read_text())
    manifest["files"][file.relative_to(home / "backup").as_posix()] = fingerprint(file)
    (home / "backup" / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(BackupError, match=rf"{file}: {says}.*damaged before this backup was made"):
        restore.stage(lake, home / "backup")

    assert lake.read(TABLE).height == 24
    assert leftovers(home) == []


def test_a_file_has_the_rows_that_the_log_says(lake: Lake, slots: Slots, home: Path) -> None:
    write(lake, slots, 0, 1)
    file = a_file(home)
    size = file.stat().st_size
    for whole in (False, True):
        assert file_check.wrong(file, size, 24, whole=whole) == ""
        assert file_check.wrong(file, size, 25, whole=whole) == "24 rows, the log says 25"
        assert file_check.wrong(file, size, None, whole=whole) == ""


def test_a_disk_that_fills_up_leaves_no_half_lake_and_no_half_backup(
    lake: Lake, slots: Slots, home: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, slots, 0, 2)
    backup.make(lake, journal, home / "backup")

    def full(source: Path, target: Path) -> tuple[int, str]:
        target.parent.mkdir(parents=True, exist_ok=True)
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(backup, "copied", full)
    monkeypatch.setattr(restore, "copied", full)

    with pytest.raises(BackupError, match="No space left on device: nothing was restored"):
        restore.stage(lake, home / "backup")
    with pytest.raises(BackupError, match="No space left on device: this is no backup: remove it"):
        backup.make(lake, journal, home / "another")

    assert leftovers(home) == []
    assert lake.read(TABLE).height == 48


@pytest.mark.parametrize("place", ["lake/../../outside", "/etc/passwd", "lake/option_snapshots/../../x", "elsewhere"])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(
    lake: Lake, slots: Slots, home: Path, journal: Path, place: str
) -> None:
    write(lake, slots, 0, 1)
    backup.make(lake, journal, home / "backup")
    manifest = json.loads((home / "backup" / "manifest.json").read_text())
    manifest["files"][place] = manifest["files"]["v6.db"]
    (home / "backup" / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(BackupError, match=r"allowed: v6\.db, and files of its tables in lake/"):
        restore.stage(lake, home / "backup")


def test_a_journal_that_is_open_is_not_replaced(lake: Lake, slots: Slots, home: Path, journal: Path) -> None:
    """SQLite would add the old one's log of changes to the new one."""
    write(lake, slots, 0, 1)
    made = backup.make(lake, journal, home / "backup")
    reader = sqlite3.connect(journal)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()

    for refused in (
        lambda: restore.require_closed(journal),
        lambda: restore.restore_journal(home / "backup", made, journal, "now"),
    ):
        with pytest.raises(BackupError, match="another process has it open"):
            refused()

    reader.close()
    restore.require_closed(journal)
    restore.restore_journal(home / "backup", made, journal, "later")


def test_a_damaged_journal_can_be_restored_and_is_kept(lake: Lake, slots: Slots, home: Path, journal: Path) -> None:
    write(lake, slots, 0, 1)
    made = backup.make(lake, journal, home / "backup")
    journal.write_bytes(b"no database" * 1000)

    restore.require_closed(journal)
    aside = restore.restore_journal(home / "backup", made, journal, "now")

    assert aside is not None
    assert aside.read_bytes().startswith(b"no database")
    assert [event.text for event in events.recent(database.connect(journal))] == ["before the backup"]


def test_numbers_of_runs_go_on_after_those_of_the_journal_before(
    lake: Lake, slots: Slots, home: Path, journal: Path
) -> None:
    """The lake's export of a later day has runs by their numbers."""
    write(lake, slots, 0, 1)
    made = backup.make(lake, journal, home / "backup")
    db = database.connect(journal)
    last = [events.record(db, "test", "later") for _ in range(5)][-1]
    db.close()

    restore.restore_journal(home / "backup", made, journal, "now")

    assert events.record(database.connect(journal), "test", "after the restore") == last + 1
