"""cleanup_old_data as cron runs it: what it removes, what it refuses, and what a kill leaves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from upkeep_desk import DAY, SNAPSHOTS, UpkeepDesk, at
from v6.jobs.audit_data_integrity import audit_data_integrity
from v6.jobs.cleanup_old_data import cleanup_old_data
from v6.journal import audits, closed_days
from v6.model import FatalError
from v6.paths import ROOT
from v6.upkeep.closing import close_day

OLD = date(2026, 8, 4)
SUNDAY = at("16:00", DAY + timedelta(days=2))


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    """A closed day of 110 days ago and one of last Friday, audited on Saturday; now it is Sunday."""
    made = UpkeepDesk(home, monkeypatch)
    for day in (OLD, DAY):
        made.now(at("18:30", day))
        made.collect(day)
        close_day(made.ctx, day)
    made.now(at("15:00", DAY + timedelta(days=1)))
    audit_data_integrity(made.ctx)
    made.now(SUNDAY)
    yield made
    made.ctx.journal.close()


def old_log(home: Path) -> Path:
    log = home / "logs" / "tasks" / "health_check-2026-01-05.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("long ago\n")
    moment = at("18:30", date(2026, 1, 5)).timestamp()
    os.utime(log, (moment, moment))
    return log


def state(desk: UpkeepDesk) -> tuple[dict[str, int | None], list[Path]]:
    """Versions of the tables and every file of the home but the journal's."""
    versions = {entry.name: entry.version for entry in desk.ctx.lake.status()}
    return versions, sorted(path for path in desk.home.rglob("*") if not path.name.startswith("v6.db"))


def test_it_removes_the_old_day_and_its_log_and_says_how_much(desk: UpkeepDesk) -> None:
    log = old_log(desk.home)

    said = cleanup_old_data(desk.ctx)

    assert "days of the lake: option_snapshots 1 (36 rows, 0.0 MB)" in said
    assert "logs: 1 removed" in said
    assert desk.ctx.lake.partitions(SNAPSHOTS) == [DAY]
    assert desk.ctx.lake.partitions("option_contracts") == [OLD, DAY]
    assert not log.exists()
    assert "no day of the lake is old enough" in cleanup_old_data(desk.ctx)
    assert "closed days: ok" not in audit_data_integrity(desk.ctx)  # clean: only what is not ok is named


def test_a_dry_run_changes_nothing_and_names_what_would_go(desk: UpkeepDesk) -> None:
    old_log(desk.home)
    before = state(desk)

    said = cleanup_old_data(desk.context("cleanup_old_data", dry_run=True))

    assert said.startswith("would go: days of the lake: option_snapshots 1 (36 rows")
    assert "logs: 1 removed" in said
    assert state(desk) == before
    assert closed_days.of_day(desk.ctx.journal, OLD)[SNAPSHOTS].removed_at is None


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ("DELETE FROM events", "the lake was never audited: run scripts/audit_data_integrity.py"),
        ("UPDATE events SET at = '2026-11-07T12:00:00.000Z'", "the last audit is of 2026-11-07, more than 14 days ago"),
    ],
)
def test_without_an_audit_of_late_only_logs_are_removed(desk: UpkeepDesk, spoil: str, says: str) -> None:
    log = old_log(desk.home)
    desk.ctx.journal.execute(spoil)

    with pytest.raises(FatalError, match=says):
        cleanup_old_data(desk.ctx)

    assert desk.ctx.lake.partitions(SNAPSHOTS) == [OLD, DAY]
    assert not log.exists()


def test_after_a_failed_audit_it_refuses_and_names_what_failed(desk: UpkeepDesk) -> None:
    audits.record(desk.ctx.journal, "closed days: failed", clean=False, failed=["closed days"])

    with pytest.raises(FatalError, match=r"the audit of 2026-11-22 16:00 failed \(closed days\): docs/data.md"):
        cleanup_old_data(desk.ctx)

    assert desk.ctx.lake.partitions(SNAPSHOTS) == [OLD, DAY]
    dry = cleanup_old_data(desk.context("cleanup_old_data", dry_run=True))
    assert "now it would be refused: the audit of" in dry


@pytest.mark.integration
@pytest.mark.parametrize("failpoint", ["retention_marked", "before_commit", "after_commit"])
def test_l18_killed_anywhere_the_lake_is_sound_and_the_next_run_finishes(desk: UpkeepDesk, failpoint: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "cleanup_old_data.py")]

    died = subprocess.run(command, env=os.environ | {"V6_FAILPOINT": failpoint}, capture_output=True, check=False)

    assert died.returncode == -9, died.stderr
    assert "failed" not in audit_data_integrity(desk.ctx)
    subprocess.run(command, check=True, capture_output=True)
    assert desk.ctx.lake.partitions(SNAPSHOTS) == [DAY]
    assert desk.ctx.lake.read(SNAPSHOTS).height == 36
    assert "failed" not in audit_data_integrity(desk.ctx)
