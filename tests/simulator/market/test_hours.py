"""Sessions of the simulated markets."""

from datetime import date, datetime

import pytest

from v6.clock import NEW_YORK
from v6.simulator.market.hours import CHICAGO, Hours, hours_text


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK).timestamp()


@pytest.mark.parametrize(
    ("kind", "instant", "open_now"),
    [
        ("IND", at(24, 9, 29), False),
        ("IND", at(24, 9, 30), True),
        ("IND", at(24, 16), False),
        ("STK", at(24, 3, 59), False),
        ("STK", at(24, 4), True),
        ("STK", at(24, 19, 59), True),
        ("STK", at(24, 20), False),
        ("STK", at(27, 16, 59), True),
        ("STK", at(27, 17), False),
        ("STK", at(26, 12), False),
        ("OPT", at(27, 12, 59), True),
        ("OPT", at(27, 13), False),
        ("FUT", at(22, 17, 59), False),
        ("FUT", at(22, 18), True),
        ("FUT", at(24, 17, 30), False),
        ("FUT", at(24, 18, 30), True),
        ("FUT", at(26, 12, 30), True),
        ("FUT", at(26, 13, 30), False),
        ("FUT", at(26, 18, 30), True),
        ("FUT", at(27, 13, 14), True),
        ("FUT", at(27, 13, 15), False),
        ("FUT", at(28, 12), False),
    ],
)
def test_a_market_is_open_when_it_is(calendar, kind, instant, open_now):
    assert Hours(calendar).current(kind, instant)[1] == open_now


def test_futures_are_shut_on_good_friday(calendar):
    assert Hours(calendar).futures(date(2026, 4, 3)) is None


def test_without_a_calendar_every_weekday_is_a_session_and_it_says_so():
    hours = Hours()
    assert hours.assumed
    assert hours.is_trading_day(date(2026, 11, 26))
    assert not hours.is_trading_day(date(2026, 11, 28))


def test_beyond_the_calendar_weekdays_are_assumed(calendar):
    assert Hours(calendar).is_trading_day(date(2028, 11, 23))


def test_the_futures_day_begins_the_evening_before(calendar):
    text = hours_text(Hours(calendar), "FUT", date(2026, 11, 24), liquid=False, zone=CHICAGO)
    assert text.split(";")[0] == "20261123:1700-20261124:1600"
    assert text.split(";")[3] == "20261126:1700-20261127:1215"


def test_hours_follow_new_york_through_both_clock_changes():
    for day in (date(2026, 3, 9), date(2026, 11, 2)):
        segment = Hours().regular(day)
        assert datetime.fromtimestamp(segment.start, NEW_YORK).strftime("%H:%M") == "09:30"
        assert segment.end - segment.start == 6.5 * 3600
