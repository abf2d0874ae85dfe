"""The journal lets a day go only when the lake has it; nothing that is compared over years goes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from upkeep_desk import DAY, TASK, UpkeepDesk, at
from v6.journal import events, tallies
from v6.model import FatalError
from v6.store.lake import Lake
from v6.upkeep import journal_trim

LATER = DAY + timedelta(days=401)


@pytest.fixture
def old(collected: UpkeepDesk) -> Iterator[UpkeepDesk]:
    """A day of 401 days ago with three slots, two runs of 400 days ago, and a run on each day since."""
    desk = collected
    desk.ran("health_check", at("00:15", DAY + timedelta(days=1)))
    desk.ran(TASK, at("00:20", DAY + timedelta(days=1)))
    events.record(desk.ctx.journal, "run_killed", "x")
    events.record(desk.ctx.journal, "tws_restart", "y")
    desk.lived(DAY + timedelta(days=2), LATER)
    desk.now(at("16:00", LATER))
    return desk


def runs_left(desk: UpkeepDesk) -> list[str]:
    return [row[0] for row in desk.ctx.journal.execute("SELECT task FROM runs WHERE task <> 'lived' ORDER BY id")]


def count(desk: UpkeepDesk, table: str) -> int:
    return int(desk.ctx.journal.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_an_old_day_goes_once_the_lake_has_it(old: UpkeepDesk) -> None:
    assert journal_trim.due(old.ctx) == ([DAY], 1)

    journal_trim.let_go(old.ctx)

    assert count(old, "slot_ledger") == count(old, "slot_misses") == 0
    assert runs_left(old) == ["health_check", TASK]
    assert old.ctx.lake.read("task_runs", trade_date=DAY).height == 3
    assert old.ctx.lake.read("slot_ledger", trade_date=DAY, status="complete").height == 3
    assert [event.kind for event in events.recent(old.ctx.journal)] == ["tws_restart"]
    assert journal_trim.due(old.ctx) == ([], 0)
    assert journal_trim.let_go(old.ctx) == 0


def test_counters_of_metrics_do_not_fall(old: UpkeepDesk) -> None:
    before = tallies.runs(old.ctx.journal)
    assert {(one.task, one.runs) for one in before} == {(TASK, 4), ("health_check", 1)}

    journal_trim.let_go(old.ctx)
    old.now(at("16:00", LATER + timedelta(days=1)))
    journal_trim.let_go(old.ctx)

    assert runs_left(old) == []
    assert tallies.runs(old.ctx.journal) == before


def test_what_the_lake_did_not_take_stays_in_the_journal(old: UpkeepDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lake, "replace", lambda *_, **__: False)

    with pytest.raises(FatalError, match="slot_ledger: 2026-11-20: the lake has 0 of"):
        journal_trim.let_go(old.ctx)

    assert count(old, "slot_ledger") == 3
    assert len(runs_left(old)) == 5


def test_a_clock_that_is_years_ahead_takes_nothing_from_the_journal(collected: UpkeepDesk) -> None:
    events.record(collected.ctx.journal, "run_killed", "x")
    collected.now(at("16:00", DAY.replace(year=2029)))

    assert journal_trim.due(collected.ctx) == ([], 0)
    assert journal_trim.let_go(collected.ctx) == 0

    assert count(collected, "runs") == count(collected, "slot_ledger") == 3
    assert count(collected, "events") == 1
