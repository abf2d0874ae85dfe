"""TWS's own hours against the compiled calendar."""

from datetime import date, datetime

from v6.analysis.liquid_hours import Span, differences
from v6.clock import NEW_YORK

WEEK = [date(2026, 11, n) for n in (23, 24, 25, 27)]


def span(day: date, close: int = 16) -> Span:
    return (
        datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK),
        datetime(day.year, day.month, day.day, close, tzinfo=NEW_YORK),
    )


def thanksgiving_week(day: date) -> Span | None:
    if day == date(2026, 11, 27):
        return span(day, 13)
    return span(day) if day.weekday() < 5 and day != date(2026, 11, 26) else None


def test_a_holiday_and_an_early_close_agree() -> None:
    hours = [*(span(day) for day in WEEK[:3]), span(WEEK[3], 13)]

    assert differences(hours, thanksgiving_week) == []


def test_l05_a_holiday_that_the_calendar_does_not_know_is_named() -> None:
    hours = [span(date(2026, 11, 24)), span(date(2026, 11, 27), 13)]

    assert differences(hours, thanksgiving_week) == ["2026-11-25: TWS closed, calendar 09:30-16:00"]


def test_an_early_close_that_the_calendar_does_not_know_is_named() -> None:
    assert differences([span(date(2026, 11, 25), 13)], thanksgiving_week) == [
        "2026-11-25: TWS 09:30-13:00, calendar 09:30-16:00"
    ]


def test_a_session_on_a_day_that_the_calendar_has_closed_is_named() -> None:
    assert differences([span(date(2026, 11, 26))], thanksgiving_week) == [
        "2026-11-26: TWS 09:30-16:00, calendar closed"
    ]


def test_without_hours_there_is_nothing_to_compare() -> None:
    assert differences([], thanksgiving_week) == []
