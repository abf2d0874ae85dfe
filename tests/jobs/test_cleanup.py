"""cleanup_old_data as cron runs it: what it removes, what it refuses, and what a kill leaves."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from forked_runs import outcomes
from upkeep_desk import DAY, SNAPSHOTS, UpkeepDesk, at, built, copy_of
from v6.jobs.audit_data_integrity import audit_data_integrity
from v6.jobs.cleanup_old_data import cleanup_old_data
from v6.journal import audits, closed_days
from v6.model import FatalError
from v6.upkeep.closing import close_day

pytestmark = pytest.mark.long

OLD = date(2026, 8, 4)
SUNDAY = at("16:00", DAY + timedelta(days=2))


@pytest.fixture(scope="module")
def sunday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a closed day of 110 days ago, one of last Friday and 52 between, audited on Saturday."""
    home = tmp_path_factory.mktemp("sunday") / "home"
    with built(home) as made:
        for day in (OLD, DAY):
            made.now(at("18:30", day))
            made.collect(day)
            close_day(made.ctx, day)
        made.lived(DAY - timedelta(days=52), DAY - timedelta(days=1))
        made.now(at("15:00", DAY + timedelta(days=1)))
        audit_data_integrity(made.ctx)
    return home


@pytest.fixture
def desk(sunday: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = copy_of(sunday, home, monkeypatch)
    made.now(SUNDAY)
    yield made
    made.ctx.journal.close()


def old_log(home: Path) -> Path:
    """Of long ago, and one of each of the last 60 days."""
    log = home / "logs" / "tasks" / "health_check-2026-01-05.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    for passed in range(60):
        (log.parent / f"lived-{SUNDAY.date() - timedelta(days=passed)}.log").touch()
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


def test_a_clock_that_is_a_year_ahead_removes_no_day_and_says_why(desk: UpkeepDesk) -> None:
    """The audit of that clock is clean and young."""
    desk.now(at("15:00", date(2027, 11, 20)))
    audit_data_integrity(desk.ctx)
    desk.now(at("16:00", date(2027, 11, 21)))

    said = cleanup_old_data(desk.ctx)

    assert "no day of the lake is old enough" not in said  # 110 days ago: as it was without the year
    assert desk.ctx.lake.partitions(SNAPSHOTS) == [DAY]
    assert "the clock says 2027-11-21, but only 0 days since 2027-08-23 left a trace, not 51" in said


def test_an_audit_of_the_future_is_none(desk: UpkeepDesk) -> None:
    """It was run while the clock was wrong."""
    desk.now(at("15:00", DAY - timedelta(days=1)))
    with pytest.raises(
        FatalError, match="the last audit is of 2026-11-21 15:00, which is not yet: set the clock right"
    ):
        cleanup_old_data(desk.ctx)


def test_what_has_gone_since_the_audit_stops_it(desk: UpkeepDesk) -> None:
    desk.ctx.lake.remove(SNAPSHOTS, [DAY])
    with pytest.raises(FatalError, match="option_snapshots: 2026-11-20: 36 rows when it was closed, the log lists 0"):
        cleanup_old_data(desk.ctx)
    assert desk.ctx.lake.partitions(SNAPSHOTS) == [OLD]


@pytest.mark.integration
def test_l18_killed_anywhere_the_lake_is_sound_and_the_next_run_finishes(
    sunday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = ("retention_marked", "before_commit", "after_commit")
    desks = {}
    for point in points:
        monkeypatch.setenv("V6_HOME", str(tmp_path / point))
        desks[point] = copy_of(sunday, tmp_path / point, monkeypatch)
        desks[point].now(SUNDAY)
    job = ["cleanup_old_data"]

    died = outcomes([({"V6_HOME": str(tmp_path / point), "V6_FAILPOINT": point}, job) for point in points])

    assert died == [-9, -9, -9]
    for desk in desks.values():
        assert "failed" not in audit_data_integrity(desk.ctx)
    assert outcomes([({"V6_HOME": str(tmp_path / point)}, job) for point in points]) == [0, 0, 0]
    for desk in desks.values():
        assert desk.ctx.lake.partitions(SNAPSHOTS) == [DAY]
        assert desk.ctx.lake.read(SNAPSHOTS).height == 36
        assert "failed" not in audit_data_integrity(desk.ctx)
        desk.ctx.journal.close()
