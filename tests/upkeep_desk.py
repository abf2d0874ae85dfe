"""A home with a real lake and journal for tests of upkeep and audit: no process, no TWS, a clock that can be set.

Homes that many tests begin with are built once (`built`) and copied (`copy_of`).
"""

import argparse
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from loguru import logger

import option_rows
from v6 import clock
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.journal import closed_days, ledger, runs
from v6.journal.closed_days import Closed
from v6.paths import Paths
from v6.runner.context import Context
from v6.store.checksums import sha256_of

DAY = date(2026, 11, 20)
TASK = option_rows.TASK
SNAPSHOTS = "option_snapshots"


def at(wall: str, day: date = DAY) -> datetime:
    """`18:30` of the day, New York."""
    return datetime.combine(day, datetime.strptime(wall, "%H:%M").time(), NEW_YORK)


class UpkeepDesk:
    """`ctx` is a job's context at the desk's time."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._patch = patch
        self.now(at("18:30"))
        self.ctx = self.context()

    def now(self, moment: datetime) -> None:
        offset = moment.timestamp() - time.time()
        self._patch.setenv("V6_CLOCK_OFFSET", f"{offset:.3f}")

    def context(self, task: str = "audit_data_integrity", *, dry_run: bool = False) -> Context:
        paths = Paths.locate()
        return Context(
            task=task,
            slot=None,
            args=argparse.Namespace(),
            config=load(paths, {}),
            paths=paths,
            log=logger,
            deadline=clock.monotonic() + 600,
            dry_run=dry_run,
        )

    def collect(self, day: date = DAY, *, slots: int = 3, contracts: int = 12) -> pl.DataFrame:
        """Slots of a day as the collector leaves them: rows, ledger, universe, a run each. The day's rows."""
        rows = option_rows.generated(day, slots=slots, contracts=contracts, live=True)
        rows = rows.with_columns(received_at=pl.col("slot") + timedelta(seconds=9))
        self.freeze(rows, day)
        for slot, frame in option_rows.by_slot(rows).items():
            self.ctx.lake.write_slot(SNAPSHOTS, task=TASK, slot=slot, frame=frame)
            partial = frame.filter(pl.col("status") == "partial")
            misses = [ledger.Miss(str(con_id), "SPY", "partial", "no_tick") for con_id in partial["con_id"]]
            ledger.open_slot(self.ctx.journal, TASK, slot, contracts, 1)
            ledger.close_slot(self.ctx.journal, TASK, slot, contracts - len(misses), misses)
            self.ran(TASK, slot)
        return rows

    def freeze(self, rows: pl.DataFrame, day: date) -> None:
        contracts = rows.unique("con_id").sort("con_id")
        frame = option_rows.universe(day, 1, [float(place + 1) for place in range(len(contracts))])
        self.ctx.lake.write_universe(day, 1, frame.with_columns(con_id=contracts["con_id"]))

    def ran(self, task: str, slot: datetime) -> int:
        """A run of a slot that succeeded."""
        run = runs.start_attempt(self.ctx.journal, task=task, slot=slot, attempt=1, pid=1, log_file="")
        ended = runs.Ended("success", 0, 2.0, 1.0, 80.0, "12 of 12")
        runs.finish_attempt(self.ctx.journal, run, ended)
        started = slot.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.ctx.journal.execute("UPDATE runs SET started_at = ?, ended_at = ? WHERE id = ?", (started, started, run))
        return run

    def lived(self, first: date, last: date) -> None:
        """Every day between was closed, without a quote, and had a run: the trace that time leaves."""
        days = [first + timedelta(days=passed) for passed in range((last - first).days + 1)]
        empty = sha256_of(SNAPSHOTS, self.ctx.lake.read(SNAPSHOTS, trade_date=date(2000, 1, 3)))
        closed_days.record(self.ctx.journal, [Closed(SNAPSHOTS, day, 0, empty, at("18:30", day)) for day in days])
        self.ctx.journal.executemany(
            "INSERT INTO runs (task, day, attempt, started_at) VALUES ('lived', ?, 1, ?)",
            [(day.isoformat(), f"{day}T12:00:00.000Z") for day in days],
        )


@contextmanager
def built(home: Path) -> Iterator[UpkeepDesk]:
    """A desk in a new home, at 18:30 of DAY, with the environment that it needs meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        home.mkdir(parents=True)
        patch.setenv("V6_HOME", str(home))
        made = UpkeepDesk(home, patch)
        yield made
        made.ctx.journal.close()


def copy_of(built_home: Path, home: Path, patch: pytest.MonkeyPatch) -> UpkeepDesk:
    """A desk of its own in a copy of that home, at 18:30 of DAY."""
    shutil.copytree(built_home, home, dirs_exist_ok=True)
    return UpkeepDesk(home, patch)
