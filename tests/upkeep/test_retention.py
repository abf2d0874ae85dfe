"""What goes is old, closed and named in the configuration; everything else stays (L22)."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from upkeep_desk import DAY, SNAPSHOTS, UpkeepDesk, at
from v6.config.errors import ConfigError
from v6.config.load import load
from v6.config.retention_rules import FOR_EVER, MAY_EXPIRE
from v6.journal import closed_days
from v6.paths import Paths
from v6.store.tables import TABLES
from v6.upkeep import retention
from v6.upkeep.closing import close_day

OLD, OLDER_STILL = date(2026, 8, 4), date(2026, 8, 3)


@pytest.fixture
def two_old_days(desk: UpkeepDesk) -> UpkeepDesk:
    """The older was never closed. Besides, today."""
    desk.now(at("18:30", OLDER_STILL))
    desk.collect(OLDER_STILL)
    desk.now(at("18:30", OLD))
    desk.collect(OLD)
    close_day(desk.ctx, OLD)
    desk.now(at("16:00"))
    desk.collect()
    return desk


def test_every_table_either_may_expire_or_is_kept_for_ever() -> None:
    assert set(TABLES) == MAY_EXPIRE | FOR_EVER
    assert not MAY_EXPIRE & FOR_EVER


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("daily_statistics", "retention.tables.daily_statistics: daily_statistics is kept for ever"),
        ("slot_ledger", "slot_ledger is kept for ever"),
        ("bars", "bars is kept for ever"),
        ("option_snapshot", "option_snapshot is no table, allowed: closing_marks, futures_snapshots, option_greeks"),
    ],
)
def test_l22_a_retention_for_what_is_kept_for_ever_is_refused(home: Path, table: str, says: str) -> None:
    production = home / "config" / "production.yaml"
    production.parent.mkdir()
    production.write_text(yaml.safe_dump({"retention": {"tables": {table: 90}}}))
    production.chmod(0o600)

    with pytest.raises(ConfigError, match=says):
        load(Paths.locate(), {})


def test_only_closed_days_beyond_the_retention_are_due(two_old_days: UpkeepDesk) -> None:
    [due] = retention.expired(two_old_days.ctx)

    assert (due.table, due.days, due.not_closed) == (SNAPSHOTS, (OLD,), (OLDER_STILL,))
    assert (due.files, due.rows) == (1, 36)
    assert due.size_bytes > 1000


def test_the_day_before_the_limit_stays(two_old_days: UpkeepDesk) -> None:
    two_old_days.now(at("16:00", OLD + timedelta(days=90)))
    assert not [due for due in retention.expired(two_old_days.ctx) if due.days]
    two_old_days.now(at("16:00", OLD + timedelta(days=91)))
    assert [due.days for due in retention.expired(two_old_days.ctx)] == [(OLD,)]


def test_what_goes_leaves_its_checksum_and_nothing_else_goes(two_old_days: UpkeepDesk) -> None:
    lake, journal = two_old_days.ctx.lake, two_old_days.ctx.journal
    [due] = retention.expired(two_old_days.ctx)
    sealed = closed_days.of_day(journal, OLD)[SNAPSHOTS]

    retention.remove(two_old_days.ctx, due)

    assert lake.partitions(SNAPSHOTS) == [OLDER_STILL, DAY]
    assert lake.read(SNAPSHOTS).height == 72
    assert lake.partitions("option_contracts") == [OLDER_STILL, OLD, DAY]
    assert lake.read("slot_ledger", trade_date=OLD).height > 0
    after = closed_days.of_day(journal, OLD)[SNAPSHOTS]
    assert after.removed_at is not None
    assert after._replace(removed_at=None) == sealed
    assert not [one for one in retention.expired(two_old_days.ctx) if one.days]
