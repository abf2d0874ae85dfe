"""A window is a stretch of real minutes."""

from datetime import date, datetime, time

import pytest

from v6.clock import NEW_YORK
from v6.rehearsal.window import around, demo_of, window_of
from v6.scheduler.nyse_calendar import Session


def test_both_ends_belong_to_the_window() -> None:
    minutes = list(window_of(date(2026, 11, 20), time(7, 55), time(8, 0)).minutes())

    assert [f"{minute:%H:%M}" for minute in minutes] == ["07:55", "07:56", "07:57", "07:58", "07:59", "08:00"]


def test_an_end_before_the_start_is_on_the_next_day() -> None:
    window = window_of(date(2026, 11, 20), time(23, 30), time(0, 40))

    assert window.end == datetime(2026, 11, 21, 0, 40, tzinfo=NEW_YORK)
    assert len(list(window.minutes())) == 71


def test_the_skipped_hour_has_no_minutes_and_the_repeated_one_has_them_twice() -> None:
    spring = list(window_of(date(2026, 3, 8), time(1, 30), time(3, 30)).minutes())
    autumn = list(window_of(date(2026, 11, 1), time(0, 30), time(1, 30)).minutes())

    assert len(spring) == 61
    assert len(autumn) == 121
    assert [f"{minute:%H:%M %Z}" for minute in autumn][-1] == "01:30 EST"


@pytest.mark.parametrize(
    ("close", "windows"),
    [
        (time(16), ["07:55-10:00", "15:55-15:55", "16:15-16:15", "20:00-20:00"]),
        (time(13), ["07:55-10:00", "12:55-12:55", "13:15-13:15", "17:00-17:00"]),
    ],
)
def test_the_demo_is_a_morning_and_a_moment_in_each_later_phase(close: time, windows: list[str]) -> None:
    day = date(2026, 11, 27)
    opens, closes = (datetime.combine(day, at, NEW_YORK) for at in (time(9, 30), close))

    demo = demo_of(Session(day, opens, closes, early=close < time(16)))

    assert [f"{window.start:%H:%M}-{window.end:%H:%M}" for window in demo] == windows


def test_while_the_host_is_down_no_minute_is_played() -> None:
    day = window_of(date(2026, 11, 20), time(8, 0), time(18, 0))
    down, up = datetime(2026, 11, 20, 11, 0, tzinfo=NEW_YORK), datetime(2026, 11, 20, 13, 0, tzinfo=NEW_YORK)

    before, after = around(day, down, up)

    assert (before.start, after.end) == (day.start, day.end)
    assert set(day.minutes()) - {*before.minutes(), *after.minutes()} == set(
        window_of(down.date(), time(11), time(12, 59)).minutes()
    )
    with pytest.raises(ValueError, match="allowed: one after the other, within 2026-11-20 08:00 to 2026-11-20 18:00"):
        around(day, up, down)
