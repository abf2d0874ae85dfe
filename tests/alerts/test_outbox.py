"""Which alerts leave when, and as how many messages: quiet hours, the hour's limit, storms, clocks that jump."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6.alerts import limits, outbox
from v6.alerts.limits import Limits
from v6.alerts.outbox import DeliveryError
from v6.clock import NEW_YORK
from v6.journal import database, deliveries, events

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=NEW_YORK)
SETTINGS = {
    "alerts.messages_per_hour": "12",
    "alerts.quiet_start": "22:00",
    "alerts.quiet_end": "07:00",
    "alerts.quiet_severities": "info,warning",
    "timezone": "America/New_York",
}
LIMITS = limits.of(SETTINGS)


class Phone:
    """What arrives; while it is off nothing does."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, str]] = []
        self.off = False

    def __call__(self, severity: str, title: str, body: str) -> list[str]:
        if self.off:
            raise DeliveryError("no signal")
        self.received.append((severity, title, body))
        return []

    @property
    def titles(self) -> list[str]:
        return [title for _, title, _ in self.received]


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def set(self, moment: datetime) -> None:
        self._patch.setenv("V6_CLOCK_OFFSET", f"{moment.timestamp() - time.time():.3f}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shifted = Clock(monkeypatch)
    shifted.set(NOON)
    return shifted


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


@pytest.fixture
def phone() -> Phone:
    return Phone()


def put(db: sqlite3.Connection, title: str, severity: str = "failure") -> None:
    events.raise_alert(db, severity=severity, title=title, body="why", key=title, quiet=timedelta(0))


def deliver(db: sqlite3.Connection, phone: Phone, known: Limits = LIMITS) -> None:
    outbox.deliver(db, phone, known, pauses=(0.0,))


def test_a_storm_is_one_message_with_a_count(db: sqlite3.Connection, clock: Clock, phone: Phone) -> None:
    for number in range(50):
        put(db, f"task_{number} failed")
    put(db, "it recovered", "info")
    deliver(db, phone)
    ((severity, title, body),) = phone.received
    assert (severity, title) == ("failure", "V6: 51 alerts, 50 failures")
    assert "task_49 failed: why" in body
    assert "... and 31 more: v6 alerts list" in body
    (told,) = deliveries.recent(db, deliveries.ALERT)
    assert (told.what, told.alerts, told.error) == ("V6: 51 alerts, 50 failures", 51, "")
    assert events.undelivered(db) == []


def test_beyond_the_hours_messages_alerts_wait_and_leave_as_one(
    db: sqlite3.Connection, clock: Clock, phone: Phone
) -> None:
    for minute in range(15):
        clock.set(NOON + timedelta(minutes=minute))
        put(db, f"number {minute}")
        deliver(db, phone)
    assert phone.titles == [f"V6: number {minute}" for minute in range(12)]
    assert "This is the last message of this hour" in phone.received[11][2]
    assert "This is the last message" not in phone.received[10][2]
    assert outbox.due(db, LIMITS) == []
    clock.set(NOON + timedelta(minutes=61))
    deliver(db, phone)
    assert phone.titles[12:] == ["V6: 3 alerts, 3 failures"]
    assert events.undelivered(db) == []


@pytest.mark.parametrize("at", ["2026-11-27 22:00", "2026-11-27 23:59", "2026-11-28 00:00", "2026-11-28 06:59"])
def test_quiet_hours_hold_what_can_wait_also_over_midnight(
    db: sqlite3.Connection, clock: Clock, phone: Phone, at: str
) -> None:
    clock.set(datetime.fromisoformat(at).replace(tzinfo=NEW_YORK, second=5))
    put(db, "the calendar has changed", "warning")
    put(db, "disk full")
    deliver(db, phone)
    assert phone.titles == ["V6: disk full"]
    assert outbox.due(db, LIMITS) == []
    clock.set(datetime(2026, 11, 28, 7, 0, 1, tzinfo=NEW_YORK))
    deliver(db, phone)
    assert phone.titles == ["V6: disk full", "V6: the calendar has changed"]


def test_quiet_hours_are_of_the_schedules_zone(db: sqlite3.Connection, clock: Clock, phone: Phone) -> None:
    tokyo = limits.of({**SETTINGS, "timezone": "Asia/Tokyo"})
    put(db, "a warning", "warning")  # 02:00 in Tokyo
    deliver(db, phone, tokyo)
    assert phone.received == []
    deliver(db, phone, LIMITS)
    assert phone.titles == ["V6: a warning"]


def test_without_quiet_hours_nothing_is_held() -> None:
    none = limits.of({**SETTINGS, "alerts.quiet_start": "00:00", "alerts.quiet_end": "00:00"})
    assert not any(limits.is_held(none, "info", NOON + timedelta(hours=hour)) for hour in range(24))


def test_a_clock_that_went_back_silences_nobody(db: sqlite3.Connection, clock: Clock, phone: Phone) -> None:
    clock.set(NOON + timedelta(days=400))
    for number in range(12):
        put(db, f"future {number}")
        deliver(db, phone)
    assert outbox.due(db, LIMITS) == []
    clock.set(NOON)
    put(db, "now")
    deliver(db, phone)
    assert phone.titles[-1] == "V6: now"
    assert events.raise_alert(db, severity="failure", title="again", body="", key="future 3") is not None


def test_what_nobody_took_stays_with_its_reason_and_every_try_is_recorded(
    db: sqlite3.Connection, clock: Clock, phone: Phone
) -> None:
    put(db, "a failure")
    phone.off = True
    outbox.deliver(db, phone, LIMITS, pauses=(0.0, 0.0))
    (waiting,) = events.undelivered(db)
    assert (waiting.tries, waiting.error) == (2, "no signal")
    assert [one.error for one in deliveries.recent(db, deliveries.ALERT)] == ["no signal", "no signal"]
    assert outbox.due(db, LIMITS, tries_below=1) == []  # a run starts no dispatcher for it, health_check does
    assert len(outbox.due(db, LIMITS)) == 1
    phone.off = False
    deliver(db, phone)
    assert phone.titles == ["V6: a failure"]


def test_a_try_that_failed_is_no_message_of_the_hour(db: sqlite3.Connection, clock: Clock, phone: Phone) -> None:
    one = limits.of({**SETTINGS, "alerts.messages_per_hour": "1"})
    put(db, "a failure")
    phone.off = True
    outbox.deliver(db, phone, one, pauses=(0.0, 0.0, 0.0))
    phone.off = False
    deliver(db, phone, one)
    assert phone.titles == ["V6: a failure"]


def test_a_journal_that_cannot_be_written_sends_nothing_again_and_again(
    db: sqlite3.Connection, clock: Clock, phone: Phone
) -> None:
    put(db, "a failure")
    db.execute("PRAGMA query_only = ON")  # as a disk that is full or read-only
    with pytest.raises(sqlite3.OperationalError):
        deliver(db, phone)
    assert phone.received == []
