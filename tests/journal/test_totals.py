"""Counters are kept by the journal itself: of whatever is written, whoever writes it, and they never fall."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6 import clock
from v6.clock import NEW_YORK
from v6.journal import database, events, ledger, runs, slot_tallies, tallies, trimming
from v6.journal.timestamps import slot_text

SLOT = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
OF_MIGRATION_4 = 4


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    at(monkeypatch, SLOT)
    with closing(database.connect(tmp_path / "v6.db")) as connection:
        yield connection


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "epoch", moment.timestamp)


def attempt(db: sqlite3.Connection, outcome: str, number: int = 1, seconds: float = 2.0, reason: str = "") -> int:
    run = runs.start_attempt(db, task="t", slot=SLOT, attempt=number, pid=1, log_file="")
    runs.finish_attempt(db, run, runs.Ended(outcome, 0, seconds, seconds / 2, 50.0, "", reason))
    return run


def figures(db: sqlite3.Connection) -> dict[tuple[str, str], tuple[int, int, float, float]]:
    return {
        (one.outcome, one.reason): (one.runs, one.retries, one.wall_seconds, one.cpu_seconds)
        for one in tallies.runs(db)
    }


def test_every_end_of_an_attempt_is_counted_and_no_beginning(db: sqlite3.Connection) -> None:
    attempt(db, "recoverable", 1, 3.0, reason="quality_breached")
    attempt(db, "recoverable", 2, 4.0)
    attempt(db, "success", 3)
    runs.start_attempt(db, task="t", slot=SLOT, attempt=1, pid=1, log_file="")
    runs.record_skip(db, task="t", slot=SLOT, reason="running", detail="", log_file="")
    attempt(db, "skip", reason=runs.COVERED)
    assert figures(db) == {
        ("recoverable", ""): (2, 1, 7.0, 3.5),
        ("success", ""): (1, 1, 2.0, 1.0),
        ("skip", "running"): (1, 0, 0.0, 0.0),
        ("skip", runs.COVERED): (1, 0, 2.0, 1.0),
    }


def test_an_attempt_that_was_killed_is_counted_when_it_is_noticed(db: sqlite3.Connection) -> None:
    run = runs.start_attempt(db, task="t", slot=SLOT, attempt=1, pid=1, log_file="")
    assert figures(db) == {}
    runs.mark_killed(db, run, "noticed")
    runs.mark_killed(db, run, "noticed twice")
    assert figures(db) == {("killed", ""): (1, 0, 0.0, 0.0)}


def test_the_last_of_each_outcome_is_remembered(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt(db, "success", seconds=9.0)
    at(monkeypatch, SLOT + timedelta(minutes=5))
    attempt(db, "success", seconds=3.0)
    [one] = tallies.runs(db)
    assert (one.last_wall_seconds, one.last_peak_memory_mb) == (3.0, 50.0)
    assert tallies.last_successes(db) == {"t": SLOT + timedelta(minutes=5)}


def test_letting_rows_go_changes_no_counter(db: sqlite3.Connection) -> None:
    attempt(db, "success")
    attempt(db, "fatal")
    events.raise_alert(db, severity="failure", title="t", body="b", key="k")
    missed(db, SLOT)
    delivered(db, "")
    delivered(db, "refused")
    before = counters(db)
    assert before[1:] == ([("failure", "", 1)], [("alert", "delivered", 1), ("alert", "failed", 1)], [("t", "down", 1)])
    assert trimming.let_day_go(db, SLOT.date()) == 3
    db.execute("UPDATE alerts SET delivered_at = at")
    assert trimming.let_notes_go(db, SLOT.date() + timedelta(days=1)) == 3
    assert runs.recent(db) == []
    assert counters(db) == before
    attempt(db, "success")
    assert figures(db)["success", ""][0] == 2


def counters(db: sqlite3.Connection) -> tuple[object, ...]:
    return figures(db), *(tallies.rows_of(db, table) for table in ("alerts", "deliveries", "missed_slots"))


def test_a_missed_slot_found_twice_is_counted_once(db: sqlite3.Connection) -> None:
    for slot in (SLOT, SLOT + timedelta(minutes=5), SLOT):
        missed(db, slot)
    assert tallies.rows_of(db, "missed_slots") == [("t", "down", 2)]


def missed(db: sqlite3.Connection, slot: datetime) -> None:
    db.execute(
        "INSERT OR IGNORE INTO missed_slots (task, slot, day, cause, evidence, found_at) "
        "VALUES ('t', ?, ?, 'down', '', ?)",
        (slot_text(slot), "2026-11-20", "now"),
    )


def delivered(db: sqlite3.Connection, error: str) -> None:
    db.execute("INSERT INTO deliveries (at, channel, what, error) VALUES ('2026-11-20', 'alert', 'x', ?)", (error,))


def test_what_was_counted_before_the_counters_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "old.db"
    with monkeypatch.context() as old:
        old.setattr(database, "MIGRATIONS", database.MIGRATIONS[:OF_MIGRATION_4])
        with closing(database.connect(place)) as db:
            attempt(db, "success")
            attempt(db, "success", 2)
            runs.record_skip(db, task="t", slot=SLOT, reason="deadline", detail="", log_file="")
            runs.start_attempt(db, task="t", slot=SLOT, attempt=1, pid=1, log_file="")
            db.execute("INSERT INTO runs_removed VALUES ('t', 'success', 40), ('t', 'skip', 7), ('gone', 'fatal', 2)")
            events.raise_alert(db, severity="info", title="t", body="b", key="k")
    with closing(database.connect(place)) as db:
        assert figures(db)["success", ""] == (42, 1, 4.0, 2.0)
        assert {(one.task, one.outcome, one.reason): one.runs for one in tallies.runs(db)} == {
            ("t", "success", ""): 42,
            ("t", "skip", "deadline"): 1,
            ("t", "skip", "unknown"): 7,
            ("gone", "fatal", ""): 2,
        }
        assert tallies.rows_of(db, "alerts") == [("info", "", 1)]
        attempt(db, "success")
        assert figures(db)["success", ""][0] == 43
        assert "gone" not in tallies.last_successes(db)


def collect(db: sqlite3.Connection, slot: datetime, complete: int, misses: list[ledger.Miss]) -> None:
    ledger.open_slot(db, "t", slot, expected=complete + len(misses))
    ledger.close_slot(db, "t", slot, complete, misses)


NO_TICK, NO_GREEKS = ledger.Miss("1", "SPY", "missing", "no_tick"), ledger.Miss("2", "SPY", "partial", "no_greeks")


def test_contracts_are_counted_when_their_slot_is_settled_and_only_once(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect(db, SLOT, 3, [NO_TICK, NO_GREEKS])
    ledger.open_slot(db, "t", SLOT + timedelta(minutes=5), expected=5)  # its run died
    slot_tallies.settle(db)
    assert slot_tallies.totals(db) == [], "another attempt may still mend it"
    collect(db, SLOT, 4, [NO_GREEKS])
    at(monkeypatch, SLOT + slot_tallies.SETTLED + timedelta(minutes=10))
    for _ in range(2):
        slot_tallies.settle(db)
        assert slot_tallies.totals(db) == [
            ("t", "complete", "", 4),
            ("t", "partial", "no_greeks", 1),
            ("t", "unaccounted", "", 5),
        ]
    collect(db, SLOT + timedelta(minutes=30), 5, [])
    at(monkeypatch, SLOT + slot_tallies.SETTLED + timedelta(minutes=40))
    slot_tallies.settle(db)
    assert slot_tallies.totals(db)[0] == ("t", "complete", "", 9)
    trimming.let_day_go(db, SLOT.date())
    at(monkeypatch, SLOT)  # the clock was set back
    slot_tallies.settle(db)
    assert slot_tallies.totals(db)[0] == ("t", "complete", "", 9)


def test_the_latest_closed_slot_of_each_collector_is_found(db: sqlite3.Connection) -> None:
    assert slot_tallies.latest(db) == []
    collect(db, SLOT, 3, [NO_TICK, NO_GREEKS])
    collect(db, SLOT - timedelta(minutes=5), 5, [])
    ledger.open_slot(db, "t", SLOT + timedelta(minutes=5), expected=5)
    ledger.open_slot(db, "never", SLOT, expected=5)
    [one] = slot_tallies.latest(db)
    assert (one.task, one.slot, one.expected, one.complete, one.partial, one.missing) == ("t", SLOT, 5, 3, 1, 1)
    assert one.reasons == {("missing", "no_tick"): 1, ("partial", "no_greeks"): 1}
