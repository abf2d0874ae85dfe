"""Outages that come back at the same time of day name the window that is missing from the configuration."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from v6.analysis.outage_patterns import LikelyWindow, likely_windows, outages
from v6.clock import NEW_YORK
from v6.config.scheduler_config import Window

NY = "America/New_York"


def ny(text: str, zone: str = NY) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def found(*times: str, zones: tuple[str, ...] = (NY,), zone: str = NY) -> list[LikelyWindow]:
    return likely_windows(outages([(ny(f"2026-{text}", zone), "refused") for text in times]), zones)


def test_signs_half_an_hour_apart_are_one_outage_that_counts_by_its_beginning() -> None:
    signs = [ny("2026-11-16 02:00"), ny("2026-11-16 02:20"), ny("2026-11-16 02:50"), ny("2026-11-16 04:00")]
    joined = outages([(at, f"sign {number}") for number, at in enumerate(signs)])
    assert [(f"{one.start:%H:%M}", f"{one.end:%H:%M}", one.words) for one in joined] == [
        ("02:00", "02:50", "sign 0"),
        ("04:00", "04:00", "sign 3"),
    ]


def test_three_nights_at_the_same_time_are_a_window() -> None:
    [window] = found("11-16 02:03", "11-17 02:05", "11-19 02:11")
    assert window.yaml() == (
        "scheduler:\n  restart_windows:\n    observed_0155: {zone: America/New_York, "
        'days: [monday, tuesday, thursday], start: "01:55", end: "02:20"}'
    )
    assert window.evidence() == [
        "Mon 2026-11-16 02:03 EST refused",
        "Tue 2026-11-17 02:05 EST refused",
        "Thu 2026-11-19 02:11 EST refused",
    ]


def test_its_yaml_is_a_window_that_the_configuration_accepts() -> None:
    [window] = found("11-16 23:58", "11-17 23:55", "11-18 23:59", "11-20 00:04")
    [(name, body)] = yaml.safe_load(window.yaml())["scheduler"]["restart_windows"].items()
    accepted = Window.model_validate({**body, "days": tuple(body["days"])})
    assert (name, accepted.start, accepted.end) == ("observed_2350", "23:50", "00:10")
    assert accepted.weekdays == (1, 2, 3, 4)


def test_what_lasts_is_inside_the_window() -> None:
    lasting = [
        (ny(f"2026-11-{day} 02:00") + timedelta(minutes=15 * n), "mute") for day in (16, 17, 18) for n in range(5)
    ]
    [window] = likely_windows(outages(lasting), (NY,))
    assert (window.start, window.end) == (115, 185)


def test_two_nights_are_not_enough() -> None:
    assert found("11-16 02:03", "11-17 02:05") == []


def test_two_of_the_same_weekday_are_a_weekly_window() -> None:
    [window] = found("11-14 19:00", "11-21 19:10")
    assert window.days == ("saturday",)


def test_the_same_night_again_and_again_is_no_pattern() -> None:
    assert found("11-16 02:00", "11-16 02:40", "11-16 03:20", "11-16 04:00") == []


def test_outages_all_over_the_day_are_no_pattern() -> None:
    assert found("11-16 02:00", "11-17 05:00", "11-18 09:00", "11-19 14:00", "11-20 22:00") == []


def test_a_bad_line_that_fails_every_quarter_of_an_hour_is_no_window() -> None:
    spread = [f"11-{14 + day} {hour:02}:{minute:02}" for day in range(6) for hour in range(24) for minute in (0, 45)]
    assert found(*spread) == []


def test_two_patterns_are_two_windows() -> None:
    times = [f"11-{day} {clock}" for day in (16, 17, 18) for clock in ("02:00", "19:30")]
    assert sorted(window.name for window in found(*times)) == ["observed_0155", "observed_1925"]


def test_the_zone_is_the_one_whose_clocks_keep_them_together() -> None:
    """New York went back on 2026-11-01, London on 2026-10-25: 23:45 in London moved by an hour in New York."""
    in_london = ["10-23 23:45", "10-24 23:45", "10-26 23:45", "10-27 23:45"]
    [window] = found(*in_london, zones=(NY, "Europe/London"), zone="Europe/London")
    assert (window.zone, window.name, len(window.outages)) == ("Europe/London", "observed_2340", 4)


def test_where_it_makes_no_difference_the_first_zone_is_named() -> None:
    [window] = found("11-16 02:03", "11-17 02:05", "11-19 02:11", zones=(NY, "Europe/London"))
    assert window.zone == NY


def test_six_weekdays_or_more_are_every_day_and_monday_to_friday_weekdays() -> None:
    every = found(*(f"11-{day:02} 02:00" for day in range(9, 15)))
    working = found(*(f"11-{day:02} 02:00" for day in range(9, 14)))
    assert "days: every" in every[0].yaml()
    assert "days: weekdays" in working[0].yaml()


def test_nothing_is_named_from_nothing() -> None:
    assert likely_windows([], (NY,)) == []


@given(st.lists(st.datetimes(datetime(2026, 10, 25), datetime(2026, 11, 8), timezones=st.just(UTC)), max_size=40))
def test_a_named_window_contains_every_outage_it_is_named_for(starts: list[datetime]) -> None:
    for window in likely_windows(outages([(at, "refused") for at in starts]), (NY,)):
        length = (window.end - window.start) % 1440
        for one in window.outages:
            local = one.start.astimezone(NEW_YORK)
            assert (local.hour * 60 + local.minute - window.start) % 1440 <= length
        assert len({one.start.astimezone(NEW_YORK).date() for one in window.outages}) >= 2


@pytest.mark.parametrize("first", ["00:00", "00:04", "00:05", "23:59", "12:00"])
def test_midnight_is_no_border(first: str) -> None:
    times = [f"11-{day} {first}" for day in (16, 17, 18)]
    [window] = found(*times)
    assert len(window.outages) == 3
    assert (window.end - window.start) % 1440 <= 15
