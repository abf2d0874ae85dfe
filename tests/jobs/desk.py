"""A trading desk for tests: a private home, a clock that can be set, the real scripts as real processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from v6.clock import NEW_YORK
from v6.collection.universe import COLUMNS
from v6.journal import database, ledger
from v6.model import Contract
from v6.paths import ROOT
from v6.store.frames import rows_to_frame
from v6.store.lake import Lake

DAY = date(2026, 11, 20)
KILLED = -signal.SIGKILL
SYMBOLS = ("SPY", "QQQ", "IWM")


@dataclass(frozen=True)
class Ran:
    """How a script ended: its exit code (a signal is negative) and everything it said."""

    code: int
    words: str


class Running:
    """A script that has been started and not awaited."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def wait(self) -> Ran:
        words, _ = self.process.communicate(timeout=90)
        return Ran(self.process.returncode, words)


class Desk:
    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.clock_file = home / "clock"
        self.configure({"ibkr": {"port": port, "connect_timeout_seconds": 5.0}})
        self.at("10:00")

    def configure(self, changes: dict[str, Any]) -> None:
        """Change production.yaml, section by section."""
        path = self.home / "config" / "production.yaml"
        path.parent.mkdir(exist_ok=True)
        settings = yaml.safe_load(path.read_text()) if path.exists() else {}
        for section, values in changes.items():
            settings[section] = settings.get(section, {}) | values
        path.write_text(yaml.safe_dump(settings))
        path.chmod(0o600)

    def at(self, wall: str, day: date = DAY) -> None:
        """Set the clock a second after that New York minute."""
        self.at_instant(self.slot(wall, day) + timedelta(seconds=1))

    def at_instant(self, instant: datetime) -> None:
        """Set the clock, also under programs that are just reading it."""
        written = self.clock_file.with_name("clock.next")
        written.write_text(f"{instant.timestamp() - time.time():.3f}")
        written.replace(self.clock_file)

    @staticmethod
    def slot(wall: str, day: date = DAY) -> datetime:
        return datetime.combine(day, datetime.strptime(wall, "%H:%M").time(), NEW_YORK)

    def start(self, job: str, *arguments: str, slot: str | None = None, day: date = DAY, **environ: str) -> Running:
        """Start scripts/<job>.py, for a slot as cron would or (slot None) as by hand."""
        surroundings = os.environ | {"V6_CLOCK_FILE": str(self.clock_file)} | environ
        if slot is not None:
            surroundings |= {"V6_SLOT": f"{self.slot(slot, day).timestamp():.0f}"}
        command = [sys.executable, str(ROOT / "scripts" / f"{job}.py"), *arguments]
        return Running(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=surroundings,
                cwd="/",
            )
        )

    def run(self, job: str, *arguments: str, slot: str | None = None, day: date = DAY, **environ: str) -> Ran:
        return self.start(job, *arguments, slot=slot, day=day, **environ).wait()

    def collect(self, slot: str, *arguments: str, **environ: str) -> Ran:
        """The option collector's run of that slot, at that time."""
        self.at(slot)
        return self.run("collect_option_snapshots", *arguments, slot=slot, **environ)

    @property
    def lake(self) -> Lake:
        return Lake(str(self.home / "var" / "lake"), None, self.home / "var" / "locks")

    def journal(self) -> sqlite3.Connection:
        return database.connect(self.home / "var" / "v6.db")

    def rows(self, slot: str, table: str = "option_snapshots", task: str = "collect_option_snapshots") -> pl.DataFrame:
        return self.lake.slot_rows(table, task, self.slot(slot))

    def line(self, slot: str, task: str = "collect_option_snapshots") -> ledger.Slot | None:
        db = self.journal()
        try:
            return ledger.slot_of(db, task, self.slot(slot))
        finally:
            db.close()

    def misses(self, slot: str, task: str = "collect_option_snapshots") -> list[ledger.Miss]:
        db = self.journal()
        try:
            return ledger.misses(db, task, self.slot(slot))
        finally:
            db.close()

    def freeze(self, contracts: Sequence[Contract], version: int = 1) -> None:
        """Put a universe into the lake, as the 08:00 job would."""
        rows = [
            {name: getattr(contract, name) for name in COLUMNS}
            | {
                "trade_date": DAY,
                "version": version,
                "task": "queue_option_contracts",
                "created_at": self.slot("08:00"),
                "dte": (contract.expiry - DAY).days if contract.expiry else None,
                "collected": True,
                "held": False,
                "rank": rank,
                "reason": "nearest",
            }
            for rank, contract in enumerate(contracts, 1)
        ]
        frame = rows_to_frame("option_contracts", rows)
        self.lake.write_universe(DAY, version, frame)


def options(count: int, first: int = 1) -> list[Contract]:
    """Made-up contracts that no TWS knows."""
    expiry = DAY + timedelta(days=28)
    return [
        Contract(
            "OPT",
            SYMBOLS[number % 3],
            "SMART",
            first + number,
            trading_class=SYMBOLS[number % 3],
            multiplier=100.0,
            expiry=expiry,
            strike=600.0 + number,
            right="C",
        )
        for number in range(count)
    ]


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another process does; fails when it does not happen."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)
