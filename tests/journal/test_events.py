"""Events and the outbox of alerts."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from v6.journal import database, events


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


def failed(db: sqlite3.Connection, key: str = "failed:collect", **more: timedelta) -> int | None:
    return events.raise_alert(db, severity="failure", title="collect failed", body="TWS is away", key=key, **more)


def test_an_event_keeps_its_details(db: sqlite3.Connection) -> None:
    events.record(db, "run_killed", "run 7", task="collect", details={"run": 7})
    (event,) = events.recent(db, "run_killed")
    assert (event.task, event.text, event.details) == ("collect", "run 7", {"run": 7})


def test_the_same_alert_is_raised_once_an_hour(db: sqlite3.Connection) -> None:
    assert failed(db) is not None
    assert failed(db) is None
    assert failed(db, key="failed:other") is not None
    assert failed(db, quiet=timedelta(0)) is not None


def test_an_alert_waits_until_it_is_delivered(db: sqlite3.Connection) -> None:
    number = failed(db)
    assert number is not None
    events.mark_failed(db, number, "503")
    (waiting,) = events.undelivered(db)
    assert (waiting.tries, waiting.error) == (1, "503")
    events.mark_delivered(db, number)
    assert events.undelivered(db) == []


def test_events_after_one_are_read_in_order_and_of_one_kind(db: sqlite3.Connection) -> None:
    assert events.latest_id(db, "restart_state") == 0
    first = events.record(db, "restart_state", "one")
    events.record(db, "run_killed", "other")
    second = events.record(db, "restart_state", "two", details={"to": "normal"})
    assert events.latest_id(db, "restart_state") == second
    assert [event.text for event in events.after(db, "restart_state", 0)] == ["one", "two"]
    assert [event.details for event in events.after(db, "restart_state", first)] == [{"to": "normal"}]
