"""One collects a slot: what a run of a collector does when somebody else holds the slot's claim."""

import argparse
import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from loguru import logger

from v6 import clock
from v6.clock import NEW_YORK
from v6.collection import covering
from v6.collection.covering import SlotHeldError, claimed_slot
from v6.collection.slot_book import open_lost, settle_unfinished
from v6.config.load import load
from v6.journal import ledger, runs, session_cycles
from v6.model import SkipRun
from v6.paths import Paths
from v6.runner import lock
from v6.runner.context import Context
from v6.runner.slot_claims import SlotClaims

TASK = "collect_futures_snapshots"
SLOT = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
BEFORE = SLOT - timedelta(minutes=5)
LONG_AGO = SLOT - timedelta(minutes=30)
Make = Callable[..., Context]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Contexts of a run at 10:35:01."""
    offset = SLOT.timestamp() + 1 - datetime.now(tz=NEW_YORK).timestamp()
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{offset:.3f}")
    paths = Paths.locate()
    config = load(paths, {})
    made: list[Context] = []

    def context(slot: datetime | None = SLOT, seconds: float = 60.0, *, dry_run: bool = False) -> Context:
        deadline = clock.monotonic() + seconds
        args = argparse.Namespace(dry_run=dry_run)
        made.append(Context(TASK, slot, args, config, paths, logger, deadline, dry_run))
        return made[-1]

    yield context
    for one in made:
        one.journal.close()


@pytest.fixture
def session(make: Make) -> Iterator[SlotClaims]:
    """The market session's claims."""
    with SlotClaims(make().paths.locks, TASK) as claims:
        yield claims


def committed(ctx: Context, outcome: str = session_cycles.SUCCESS) -> None:
    session_cycles.begin(ctx.journal, TASK, SLOT)
    session_cycles.end(ctx.journal, TASK, SLOT, outcome, "10:35 3 of 3 complete")


def test_a_free_slot_is_claimed_as_long_as_it_is_worked_on(make: Make, session: SlotClaims) -> None:
    with claimed_slot(make()) as slot:
        assert slot == SLOT
        assert not session.take(SLOT)
    assert session.take(SLOT)


def test_a_run_waits_for_the_claim_and_ends_when_the_session_has_committed(make: Make, session: SlotClaims) -> None:
    ctx = make()
    session.take(SLOT)
    committed(ctx)
    threading.Timer(0.3, session.give_up, (SLOT,)).start()
    with pytest.raises(SkipRun) as skip, claimed_slot(ctx):
        raise AssertionError("it was covered")
    assert skip.value.reason == "covered_by_session"
    assert "success in 0.0 s: 10:35 3 of 3 complete" in skip.value.detail
    assert session.take(SLOT)


@pytest.mark.parametrize("outcome", [None, session_cycles.FAILED])
def test_a_claim_that_falls_without_a_commit_is_taken_over(
    make: Make, session: SlotClaims, outcome: str | None
) -> None:
    ctx = make()
    session.take(SLOT)
    session_cycles.begin(ctx.journal, TASK, SLOT)
    if outcome:
        session_cycles.end(ctx.journal, TASK, SLOT, outcome, "Disconnected")
    threading.Timer(0.3, session.close).start()
    with claimed_slot(ctx) as slot:
        assert slot == SLOT


def test_a_run_whose_time_is_over_names_the_holder(make: Make, session: SlotClaims) -> None:
    ctx = make(seconds=covering.CLOSING + 0.2)
    session.take(SLOT)
    assert held(ctx).startswith("another run of collect_futures_snapshots is still at work")
    running = lock.acquire(str(ctx.paths.locks), "market_session")
    assert running is not None
    assert held(ctx).startswith(f"the market session, which has not begun it, or another run of {TASK} is still")
    session_cycles.begin(ctx.journal, TASK, SLOT)
    assert re.match(r"^the market session \(pid \d+, since 10:35:0\d\) is still", held(ctx))
    os.close(running)
    assert held(ctx).startswith("another run of collect_futures_snapshots is still"), "that session has died"
    assert SlotHeldError.recoverable


def test_by_hand_what_the_session_left_may_still_be_collected(make: Make, session: SlotClaims) -> None:
    ctx = make(None)
    committed(ctx)
    with claimed_slot(ctx) as slot:
        assert slot == SLOT
        assert not session.take(SLOT)


def test_what_writes_no_ledger_waits_for_nobody(make: Make, session: SlotClaims) -> None:
    session.take(SLOT)
    with claimed_slot(make(None), claim=False) as slot:
        assert slot == SLOT
    with claimed_slot(make(dry_run=True)) as slot:
        assert slot == SLOT


def test_the_ledger_of_a_slot_that_somebody_works_on_is_not_closed(make: Make, session: SlotClaims) -> None:
    ctx = make()
    for slot in (LONG_AGO, BEFORE):
        ledger.open_slot(ctx.journal, TASK, slot, 3)
    session.take(BEFORE)
    settle(ctx)
    assert states(ctx) == {LONG_AGO: "closed", BEFORE: "open"}
    session.give_up(BEFORE)
    settle(ctx)
    assert states(ctx) == {LONG_AGO: "closed", BEFORE: "closed"}


def test_the_ledger_of_a_lost_slot_is_not_opened_under_who_works_on_it(make: Make, session: SlotClaims) -> None:
    ctx = make()
    (ctx.paths.slots / TASK).mkdir(parents=True)
    (ctx.paths.slots / TASK / f"{LONG_AGO.timestamp():.0f}").touch()
    session.take(LONG_AGO)
    open_lost(ctx, SLOT, lambda _: (3, None))
    assert states(ctx) == {}
    session.give_up(LONG_AGO)
    open_lost(ctx, SLOT, lambda _: (3, None))
    assert states(ctx) == {LONG_AGO: "open"}


def test_a_slot_that_a_run_waited_for_in_vain_is_in_the_ledger_though_its_holder_is_frozen(
    make: Make, session: SlotClaims
) -> None:
    ctx = make()
    (ctx.paths.slots / TASK).mkdir(parents=True)
    (ctx.paths.slots / TASK / f"{LONG_AGO.timestamp():.0f}").touch()
    session.take(LONG_AGO)
    run = runs.start_attempt(ctx.journal, task=TASK, slot=LONG_AGO, attempt=1, pid=1, log_file="")
    runs.finish_attempt(ctx.journal, run, runs.Ended("recoverable", 1, 1.0, 0.3, 60.0, "held", SlotHeldError.reason))
    runs.record_skip(ctx.journal, task=TASK, slot=LONG_AGO, reason="deadline", detail="no time", log_file="")
    open_lost(ctx, SLOT, lambda _: (3, None))
    settle(ctx)
    assert states(ctx) == {LONG_AGO: "closed"}
    assert [miss.reason for miss in ledger.misses(ctx.journal, TASK, LONG_AGO)] == ["killed"] * 3


def test_a_covered_day_is_a_day_that_succeeded(make: Make) -> None:
    db = make().journal
    run = runs.start_attempt(db, task=TASK, slot=SLOT, attempt=1, pid=1, log_file="")
    runs.finish_attempt(db, run, runs.Ended("skip", 0, 1.0, 0.3, 60.0, "the market session", runs.COVERED))
    assert runs.succeeded_on(db, TASK, "2026-11-20")
    assert not runs.succeeded_on(db, TASK, "2026-11-19")


def held(ctx: Context) -> str:
    """What a run says whose time is over."""
    with pytest.raises(SlotHeldError) as found, claimed_slot(ctx):
        raise AssertionError("it was held")
    return str(found.value)


def settle(ctx: Context) -> None:
    settle_unfinished(ctx, "futures_snapshots", "symbol", SLOT, lambda _: dict.fromkeys(("ES", "NQ", "RTY"), ""))


def states(ctx: Context) -> dict[datetime, str]:
    lines = ledger.slots_of(ctx.journal, TASK, LONG_AGO, SLOT + timedelta(days=1))
    return {line.slot: line.state for line in lines}
