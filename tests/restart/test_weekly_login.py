"""When TWS waits for a person."""

from datetime import datetime

import pytest

from v6.clock import NEW_YORK
from v6.config.settings import WeeklyLogin
from v6.restart.weekly_login import last_death, next_death, waits_for_a_person

SUNDAY = WeeklyLogin(day="sunday", time="01:00", remind_hours_before=(24.0,))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-11-22 00:59", "2026-11-15 01:00", "2026-11-22 01:00"),
        ("2026-11-22 01:00", "2026-11-22 01:00", "2026-11-29 01:00"),
        ("2026-11-25 12:00", "2026-11-22 01:00", "2026-11-29 01:00"),
        ("2026-11-28 23:59", "2026-11-22 01:00", "2026-11-29 01:00"),
        ("2026-11-01 03:00", "2026-11-01 01:00", "2026-11-08 01:00"),
        ("2027-01-01 12:00", "2026-12-27 01:00", "2027-01-03 01:00"),
    ],
)
def test_the_token_dies_once_a_week(now: str, last: str, following: str) -> None:
    assert last_death(SUNDAY, at(now)) == at(last)
    assert next_death(SUNDAY, at(now)) == at(following)


def test_a_tws_not_seen_since_the_token_died_waits_for_a_person() -> None:
    died = waits_for_a_person(SUNDAY, at("2026-11-22 14:05"), at("2026-11-21 00:10"))

    assert died == at("2026-11-22 01:00")


def test_a_tws_that_worked_after_the_token_died_has_another_trouble() -> None:
    assert waits_for_a_person(SUNDAY, at("2026-11-23 00:10"), at("2026-11-22 14:05")) is None


def test_in_the_night_when_clocks_go_back_the_first_one_o_clock_counts() -> None:
    seen_in_the_second_hour = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)

    assert waits_for_a_person(SUNDAY, at("2026-11-01 14:05"), seen_in_the_second_hour) is None


def test_a_tws_never_seen_is_not_taken_to_wait_for_a_login_days_later() -> None:
    assert waits_for_a_person(SUNDAY, at("2026-11-22 14:05"), None) == at("2026-11-22 01:00")
    assert waits_for_a_person(SUNDAY, at("2026-11-25 00:10"), None) is None
