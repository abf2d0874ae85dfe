"""Sessions, holidays and phases, held against pandas_market_calendars."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pandas_market_calendars
import pytest

from v6.clock import NEW_YORK
from v6.scheduler.nyse_calendar import CalendarError, NYSECalendar

pytestmark = pytest.mark.filterwarnings("ignore:Series.dt.weekday is deprecated")  # pandas_market_calendars 5.5
EARLY_DAY = date(2026, 11, 27)


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.fixture(scope="module")
def authority() -> pd.DataFrame:
    """Every session with pre-market and post-market times, by day."""
    nyse = pandas_market_calendars.get_calendar("NYSE")
    table = nyse.schedule("1990-01-01", "2028-12-31", market_times="all")
    local = table.apply(lambda column: column.dt.tz_convert("America/New_York"))
    return local.set_axis([stamp.date() for stamp in table.index])


def test_every_day_from_1990_to_two_years_ahead_is_what_the_authority_says(
    calendar: NYSECalendar, authority: pd.DataFrame
) -> None:
    assert calendar.covers == (date(1990, 1, 1), date(2028, 12, 31))
    sessions = {
        day: (row.market_open, row.market_close)
        for day, row in zip(authority.index, authority.itertuples(), strict=True)
    }
    day = calendar.first
    while day <= calendar.last:
        session = calendar.session(day)
        found = (session.open, session.close) if session else None
        assert found == sessions.get(day), day
        assert calendar.is_trading_day(day) == (day in sessions)
        assert (calendar.closure_reason(day) is None) == (day in sessions)
        day += timedelta(days=1)


def test_phases_change_exactly_when_the_authority_says(calendar: NYSECalendar, authority: pd.DataFrame) -> None:
    """L06: the phase comes from the session's real open and close, to the minute."""
    recent = authority[authority.index >= date(2019, 1, 1)]
    a_minute = timedelta(minutes=1)
    for pre, opens, closes, post in zip(recent.pre, recent.market_open, recent.market_close, recent.post, strict=True):
        bounds = ((pre, "closed", "pre_market"), (opens, "pre_market", "market_open"),
                  (closes, "market_open", "post_market"), (post, "post_market", "closed"))  # fmt: skip
        for bound, before, after in bounds:
            instant = bound.to_pydatetime()
            assert calendar.get_market_phase(instant - a_minute) == before, bound
            assert calendar.get_market_phase(instant) == after, bound


def test_good_friday_2026_is_the_third_of_april_and_the_tenth_is_open(calendar: NYSECalendar) -> None:
    """L05."""
    assert not calendar.is_trading_day(date(2026, 4, 3))
    assert calendar.closure_reason(date(2026, 4, 3)) == "Good Friday"
    assert calendar.is_trading_day(date(2026, 4, 10))


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-11-26", "Thanksgiving"),
        ("2026-11-28", "weekend"),
        ("2026-07-03", "Independence Day"),
        ("2025-01-09", "Jimmy Carter Death 2025"),
        ("2012-10-29", "Hurricane Sandy Closings 2012"),
        ("2026-06-19", "Juneteenth"),
        ("2026-11-27", None),
    ],
)
def test_a_closed_day_says_why(calendar: NYSECalendar, day: str, reason: str | None) -> None:
    assert calendar.closure_reason(date.fromisoformat(day)) == reason


def test_the_day_after_thanksgiving_closes_at_one(calendar: NYSECalendar) -> None:
    session = calendar.session(EARLY_DAY)
    assert session is not None
    assert (session.open, session.close, session.early) == (ny("2026-11-27 09:30"), ny("2026-11-27 13:00"), True)
    assert calendar.deviation(EARLY_DAY) == "Day after Thanksgiving"


def test_after_an_early_close_the_post_market_ends_at_five(calendar: NYSECalendar) -> None:
    phases = [calendar.get_market_phase(ny(f"2026-11-27 {at}")) for at in ("12:59", "13:00", "16:59", "17:00", "19:59")]
    assert phases == ["market_open", "post_market", "post_market", "closed", "closed"]


@pytest.mark.parametrize("text", ["2026-11-26 10:00", "2026-11-28 10:00"])
def test_no_phase_is_open_on_a_holiday_or_weekend(calendar: NYSECalendar, text: str) -> None:
    assert calendar.get_market_phase(ny(text)) == "closed"


def test_an_instant_of_another_zone_is_understood(calendar: NYSECalendar) -> None:
    tokyo = datetime(2026, 11, 24, 23, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert calendar.get_market_phase(tokyo) == "market_open"


def test_the_next_session_skips_thanksgiving(calendar: NYSECalendar) -> None:
    assert calendar.next_session(date(2026, 11, 25)).date == EARLY_DAY
    assert calendar.next_session(EARLY_DAY).date == date(2026, 11, 30)


@pytest.mark.parametrize("day", [date(1989, 12, 29), date(2029, 1, 2), date(2029, 1, 6)])
def test_a_day_outside_the_calendar_is_never_a_holiday(calendar: NYSECalendar, day: date) -> None:
    with pytest.raises(CalendarError, match="covers 1990-01-01 to 2028-12-31"):
        calendar.is_trading_day(day)
    with pytest.raises(CalendarError):
        calendar.closure_reason(day)
    with pytest.raises(CalendarError):
        calendar.get_market_phase(datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK))


def test_today_is_what_the_v6_clock_says(
    calendar: NYSECalendar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    offset = tmp_path / "offset"
    monkeypatch.setenv("V6_CLOCK_FILE", str(offset))
    offset.write_text(str(ny("2026-11-26 10:00").timestamp() - time.time()))
    assert calendar.closure_reason() == "Thanksgiving"
    assert calendar.get_market_phase() == "closed"
    offset.write_text(str(ny("2026-11-27 10:00").timestamp() - time.time()))
    assert calendar.is_trading_day()
    assert calendar.get_market_phase() == "market_open"
    assert calendar.next_session().date == date(2026, 11, 30)


def test_without_the_holiday_check_weekdays_are_sessions_and_early_closes_stay(calendar_text: str) -> None:
    drill = NYSECalendar.from_text(calendar_text, observe_holidays=False)
    assert drill.is_trading_day(date(2026, 11, 26))
    assert not drill.is_trading_day(date(2026, 11, 28))
    session = drill.session(EARLY_DAY)
    assert session is not None
    assert session.early


def test_a_missing_file_says_how_to_make_it(home: Path) -> None:
    with pytest.raises(CalendarError, match=r"python -m v6\.scheduler\.compile"):
        NYSECalendar()


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-26 closed Thanksgiving\n", "# v6 calendar 2 x 1 covers 2026-01-01 2026-12-31 overrides none\n"],
)
def test_a_file_without_our_header_is_refused(text: str) -> None:
    with pytest.raises(CalendarError, match="line 1 is not a V6 calendar header"):
        NYSECalendar.from_text(text)


def test_a_damaged_line_is_named(calendar_text: str) -> None:
    with pytest.raises(CalendarError, match="line 3 cannot be read"):
        NYSECalendar.from_text("\n".join([*calendar_text.splitlines()[:2], "2026-11-2 clos"]))
