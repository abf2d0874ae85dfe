"""calculate_intraday_statistics and calculate_daily_statistics, as cron starts them, on a real lake. No TWS."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from desk import DAY, Desk

import surface_rows
from statistics_desk import StatisticsDesk, weekdays
from v6.jobs import calculate_daily_statistics, calculate_intraday_statistics
from v6.model import FatalError, RecoverableError, SkipRun
from v6.runner.context import Context

pytestmark = pytest.mark.long

HOURLY, DAILY = "calculate_intraday_statistics", "calculate_daily_statistics"
YESTERDAY = DAY - timedelta(days=1)


@pytest.fixture
def office(home: Path, monkeypatch: pytest.MonkeyPatch) -> StatisticsDesk:
    """Jobs called in this process, at 18:00."""
    return StatisticsDesk(home, monkeypatch)


def hourly(ctx: Context) -> str:
    return calculate_intraday_statistics.calculate_intraday_statistics(ctx)


def evening(ctx: Context) -> str:
    return calculate_daily_statistics.calculate_daily_statistics(ctx)


def store(desk: Desk, day: date, slots: int) -> None:
    """What the morning and `slots` runs of the collector left, one commit a table."""
    contracts, quotes = surface_rows.market(day, slots=slots)
    desk.lake.write_universe(day, 1, contracts)
    for table, rows in (("option_snapshots", quotes), ("underlying_snapshots", surface_rows.underlyings(quotes))):
        desk.lake.replace(table, rows, trade_date=day)


@pytest.mark.integration
def test_the_hours_and_the_evening_of_a_day(desk_without_tws: Desk) -> None:
    """By the hour, at the end, again, and all of it by hand over two days: stored once, the same however often."""
    desk = desk_without_tws
    store(desk, YESTERDAY, 1)
    store(desk, DAY, 8)  # 09:30 to 10:05
    desk.lake.unite("bars", surface_rows.daily_bars(("SPY", "QQQ", "IWM", "VIX"), weekdays(YESTERDAY, 25)))

    desk.at("10:08")
    ran = desk.run(HOURLY, slot="10:08")
    assert ran.code == 0, ran.words
    assert len(desk.lake.read("intraday_statistics")) == 7 * 3

    desk.at("18:00")
    ran = desk.run(DAILY, slot="18:00")
    assert ran.code == 0, ran.words
    found = desk.lake.read("daily_statistics", trade_date=DAY)
    assert found["symbol"].to_list() == ["IWM", "QQQ", "SPY"]
    assert found["atm_iv_30d"].null_count() == 0
    assert set(found["underlying_close_reason"]) == {"not_final"}
    assert len(desk.lake.read("intraday_statistics")) == 8 * 3

    ran = desk.run(DAILY, "--from", str(YESTERDAY), "--to", str(DAY))
    assert ran.code == 0, ran.words
    assert "2 sessions: 6 rows" in ran.words
    assert desk.lake.read("daily_statistics", trade_date=YESTERDAY)["underlying_close"].null_count() == 0
    versions = [desk.lake.opened(table).version() for table in ("daily_statistics", "intraday_statistics")]  # type: ignore[union-attr]

    ran = desk.run(DAILY, "--date", str(DAY))
    assert ran.code == 0, ran.words
    assert versions == [desk.lake.opened(table).version() for table in ("daily_statistics", "intraday_statistics")]  # type: ignore[union-attr]
    assert desk.run(DAILY, "--date", "20.11.2026").code == 2


def test_a_day_to_come_that_a_rehearsal_has_played_is_computed_and_one_without_quotes_is_not(
    office: StatisticsDesk,
) -> None:
    """The home of a rehearsal is read on the real day."""
    ahead, later = DAY + timedelta(days=3), DAY + timedelta(days=4)
    office.store(*surface_rows.market(ahead, slots=1))

    assert evening(office.context(date=f"{ahead}")).startswith(f"{ahead}: 3 rows")
    with pytest.raises(SkipRun, match=f"the session of {later} is over at 16:00"):
        evening(office.context(date=f"{later}"))


def test_quotes_of_today_do_not_end_the_session(office: StatisticsDesk) -> None:
    office.store(*surface_rows.market(DAY, slots=1))
    office.at("15:00")

    with pytest.raises(SkipRun, match="is over at 16:00"):
        evening(office.context(date=f"{DAY}"))


def test_a_dry_run_writes_nothing(office: StatisticsDesk) -> None:
    office.store(*surface_rows.market(DAY, slots=1))

    assert hourly(office.context(dry_run=True)).startswith("dry run, nothing written: 2026-11-20 3 rows")
    assert evening(office.context(dry_run=True)).startswith("dry run, nothing written: 2026-11-20: 3 rows")

    for table in ("intraday_statistics", "daily_statistics", "option_greeks"):
        assert not office.lake.exists(table)


def test_the_evening_completes_the_days_that_waited_for_their_bars(office: StatisticsDesk) -> None:
    office.store_days([YESTERDAY, DAY])
    office.at("18:00", YESTERDAY)
    evening(office.context())
    office.store_bars(weekdays(YESTERDAY, 25))
    office.at("18:00")

    assert evening(office.context()).startswith("2026-11-19 to 2026-11-20, 2 sessions: 6 rows")

    stored = office.lake.read("daily_statistics", trade_date=YESTERDAY)
    assert stored["underlying_close"].null_count() == 0


def test_computed_volatilities_are_stored_as_computed_and_not_again(office: StatisticsDesk) -> None:
    """Of 12 contracts 4 have no volatility, 2 of these below intrinsic value: 2 of the 10 others are computed."""
    listed = surface_rows.contracts("SPY", 690.0, DAY, (24, 38), 3)
    quotes = surface_rows.quotes(listed, surface_rows.slots_of(DAY, 2, "10:00"), [690.0, 690.0])
    blank = quotes.with_columns(pl.when(pl.col("con_id") % 3 > 0).then(pl.col("iv")).alias("iv"))
    office.store(surface_rows.universe(listed, DAY), blank)

    assert "8 volatilities computed" in hourly(office.context())
    assert "0 volatilities computed, nothing new" in hourly(office.context())

    stored = office.lake.read("option_greeks")
    assert len(stored) == 8
    assert office.lake.read("intraday_statistics")["computed_iv_share"].to_list() == pytest.approx([0.2, 0.2])
    assert stored["why_null"].drop_nulls().to_list() == ["below_intrinsic"] * 4


@pytest.mark.parametrize(
    ("wall", "ending"),
    [("10:20", SkipRun), ("11:08", RecoverableError)],
)
def test_a_universe_without_quotes_is_no_input_in_the_first_hour_and_a_failure_after_it_l02(
    office: StatisticsDesk, wall: str, ending: type[Exception]
) -> None:
    office.lake.write_universe(DAY, 1, surface_rows.market(DAY, slots=1)[0])
    office.at(wall)

    with pytest.raises(ending, match="no slot of 2026-11-20 with quotes"):
        hourly(office.context())


def test_days_whose_quotes_are_cleaned_up_are_told_as_such_and_nothing_of_no_rows(office: StatisticsDesk) -> None:
    office.store_days([DAY])
    evening(office.context())
    for table in ("option_snapshots", "underlying_snapshots"):
        office.lake.replace(table, office.lake.read(table).clear(), trade_date=DAY)

    words = evening(office.context(first="2026-11-20"))

    assert words.startswith("nothing to compute, 1 session whose quotes are gone kept as they were")


def test_an_evening_without_quotes_stores_rows_that_say_so_and_fails_l02(office: StatisticsDesk) -> None:
    office.lake.write_universe(DAY, 1, surface_rows.market(DAY, slots=1)[0])

    with pytest.raises(RecoverableError, match="no quotes of 2026-11-20 are stored; 2026-11-20: 3 rows"):
        evening(office.context())

    assert set(office.lake.read("daily_statistics")["atm_iv_30d_reason"]) == {"no_quotes"}


@pytest.mark.parametrize(
    ("job", "given", "wall", "reason"),
    [
        (hourly, {"date": "2026-11-26"}, "18:00", "holiday"),
        (evening, {"date": "2026-11-22"}, "18:00", "holiday"),
        (evening, {}, "15:30", "not_yet"),
        (hourly, {}, "11:08", "no_input"),
        (evening, {}, "18:00", "no_input"),
    ],
)
def test_a_day_on_which_there_is_rightly_nothing_to_do_is_skipped_with_the_reason(
    office: StatisticsDesk, job: object, given: dict[str, str], wall: str, reason: str
) -> None:
    office.at(wall)

    with pytest.raises(SkipRun) as skipped:
        job(office.context(**given))  # type: ignore[operator]

    assert skipped.value.reason == reason


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"date": "yesterday"}, "--date 'yesterday' is wrong, allowed: a date such as 2026-11-20"),
        ({"date": "2031-01-02"}, "the calendar covers 2024-01-01 to 2027-12-31, not 2031-01-02"),
        ({"first": "2026-11-20", "last": "2026-11-19"}, "--from 2026-11-20 is after --to 2026-11-19"),
        ({"last": "2026-11-19"}, "--to needs --from"),
        ({"first": "2026-11-02", "date": "2026-11-02"}, "--from does not go with --date: one day, or several"),
        ({"first": "2027-01-04"}, "--from 2027-01-04 is after today, 2026-11-20; allowed: a first day not after"),
        ({"first": "1999-01-04"}, "the calendar covers 2024-01-01 to 2027-12-31"),
        ({"first": "2026-11-21", "last": "2026-11-22"}, "no session of these days is over"),
        ({"first": "2026-11-02", "last": "2026-11-06"}, "none of 5 sessions has a universe"),
    ],
)
def test_wrong_dates_are_refused_with_what_is_allowed(
    office: StatisticsDesk, given: dict[str, str], words: str
) -> None:
    with pytest.raises(FatalError, match=words):
        evening(office.context(**given))


def test_a_progress_bar_is_shown_on_a_terminal_only(
    office: StatisticsDesk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    office.store(*surface_rows.market(DAY, slots=1))

    evening(office.context(first=str(DAY)))
    assert capfd.readouterr().err == ""

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    evening(office.context(first=str(DAY)))
    assert "days" in capfd.readouterr().err
