"""A collector whose slots stay incomplete is told as one alert of its own, and so is the end of it."""

from datetime import datetime

import pytest
from desk import Desk

from v6.clock import NEW_YORK
from v6.journal import events, ledger, runs
from v6.journal.events import Alert

pytestmark = pytest.mark.integration

TASK = "collect_option_snapshots"


@pytest.fixture
def desk(desk_without_tws: Desk) -> Desk:
    db = desk_without_tws.journal()
    number = runs.start_attempt(db, task=TASK, slot=desk_without_tws.slot("09:00"), attempt=1, pid=None, log_file="")
    runs.finish_attempt(db, number, runs.Ended("success", 0, 1.0, 1.0, 1.0))
    started = desk_without_tws.slot("09:55").astimezone().isoformat()
    db.execute("UPDATE runs SET started_at = ? WHERE id = ?", (started, number))
    db.close()
    return desk_without_tws


def keep(desk: Desk, slot: str, complete: int) -> None:
    db = desk.journal()
    for task in (TASK, "collect_futures_snapshots"):
        ledger.open_slot(db, task, desk.slot(slot), 10, 1)
        missing = 10 - complete if task == TASK else 0
        misses = [ledger.Miss(str(number), "SPY", "missing", "no_tick") for number in range(missing)]
        ledger.close_slot(db, task, desk.slot(slot), 10 - missing, misses)
        number = runs.start_attempt(db, task=task, slot=desk.slot(slot), attempt=1, pid=None, log_file="")
        runs.finish_attempt(db, number, runs.Ended("success", 0, 1.0, 1.0, 1.0))
    db.close()


def check(desk: Desk, wall: str) -> list[Alert]:
    desk.at(wall)
    desk.run("health_check", slot=wall)
    db = desk.journal()
    try:
        found = events.alerts_since(db, datetime(2020, 1, 1, tzinfo=NEW_YORK))
    finally:
        db.close()
    return [alert for alert in found if alert.task == TASK]


def test_l10_three_slots_in_a_row_are_one_alert_and_their_end_another(desk: Desk) -> None:
    for slot in ("09:55", "10:00"):
        keep(desk, slot, 4)
    assert check(desk, "10:08") == [], "two are not three"
    keep(desk, "10:05", 4)
    (told,) = check(desk, "10:13")
    assert (told.severity, told.title) == ("failure", "collect_option_snapshots: 3 slots in a row below 90 %")
    assert told.body.splitlines()[0] == "09:55 has 4 of 10 complete (no_tick 6)"
    keep(desk, "10:10", 4)
    assert len(check(desk, "10:18")) == 1, "it is known"
    keep(desk, "10:15", 10)
    assert [alert.title for alert in check(desk, "10:23")][1:] == ["collect_option_snapshots: slots are complete again"]
