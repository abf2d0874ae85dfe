"""What goes is old, closed and named in the configuration; everything else stays (L22)."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from upkeep_desk import DAY, SNAPSHOTS, UpkeepDesk, at, built, copy_of
from v6.config.errors import ConfigError
from v6.config.load import load
from v6.config.retention_rules import FOR_EVER, MAY_EXPIRE
from v6.jobs.cleanup_old_data import cleanup_old_data
from v6.journal import closed_days
from v6.paths import Paths
from v6.store.tables import TABLES
from v6.upkeep import retention
from v6.upkeep.closing import close_day
from v6.upkeep.elapsed import Limit, limit

OLD, OLDER_STILL = date(2026, 8, 4), date(2026, 8, 3)


@pytest.fixture(scope="module")
def home_of_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two old days, the older of which was never closed; all days since were; and today."""
    home = tmp_path_factory.mktemp("retention") / "home"
    with built(home) as desk:
        desk.now(at("18:30", OLDER_STILL))
        desk.collect(OLDER_STILL)
        desk.now(at("18:30", OLD))
        desk.collect(OLD)
        close_day(desk.ctx, OLD)
        desk.lived(OLD + timedelta(days=1), DAY - timedelta(days=1))
        desk.now(at("16:00"))
        desk.collect()
    return home


@pytest.fixture
def two_old_days(home_of_months: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    desk = copy_of(home_of_months, home, monkeypatch)
    desk.now(at("16:00"))
    yield desk
    desk.ctx.journal.close()


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


@pytest.mark.parametrize("days", [36501, 100_000_000])
@pytest.mark.parametrize("key", ["tables.option_snapshots", "logs_days", "journal_days"])
def test_more_than_a_hundred_years_is_refused_by_name(home: Path, key: str, days: int) -> None:
    """A calendar does not go back that far."""
    name, _, table = key.partition(".")
    production = home / "config" / "production.yaml"
    production.parent.mkdir()
    production.write_text(yaml.safe_dump({"retention": {name: {table: days} if table else days}}))
    production.chmod(0o600)

    with pytest.raises(ConfigError, match=f"retention.{key}: {days} is wrong, allowed: less than or equal to 36500"):
        load(Paths.locate(), {})


def test_the_longest_retention_makes_nothing_old(home: Path, closed: UpkeepDesk) -> None:
    production = home / "config" / "production.yaml"
    production.parent.mkdir(exist_ok=True)
    production.write_text("retention: {tables: {option_snapshots: 36500}, logs_days: 36500, journal_days: 36500}")
    production.chmod(0o600)

    said = cleanup_old_data(closed.context("cleanup_old_data", dry_run=True))

    assert said.startswith("would go: no day of the lake is old enough; no log is due")


def test_a_mapping_without_a_table_is_said(home: Path, closed: UpkeepDesk) -> None:
    production = home / "config" / "production.yaml"
    production.parent.mkdir(exist_ok=True)
    production.write_text("retention: {tables: {}}")
    production.chmod(0o600)

    said = cleanup_old_data(closed.context("cleanup_old_data", dry_run=True))

    assert said.startswith("would go: retention.tables names no table: no day of the lake may go; ")


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


def test_a_clock_that_is_a_year_ahead_makes_nothing_old_and_it_is_said(closed: UpkeepDesk) -> None:
    """With what such a clock collects and closes itself, too."""
    next_year = date(2027, 11, 19)
    closed.now(at("18:30", next_year))
    closed.collect(next_year)
    close_day(closed.ctx, next_year)

    [due] = retention.expired(closed.ctx)

    assert (due.days, due.not_closed) == ((), ())
    assert due.held_back == (
        "old by the clock and kept: 1 day: the clock says 2027-11-19, "
        "but only 1 day since 2027-08-21 left a trace, not 51"
    )


@pytest.mark.parametrize(
    ("today", "first_kept"),
    [
        (date(2026, 11, 22), date(2026, 8, 24)),  # over the end of summer time on 1 November
        (date(2027, 3, 15), date(2026, 12, 15)),  # over its beginning on 14 March
        (date(2028, 3, 1), date(2027, 12, 2)),  # over 29 February
    ],
)
def test_days_are_counted_by_the_calendar(today: date, first_kept: date) -> None:
    every_day = [today - timedelta(days=passed) for passed in range(200)]
    assert limit(today, 90, every_day) == Limit(first_kept)


def test_as_many_days_stay_as_a_life_without_gaps_would_have_left() -> None:
    today = date(2026, 11, 22)
    sessions = [
        today - timedelta(days=passed) for passed in range(400) if (today - timedelta(days=passed)).weekday() < 5
    ]
    assert limit(today, 90, sessions).first_kept == date(2026, 8, 24)
    assert limit(today, 90, sessions[-51:]).first_kept == min(sessions)
    assert limit(today, 90, sessions[-50:]).first_kept < min(sessions)
    assert limit(today, 90, []).first_kept < date(2026, 1, 1)
