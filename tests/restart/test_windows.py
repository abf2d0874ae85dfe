"""When windows are: any number, each in its zone, across midnight and both nights on which clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.clock import NEW_YORK
from v6.restart import windows
from v6.restart.windows import Occurrence
from v6.scheduler.compiled import Window

EVERY = "1234567"
DAILY = Window(name="daily_restart", zone="America/New_York", days=EVERY, start=1425, end=5, acts=True)
MORNING = Window(name="weekday_morning", zone="America/New_York", days="12345", start=345, end=360, acts=True)
SUNDAY = Window(name="sunday_maintenance", zone="America/New_York", days="7", start=600, end=840, acts=True)
DEFAULTS = (DAILY, MORNING, SUNDAY)
TOKYO = (Window(name="daily_restart", zone="Asia/Tokyo", days=EVERY, start=1425, end=5, acts=True), MORNING, SUNDAY)
HELD = Window(name="held", zone="America/New_York", days=EVERY, start=720, end=750, acts=False)


def ny(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


def words(one: Occurrence | None) -> str:
    return str(one)


@pytest.mark.parametrize(
    ("at", "following", "before"),
    [
        ("2026-11-23 23:40", "daily_restart 2026-11-23 23:45-00:05 EST", "weekday_morning 2026-11-23 05:45-06:00 EST"),
        ("2026-11-24 00:10", "weekday_morning 2026-11-24 05:45-06:00 EST", "daily_restart 2026-11-23 23:45-00:05 EST"),
        ("2026-11-21 12:00", "daily_restart 2026-11-21 23:45-00:05 EST", "daily_restart 2026-11-20 23:45-00:05 EST"),
        (
            "2026-11-22 09:55",
            "sunday_maintenance 2026-11-22 10:00-14:00 EST",
            "daily_restart 2026-11-21 23:45-00:05 EST",
        ),
        (
            "2026-11-22 14:05",
            "daily_restart 2026-11-22 23:45-00:05 EST",
            "sunday_maintenance 2026-11-22 10:00-14:00 EST",
        ),
        ("2026-07-03 00:05", "weekday_morning 2026-07-03 05:45-06:00 EDT", "daily_restart 2026-07-02 23:45-00:05 EDT"),
    ],
)
def test_the_next_and_the_last_restart_are(at: str, following: str, before: str) -> None:
    assert words(windows.next_acting(DEFAULTS, ny(at))) == following
    assert words(windows.last_acting(DEFAULTS, ny(at))) == before


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("2026-11-23 23:44:59", None),
        ("2026-11-23 23:45:00", "daily_restart"),
        ("2026-11-24 00:04:59.9", "daily_restart"),
        ("2026-11-24 00:05:00", None),
        ("2026-11-22 13:59", "sunday_maintenance"),
        ("2026-11-21 05:50", None),
    ],
)
def test_a_window_contains_its_start_and_not_its_end(at: str, name: str | None) -> None:
    found = windows.current(DEFAULTS, ny(at))
    assert (found.name if found else None) == name


def test_a_window_that_only_holds_jobs_back_is_none_that_v6_acts_on() -> None:
    noon = ny("2026-11-23 12:10")
    assert windows.current((HELD,), noon) is not None
    assert windows.current_acting((HELD,), noon) is None
    assert windows.next_acting((HELD,), noon) is None
    assert windows.last_acting((HELD,), noon) is None


def test_no_windows_mean_no_restarts() -> None:
    assert windows.occurrences((), ny("2026-11-01 00:00"), ny("2026-12-01 00:00")) == []
    assert windows.next_acting((), ny("2026-11-23 12:00")) is None


def test_a_window_that_begins_now_is_the_next_and_one_that_ends_now_the_last() -> None:
    following = windows.next_acting(DEFAULTS, ny("2026-11-23 23:45"))
    before = windows.last_acting(DEFAULTS, ny("2026-11-24 00:05"))
    assert following == before
    assert following is not None
    assert following.key == "daily_restart 2026-11-24T04:45:00Z"


# the nights on which clocks change


def test_the_night_clocks_go_back_is_seen_with_both_offsets() -> None:
    late = Window(name="late", zone="America/New_York", days=EVERY, start=60, end=150, acts=True)
    [one] = windows.occurrences((late,), ny("2026-11-01 00:30"), ny("2026-11-01 03:00"))
    assert str(one) == "late 2026-11-01 01:00 EDT-02:30 EST"
    assert windows.seconds_between(one.start, one.end) == 2.5 * 3600
    assert one.contains(ny("2026-11-01 01:30"))
    assert one.contains(ny("2026-11-01 01:30", fold=1))


def test_an_instant_of_the_second_pass_is_after_one_of_the_first() -> None:
    first, second = ny("2026-11-01 01:50"), ny("2026-11-01 01:10", fold=1)
    assert windows.seconds_between(first, second) == 20 * 60
    assert windows.minutes_until(second, first) == 20


def test_the_restart_of_the_night_clocks_go_back_is_over_before_they_do() -> None:
    found = windows.last_acting(DEFAULTS, ny("2026-11-01 01:30", fold=1))
    assert words(found) == "daily_restart 2026-10-31 23:45-00:05 EDT"


def test_a_window_in_the_hour_that_does_not_exist_begins_after_it() -> None:
    gone = Window(name="gone", zone="America/New_York", days=EVERY, start=120, end=195, acts=True)
    [one] = windows.occurrences((gone,), ny("2026-03-08 00:00"), ny("2026-03-08 12:00"))
    assert str(one) == "gone 2026-03-08 03:00-03:15 EDT"


def test_a_host_whose_clocks_change_on_another_night_moves_its_own_window_only() -> None:
    london = Window(name="daily_restart", zone="Europe/London", days=EVERY, start=1425, end=5, acts=True)
    evening = [windows.next_acting((london,), ny(f"2026-10-{day} 12:00")) for day in (24, 25)]
    assert [words(one) for one in evening] == [
        "daily_restart 2026-10-24 18:45-19:05 EDT",
        "daily_restart 2026-10-25 19:45-20:05 EDT",
    ]


# windows that are one restart


def test_windows_that_overlap_are_one_restart() -> None:
    found = windows.next_acting(TOKYO, ny("2026-11-22 09:40"))
    assert words(found) == "daily_restart+sunday_maintenance 2026-11-22 09:45-14:00 EST"
    assert windows.current_acting(TOKYO, ny("2026-11-22 09:55")) == found
    assert windows.last_acting(TOKYO, ny("2026-11-22 14:05")) == found


@pytest.mark.parametrize(("gap", "one"), [(9, True), (10, True), (11, False)])
def test_windows_too_close_to_work_between_them_are_one_restart(gap: int, one: bool) -> None:
    second = Window(name="second", zone="America/New_York", days=EVERY, start=5 + gap, end=60, acts=True)
    found = windows.next_acting((DAILY, second), ny("2026-11-23 23:40"))
    assert words(found) == f"daily_restart{'+second' if one else ''} 2026-11-23 23:45-{'01:00' if one else '00:05'} EST"


def test_a_window_inside_another_does_not_shorten_it() -> None:
    inner = Window(name="inner", zone="America/New_York", days="7", start=660, end=690, acts=True)
    found = windows.next_acting((SUNDAY, inner), ny("2026-11-22 09:00"))
    assert words(found) == "sunday_maintenance+inner 2026-11-22 10:00-14:00 EST"


# against an independent computation

ZONES = ("America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Auckland")
CHANGES = (
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 9, 27),
    date(2026, 10, 4),
    date(2026, 11, 1),
)


def shown(minute: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).replace(tzinfo=None)


def first_reached(zone: ZoneInfo, wanted: datetime) -> int:
    """By walking the minutes: when clocks first show the wanted time or, when they jump over it, a later one."""
    minute = int(wanted.replace(tzinfo=UTC).timestamp()) // 60 - 20 * 60
    while shown(minute, zone) < wanted:
        minute += 1
    return minute


def walked(window: Window, first: date, days: int) -> set[tuple[int, int]]:
    zone, found = ZoneInfo(window.zone), set()
    for offset in range(days):
        day = first + timedelta(days=offset)
        if str(day.isoweekday()) in window.days:
            midnight = datetime.combine(day, time())
            length = timedelta(days=1) if window.end <= window.start else timedelta()
            ends = midnight + length + timedelta(minutes=window.end)
            found.add((first_reached(zone, midnight + timedelta(minutes=window.start)), first_reached(zone, ends)))
    return found


window_strategy = st.builds(
    lambda zone, days, times, acts: Window(
        name="any", zone=zone, days="".join(sorted(days)), start=times[0], end=times[1], acts=acts
    ),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(EVERY), min_size=1),
    st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(window=window_strategy, change=st.sampled_from(CHANGES), back=st.integers(1, 3))
def test_occurrences_are_where_a_walk_over_the_minutes_finds_them(window: Window, change: date, back: int) -> None:
    day = change - timedelta(days=back)
    low = datetime.combine(day, time(), ZoneInfo(window.zone))
    high = low + timedelta(days=4)
    expected = {
        (start, end)
        for start, end in walked(window, day - timedelta(days=2), 9)
        if start * 60 <= high.timestamp() and end * 60 >= low.timestamp()
    }
    found = windows.occurrences((window,), low, high)
    assert {(round(one.start.timestamp() / 60), round(one.end.timestamp() / 60)) for one in found} == expected
    assert all(one.start.tzinfo is NEW_YORK for one in found)


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.lists(window_strategy, min_size=1, max_size=3),
    at=st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 10), timezones=st.just(UTC)),
)
def test_restarts_follow_one_another_and_leave_room_for_the_work(chosen: list[Window], at: datetime) -> None:
    restarts = [windows.last_acting(chosen, at), windows.current_acting(chosen, at), windows.next_acting(chosen, at)]
    there = [one for one in dict.fromkeys(restarts) if one]
    for earlier, later in pairwise(there):
        assert windows.seconds_between(earlier.end, later.start) > 600
    acting = [window for window in chosen if window.acts]
    inside = [one for one in windows.occurrences(acting, at, at) if one.contains(at)]
    assert not inside or restarts[1] is not None


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (300, "5 min"), (14_700, "4 h 5 min"), (277_200, "3 d 5 h"), (-300, "5 min")]
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert windows.in_words(seconds) == text
