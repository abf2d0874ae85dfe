"""The slot ledger: what was expected is accounted for, contract by contract (L10)."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.journal import database, ledger
from v6.journal.ledger import LedgerError, Miss

SLOT = datetime(2026, 11, 27, 10, 35, tzinfo=NEW_YORK)
TASK = "collect_option_snapshots"
NO_GREEKS = Miss("700001", "SPY", "partial", "no_greeks")
NO_TICK = Miss("700002", "QQQ", "missing", "no_tick", "nothing for 9 s")


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


def test_an_opened_slot_misses_everything_until_it_is_closed(db: sqlite3.Connection) -> None:
    ledger.open_slot(db, TASK, SLOT, 258, 2)
    (line,) = ledger.open_slots(db, TASK)
    assert (line.slot, line.expected, line.missing, line.universe_version, line.state) == (SLOT, 258, 258, 2, "open")


def test_a_closed_slot_names_every_contract_that_is_not_complete(db: sqlite3.Connection) -> None:
    ledger.open_slot(db, TASK, SLOT, 258, 2)
    ledger.close_slot(db, TASK, SLOT, 256, [NO_GREEKS, NO_TICK])
    line = ledger.slot_of(db, TASK, SLOT)
    assert line is not None
    assert (line.complete, line.partial, line.missing, line.state) == (256, 1, 1, "closed")
    assert set(ledger.misses(db, TASK, SLOT)) == {NO_GREEKS, NO_TICK}
    assert ledger.open_slots(db, TASK) == []


def test_l10_a_slot_whose_figures_do_not_add_up_is_refused(db: sqlite3.Connection) -> None:
    ledger.open_slot(db, TASK, SLOT, 258)
    with pytest.raises(LedgerError, match="256 complete \\+ 1 misses, but 258 expected"):
        ledger.close_slot(db, TASK, SLOT, 256, [NO_TICK])
    assert len(ledger.open_slots(db, TASK)) == 1


def test_a_miss_without_a_reason_is_refused_and_nothing_of_the_slot_is_stored(db: sqlite3.Connection) -> None:
    ledger.open_slot(db, TASK, SLOT, 2)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.close_slot(db, TASK, SLOT, 0, [NO_TICK, NO_GREEKS._replace(reason="")])
    assert ledger.misses(db, TASK, SLOT) == []


def test_a_second_try_replaces_what_the_first_found(db: sqlite3.Connection) -> None:
    for complete, misses in ((256, [NO_GREEKS, NO_TICK]), (257, [NO_TICK])):
        ledger.open_slot(db, TASK, SLOT, 258)
        ledger.close_slot(db, TASK, SLOT, complete, misses)
    assert ledger.misses(db, TASK, SLOT) == [NO_TICK]


def test_a_slot_reopened_by_a_retry_keeps_what_is_known(db: sqlite3.Connection) -> None:
    ledger.open_slot(db, TASK, SLOT, 258)
    ledger.close_slot(db, TASK, SLOT, 256, [NO_GREEKS, NO_TICK])
    ledger.open_slot(db, TASK, SLOT, 258)
    (line,) = ledger.open_slots(db, TASK)
    assert (line.complete, line.partial, line.missing) == (256, 1, 1)


def test_reasons_are_counted_over_a_span(db: sqlite3.Connection) -> None:
    for step in range(3):
        slot = SLOT + step * timedelta(minutes=5)
        ledger.open_slot(db, TASK, slot, 2)
        ledger.close_slot(db, TASK, slot, 1, [NO_TICK])
    assert ledger.reasons(db, TASK, SLOT, SLOT + timedelta(minutes=10)) == [("missing", "no_tick", 2)]
    assert len(ledger.slots_of(db, None, SLOT, SLOT + timedelta(hours=1))) == 3


def test_closing_what_was_never_opened_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(LedgerError, match="before it was opened"):
        ledger.close_slot(db, TASK, SLOT, 0, [])
