"""Sessions of CME's equity index futures, against CME's published hours."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from v6 import clock
from v6.clock import NEW_YORK
from v6.config.errors import ConfigError
from v6.paths import Paths
from v6.scheduler import calendar_file
from v6.scheduler.calendar_changes import changes
from v6.scheduler.compile import Outcome, compile_all
from v6.scheduler.futures_calendar import FILE, FuturesCalendar
from v6.scheduler.nyse_calendar import CalendarError

HOURS = {
    date(2026, 11, 20): ("11-19 18:00", "11-20 17:00"),
    date(2026, 11, 23): ("11-22 18:00", "11-23 17:00"),  # a Monday begins on Sunday
    date(2026, 11, 26): ("11-25 18:00", "11-26 13:00"),  # Thanksgiving: halted, not closed
    date(2026, 11, 27): ("11-26 18:00", "11-27 13:15"),
    date(2026, 12, 24): ("12-23 18:00", "12-24 13:15"),
    date(2026, 4, 3): ("04-02 18:00", "04-03 09:15"),  # Good Friday, with the jobs report
    date(2026, 6, 19): ("06-18 18:00", "06-19 13:00"),
}
CLOSED = (date(2026, 1, 1), date(2026, 12, 25), date(2026, 11, 28), date(2026, 11, 29))


@pytest.fixture(scope="session")
def text() -> str:
    today = clock.now().date()
    return calendar_file.render(calendar_file.futures_header(today), calendar_file.build_futures(today))


@pytest.fixture
def futures(text: str, tmp_path: Path) -> FuturesCalendar:
    (tmp_path / FILE).write_text(text)
    return FuturesCalendar(tmp_path / FILE)


@pytest.mark.parametrize("day", sorted(HOURS))
def test_a_session_runs_from_the_evening_before_to_its_close(futures: FuturesCalendar, day: date) -> None:
    session = futures.session(day)
    assert session is not None
    assert (f"{session.open:%m-%d %H:%M}", f"{session.close:%m-%d %H:%M}") == HOURS[day]
    assert session.early == (session.close.hour < 17)


@pytest.mark.parametrize("day", CLOSED)
def test_there_is_no_session_on_christmas_new_year_and_weekends(futures: FuturesCalendar, day: date) -> None:
    assert futures.session(day) is None


def test_the_hours_are_new_york_s_also_when_its_clocks_change(futures: FuturesCalendar) -> None:
    monday = futures.session(date(2026, 3, 9))
    assert monday is not None
    assert monday.open == datetime(2026, 3, 8, 18, tzinfo=NEW_YORK)
    assert monday.close.timestamp() - monday.open.timestamp() == timedelta(hours=23).total_seconds()


def test_a_day_that_is_not_covered_is_no_holiday(futures: FuturesCalendar) -> None:
    with pytest.raises(CalendarError, match="covers 2016-01-01"):
        futures.session(futures.covers[1] + timedelta(days=1))


def test_without_the_file_it_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match=r"v6\.scheduler\.compile"):
        FuturesCalendar(tmp_path / FILE)


def test_compiling_writes_it_beside_calendar_txt_and_twice_the_same(
    home: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths.locate()
    assert compile_all(paths).outcome == Outcome.COMPILED
    assert (paths.compiled / FILE).read_text() == text
    assert compile_all(paths).outcome == Outcome.UNCHANGED

    (paths.compiled / FILE).unlink()  # a home of before there was one
    assert compile_all(paths).outcome == Outcome.COMPILED
    assert (paths.compiled / FILE).read_text() == text

    def absent(_today: date) -> None:
        raise ConfigError("futures calendar: no such calendar")

    monkeypatch.setattr(calendar_file, "build_futures", absent)
    refused = compile_all(paths, calendars_anew=True)
    assert refused.outcome == Outcome.REFUSED
    assert (paths.compiled / FILE).read_text() == text  # the last good one stays


OLD = """# v6 calendar 1 pandas_market_calendars 5.4.0 covers 2026-01-01 2027-12-31 overrides none
2027-11-26 open 0930 1300 Day after Thanksgiving
2026-12-25 closed Christmas
2026-11-26 closed Thanksgiving
2026-04-10 closed Good Friday
"""
NEW = """# v6 calendar 1 pandas_market_calendars 5.5.0 covers 2026-01-01 2028-12-31 overrides none
2028-12-25 closed Christmas
2027-11-26 open 0930 1400 Day after Thanksgiving
2026-12-25 closed Christmas Day
2026-11-26 closed Thanksgiving
2026-04-03 closed Good Friday
"""


def test_every_difference_is_named_with_its_day_l05() -> None:
    found = changes(OLD, NEW, "09:30-16:00")
    assert found.days == (
        "2026-04-03 added: closed, was 09:30-16:00 (Good Friday)",
        "2026-04-10 removed: 09:30-16:00, was closed (Good Friday)",
        "2027-11-26 changed: 09:30-14:00, was 09:30-13:00 (Day after Thanksgiving)",
    )
    assert found.horizon == "covers 2026-01-01 to 2028-12-31, was 2026-01-01 to 2027-12-31"
    assert found.version == "pandas_market_calendars 5.5.0, was pandas_market_calendars 5.4.0"
    assert found.renamed == 1


def test_the_same_calendar_has_no_difference_and_a_spoilt_one_is_one() -> None:
    assert changes(NEW, NEW, "09:30-16:00").lines == []
    assert "could not be read" in changes("spoilt\n", NEW, "09:30-16:00").lines[0]
