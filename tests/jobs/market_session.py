"""A market session and cron's runs beside it, for tests: real processes on one desk."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from desk import Desk, Running, wait_until

from v6.journal import session_cycles
from v6.runner.slot_claims import SlotClaims
from v6.simulator.testing import SimulatedTWS

OPTIONS, FUTURES = "collect_option_snapshots", "collect_futures_snapshots"
COLLECTORS = (OPTIONS, FUTURES)
TABLES = {OPTIONS: "option_snapshots", FUTURES: "futures_snapshots"}
CONTRACTS = {OPTIONS: 24, FUTURES: 3}
BEFORE = timedelta(minutes=4)  # as long as a busy machine may take to begin a session
PATIENCE = BEFORE.total_seconds() / 4


PATIENT = {"connect_timeout_seconds": 20.0, "quote_timeout_seconds": 10.0, "greeks_wait_seconds": 10.0}
"""Everything ticks at once here, so that only a busy machine needs it."""


class Trading:
    """A morning's desk on which a session may run."""

    def __init__(self, desk: Desk, tws: SimulatedTWS) -> None:
        self.desk = desk
        self.tws = tws
        self.session: Running | None = None
        desk.configure({"ibkr": {"persistent_connection": True, **PATIENT}})

    def session_holds(self, slot: str, *tasks: str, **environ: str) -> Running:
        """Start a session and wait until it has claimed the slot of these collectors, by default of both."""
        self.desk.at_instant(self.desk.slot(slot) - BEFORE)
        session = self.session = self.desk.start("run_market_session", **environ)
        wait_until(partial(self._claimed_or_over, slot, tasks or COLLECTORS), PATIENCE)
        if session.process.poll() is not None:
            raise AssertionError(session.wait().words)
        return session

    def _claimed_or_over(self, slot: str, tasks: Sequence[str]) -> bool:
        assert self.session is not None
        return self.session.process.poll() is not None or all(self.claimed(task, slot) for task in tasks)

    def claimed(self, task: str, slot: str) -> bool:
        with SlotClaims(self.locks, task) as claims:
            return claims.taken_by_another(self.desk.slot(slot))

    def cron(self, slot: str) -> list[Running]:
        """The slot comes, and cron starts its runs."""
        self.desk.at(slot)
        return [self.desk.start(task, slot=slot) for task in COLLECTORS]

    @property
    def locks(self) -> Path:
        return self.desk.home / "var" / "locks"

    def forget_universe(self) -> None:
        shutil.rmtree(self.desk.home / "var" / "lake" / "option_contracts")

    def row(self, slot: str, task: str) -> tuple[str, str]:
        """Outcome and summary of the session's cycle."""
        cycle = self.cycle(task, slot)
        assert cycle is not None
        return cycle.outcome, cycle.summary

    def cycle(self, task: str, slot: str) -> session_cycles.Cycle | None:
        with closing(self.desk.journal()) as db:
            return session_cycles.of_slot(db, task, self.desk.slot(slot))

    def whole(self, slot: str) -> None:
        """Every contract of the slot is stored once and complete in the ledger."""
        for task in COLLECTORS:
            rows = self.desk.rows(slot, TABLES[task], task)
            assert (rows.height, rows["con_id"].n_unique()) == (CONTRACTS[task],) * 2, (
                task,
                self.desk.misses(slot, task),
            )
            line = self.desk.line(slot, task)
            assert line is not None
            assert (line.state, line.complete) == ("closed", CONTRACTS[task]), (task, line)

    def end(self) -> None:
        """Whatever became of the session."""
        session = self.session
        if session is not None and session.process.stdout is not None and not session.process.stdout.closed:
            session.process.kill()
            session.wait()


@contextmanager
def trading_on(desk: Desk, tws: SimulatedTWS) -> Iterator[Trading]:
    trading = Trading(desk, tws)
    try:
        yield trading
    finally:
        trading.end()
