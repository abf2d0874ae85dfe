"""Every slot that the calendar asked for has its ledger row and its reason, whether or not anything ran (L10)."""

from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from loguru import logger

from v6.clock import NEW_YORK
from v6.collection import day_ledger
from v6.config.load import load
from v6.journal import ledger
from v6.paths import Paths
from v6.runner.context import Context
from v6.scheduler.compile import compile_all

pytestmark = pytest.mark.long

OPTIONS = "collect_option_snapshots"
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=NEW_YORK)


class Evening(Context):
    """A run at a quarter past four."""

    def now(self) -> datetime:
        return MONDAY.replace(hour=16, minute=15)


WINDOWS = """
scheduler:
  restart_windows:
    lunch: {zone: America/New_York, days: every, start: "13:00", end: "13:10"}
"""
GATE = "2026-11-23 12:05:00 EST|collect_option_snapshots|2026-11-23T17:05:00Z|skip|running|since 12:00\n"


@pytest.fixture
def first_evening(home: Path) -> Iterator[Evening]:
    """Nothing has ever run here."""
    production = home / "config" / "production.yaml"
    production.parent.mkdir(exist_ok=True)
    production.write_text(WINDOWS)
    production.chmod(0o600)
    paths = Paths.locate()
    ctx = Evening("final_data_collection", None, Namespace(), load(paths, {}), paths, logger, 1e9)
    yield ctx
    ctx.journal.close()


@pytest.fixture
def evening(home: Path, first_evening: Evening) -> Evening:
    compile_all(first_evening.paths)
    gate_log = home / "logs" / "scheduler" / "cron_wrapper.log"
    gate_log.parent.mkdir(parents=True, exist_ok=True)
    gate_log.write_text(GATE)
    return first_evening


def test_slots_that_nobody_ran_get_their_row_and_the_reason_that_is_known_l10(evening: Evening) -> None:
    ledger.open_slot(evening.journal, OPTIONS, MONDAY, 3)
    ledger.close_slot(evening.journal, OPTIONS, MONDAY, 3, [])

    states = day_ledger.complete(evening)

    lines = ledger.slots_of(evening.journal, OPTIONS, MONDAY, MONDAY + timedelta(hours=7))
    assert [line.slot.astimezone(NEW_YORK) for line in lines] == [MONDAY + n * timedelta(minutes=5) for n in range(78)]
    assert {line.state for line in lines} == {"closed"}
    reasons = {
        line.slot.astimezone(NEW_YORK).strftime("%H:%M"): {
            miss.reason for miss in ledger.misses(evening.journal, OPTIONS, line.slot)
        }
        for line in lines
    }
    assert reasons["09:30"] == set()
    assert reasons["13:00"] == reasons["13:05"] == {"restart_window"}
    assert reasons["12:05"] == reasons["12:25"] == {"not_run"}  # the gate was alive then
    assert reasons["12:30"] == reasons["15:55"] == {"host_down"}
    assert len(states) == 77 + 78  # and the futures' slots
    assert day_ledger.words(states).startswith("155 slots had no ledger row (host_down ")
    assert day_ledger.complete(evening) == []


def test_a_collector_that_never_ran_anywhere_is_asked_nothing(first_evening: Evening) -> None:
    assert day_ledger.complete(first_evening) == []
