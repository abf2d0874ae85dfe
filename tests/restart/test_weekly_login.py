"""When TWS waits for a person."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.config.settings import WeeklyLogin
from v6.journal import database, restarts
from v6.journal.restarts import Restart
from v6.restart.weekly_login import last_death, next_death, waits_for_a_person

SUNDAY = WeeklyLogin(day="sunday", time="01:00", remind_hours_before=(24.0,))
DIED = "2026-11-22 01:00"
SATURDAY_NIGHT, SUNDAY_NOON, SUNDAY_NIGHT = "2026-11-21 23:45", "2026-11-22 10:00", "2026-11-22 23:45"


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(database.connect(home / "var" / "v6.db")) as journal:
        yield journal


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def restart(db: sqlite3.Connection, start: str, name: str = "daily_restart", **columns: object) -> Restart:
    """A row of the journal, its instants as New York texts."""
    row = restarts.begin(db, name, at(start), at(start) + timedelta(minutes=20))
    moments = {key: at(str(value)) if key.endswith("_at") else value for key, value in columns.items()}
    restarts.note(db, row.id, **moments)
    return restarts.of_id(db, row.id)


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


def test_a_tws_not_seen_since_the_token_died_waits_for_a_person(db: sqlite3.Connection) -> None:
    seen = restart(db, "2026-11-20 23:45", connected_at="2026-11-21 00:10", observed="restarted")

    assert waits_for_a_person(SUNDAY, at("2026-11-22 14:05"), [seen]) == at(DIED)
    assert waits_for_a_person(SUNDAY, at("2026-11-26 00:10"), [seen]) == at(DIED)


def test_a_tws_that_ran_on_through_the_tokens_death_was_not_signed_in_l29(db: sqlite3.Connection) -> None:
    """Reached on Sunday at 14:05 with its dead token: the night's restart is the one that asks for the login."""
    before = restart(db, SATURDAY_NIGHT, connected_at="2026-11-22 00:10", observed="restarted")
    ran_on = restart(db, SUNDAY_NOON, connected_at="2026-11-22 14:05", observed="no_restart")

    assert waits_for_a_person(SUNDAY, at("2026-11-23 00:10"), [ran_on, before]) == at(DIED)
    assert waits_for_a_person(SUNDAY, at("2026-11-26 00:10"), [ran_on, before]) == at(DIED)


def test_a_tws_whose_process_was_started_before_the_death_was_not_signed_in(db: sqlite3.Connection) -> None:
    by_hand = restart(db, "2026-11-22 14:00", "by_hand", connected_at="2026-11-22 14:01", started_at="2026-11-21 23:46")

    assert waits_for_a_person(SUNDAY, at("2026-11-25 00:10"), [by_hand]) == at(DIED)


@pytest.mark.parametrize(
    ("start", "name", "columns"),
    [
        (SUNDAY_NOON, "sunday_maintenance", {"observed": "restarted"}),
        (SUNDAY_NOON, "by_hand", {"started_at": "2026-11-22 09:00"}),
        (SATURDAY_NIGHT, "daily_restart", {"observed": "restarted", "started_at": "2026-11-22 13:00"}),
        ("2026-11-22 14:00", "unexpected", {}),
    ],
)
def test_a_tws_that_was_started_after_the_token_died_has_another_trouble(
    db: sqlite3.Connection, start: str, name: str, columns: dict[str, str]
) -> None:
    signed_in = restart(db, start, name, connected_at="2026-11-22 14:05", **columns)

    assert waits_for_a_person(SUNDAY, at("2026-11-23 00:10"), [signed_in]) is None


@pytest.mark.parametrize(
    ("start", "observed"),
    [
        (SUNDAY_NIGHT, "unknown"),  # TWS elsewhere: whether it restarted is not seen
        (SATURDAY_NIGHT, "restarted"),  # before the token died, or after it
    ],
)
def test_where_a_login_cannot_be_seen_it_is_waited_for_no_longer_than_a_day_and_a_half(
    db: sqlite3.Connection, start: str, observed: str
) -> None:
    reached = restart(db, start, connected_at="2026-11-23 00:10", observed=observed)

    assert waits_for_a_person(SUNDAY, at("2026-11-23 06:05"), [reached]) == at(DIED)
    assert waits_for_a_person(SUNDAY, at("2026-11-24 00:10"), [reached]) is None


def test_in_the_night_when_clocks_go_back_the_first_one_o_clock_counts(db: sqlite3.Connection) -> None:
    in_the_second_hour = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)
    row = restarts.begin(db, "unexpected", in_the_second_hour, in_the_second_hour)
    signed_in = row._replace(connected_at=in_the_second_hour)

    assert waits_for_a_person(SUNDAY, at("2026-11-01 14:05"), [signed_in]) is None


def test_a_tws_never_seen_is_not_taken_to_wait_for_a_login_days_later() -> None:
    assert waits_for_a_person(SUNDAY, at("2026-11-22 14:05"), []) == at(DIED)
    assert waits_for_a_person(SUNDAY, at("2026-11-25 00:10"), []) is None
