"""One cycle of the market session: whatever its job does, its claim falls and the journal says what became of it."""

import argparse
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from loguru import logger

from v6 import clock
from v6.analysis.slot_account import Standing
from v6.clock import NEW_YORK
from v6.collection.slot_book import SlotBook
from v6.config.load import load
from v6.gateway.errors import Disconnected
from v6.journal import database, ledger, session_cycles
from v6.model import MissReason, Quote, QuoteStatus, RecoverableError
from v6.paths import Paths
from v6.runner.slot_claims import SlotClaims
from v6.scheduler import compiled, schedule_text
from v6.scheduler.compiled import Task
from v6.session.collectors import Collectors
from v6.session.context import SessionContext
from v6.session.cycle import STUCK_AFTER, Cycle
from v6.session.keeper import Keeper
from v6.session.live import Live
from v6.session.rules import Rules

TASK = "collect_futures_snapshots"
SLOT = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
PATIENCE = 30.0


@dataclass
class Unconnected:
    """A keeper whose connection is gone when it is asked for; it asks `meanwhile` first."""

    meanwhile: Callable[[], None] = field(default=lambda: None)

    def borrow(self, *_: Any, **__: Any) -> None:
        self.meanwhile()
        raise Disconnected("the market session is not connected: reset")


@dataclass
class Stage:
    paths: Paths
    claims: SlotClaims
    task: Task
    tasks: dict[str, Task]
    ending: threading.Event = field(default_factory=threading.Event)

    def context(self, meanwhile: Callable[[], None] = lambda: None, seconds: float = 60.0) -> SessionContext:
        return SessionContext(
            task=TASK,
            slot=SLOT,
            args=argparse.Namespace(),
            config=load(self.paths, {}),
            paths=self.paths,
            log=logger,
            deadline=clock.monotonic() + seconds,
            keeper=cast("Keeper", Unconnected(meanwhile)),
            live=Live(self.paths.var / "quotes.json", logger),
            ending=self.ending,
        )

    def run(self, context: SessionContext) -> session_cycles.Cycle:
        """A cycle from its start to its end; its row."""
        assert self.claims.take(SLOT)
        cycle = Cycle(context, self.task, self.claims)
        cycle.start()
        wait_for(cycle)
        with closing(database.connect(self.paths.journal)) as db:
            found = session_cycles.of_slot(db, TASK, SLOT)
        assert found is not None
        return found

    def free(self) -> bool:
        with SlotClaims(self.paths.locks, TASK) as cron:
            return cron.take(SLOT)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """At 10:35:01 on a Friday."""
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{SLOT.timestamp() + 1 - datetime.now(tz=NEW_YORK).timestamp():.3f}")
    paths = Paths.locate()
    text = schedule_text.render(load(paths, {}).scheduler, host_zone="America/New_York")
    with SlotClaims(paths.locks, TASK) as claims:
        tasks = compiled.parse(text).tasks
        yield Stage(paths, claims, tasks[TASK], tasks)


def wait_for(cycle: Cycle) -> None:
    until = clock.monotonic() + PATIENCE
    while cycle.running and clock.monotonic() < until:
        clock.sleep(0.01)
    assert not cycle.running


def test_a_cycle_without_a_connection_fails_and_the_ledger_has_the_reason(stage: Stage) -> None:
    held = []
    found = stage.run(stage.context(lambda: held.append(not stage.free())))
    assert held == [True]
    assert (found.outcome, stage.free()) == ("failed", True)
    assert found.summary == "10:35 Disconnected: the market session is not connected: reset"
    with closing(database.connect(stage.paths.journal)) as db:
        assert {miss.reason for miss in ledger.misses(db, TASK, SLOT)} == {"disconnected"}


def test_arguments_that_the_job_refuses_fail_the_cycle_alone(stage: Stage) -> None:
    stage.task.args = ("--symbols", "ES")
    found = stage.run(stage.context())
    assert (found.outcome, stage.free()) == ("failed", True)
    assert found.summary == "10:35 ValueError: scripts/collect_futures_snapshots.py does not take --symbols ES"


def test_a_cycle_that_begins_while_the_session_ends_is_left_to_cron(stage: Stage) -> None:
    stage.ending.set()
    found = stage.run(stage.context())
    assert (found.outcome, found.summary) == ("failed", "10:35 Disconnected: the market session is ending")


def test_waiting_inside_a_cycle_ends_with_the_session(stage: Stage) -> None:
    context = stage.context()
    threading.Timer(0.1, stage.ending.set).start()
    with pytest.raises(Disconnected, match="the market session is ending"):
        context.sleep(60.0)


def test_what_a_collector_hears_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, list[Quote]]] = []
    context = stage.context()
    monkeypatch.setattr(context.live, "cycle", lambda task, quotes: shown.append((task, quotes)))
    context.show([])
    assert shown == [(TASK, [])]


def test_a_view_that_cannot_be_made_costs_no_slot(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("Out of range float values are not JSON compliant")

    context = stage.context()
    monkeypatch.setattr(context.live, "cycle", refuse)
    context.show([])


@pytest.mark.parametrize(
    ("reason", "after_seconds", "retried"),
    [
        (MissReason.DEADLINE, 1, True),
        (MissReason.DEADLINE, 290, False),
        (MissReason.DISCONNECTED, 1, True),
        (MissReason.LINES, 1, True),
        (MissReason.PACING, 1, True),
        (MissReason.SERVER_LOST, 1, True),
        (MissReason.NO_TICK, 1, False),
    ],
)
def test_what_a_cycle_had_no_time_for_is_left_to_crons_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, reason: MissReason, after_seconds: int, retried: bool
) -> None:
    """One of two contracts: as long as the slot itself has time."""
    offset = SLOT.timestamp() + after_seconds - datetime.now(tz=NEW_YORK).timestamp()
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{offset:.3f}")
    context = stage.context()
    context.dry_run = True
    book = SlotBook(context, "futures_snapshots", SLOT, {"ES": "ES", "NQ": "NQ"}, "symbol")
    book.attempted = {"ES": Standing(QuoteStatus.COMPLETE, None), "NQ": Standing(QuoteStatus.MISSING, reason)}
    with pytest.raises(RecoverableError, match="is not finished") if retried else nullcontext():
        book.conclude()


def test_a_cycle_leaves_a_third_of_its_collectors_attempt_to_cron(stage: Stage) -> None:
    """The futures' attempts have 120 s, the options' 240: of session.cycle_seconds, 150, one is cut."""
    context = stage.context()
    rules = SimpleNamespace(config=context.config, plan=SimpleNamespace(tasks=stage.tasks))
    keeper = cast("Keeper", SimpleNamespace(listeners=[]))
    collectors = Collectors(context, cast("Rules", rules), keeper, context.live)
    left = {task: collectors._context(task, SLOT).remaining() for task in (TASK, "collect_option_snapshots")}
    assert left == {TASK: pytest.approx(80.0, abs=5.0), "collect_option_snapshots": pytest.approx(150.0, abs=5.0)}
    late = collectors._context(TASK, SLOT - timedelta(seconds=240)).remaining()
    assert late == pytest.approx(29.0, abs=5.0)


def test_a_cycle_is_stuck_only_long_after_its_deadline(stage: Stage) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        go_on.wait(PATIENCE)

    context = stage.context(hang)
    cycle = Cycle(context, stage.task, stage.claims)
    cycle.start()
    assert asked.wait(PATIENCE)
    assert not cycle.stuck
    context.deadline = clock.monotonic() - STUCK_AFTER - 1.0
    assert cycle.stuck
    go_on.set()
    wait_for(cycle)
    assert not cycle.stuck
