#!/usr/bin/env python3
"""Measure one slot of the option collector as cron runs it: `python tests/bench/slot.py [--repeat 3]`.

The real wrapper, supervisor and job against a simulated TWS with real limits and latency in another process. Time: from
the wrapper's start until everything has ended, so more than "job start to committed rows". Memory: the largest sum of
PSS over the run's process tree. Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import psutil

from v6 import clock
from v6.journal import database, ledger
from v6.paths import ROOT
from v6.rehearsal.simulated_tws import simulated_tws
from v6.rehearsal.stage import Stage

DAY = datetime(2026, 11, 24, tzinfo=clock.NEW_YORK)
CONTRACTS, LINES = 258, 80
FLOOR = (2 * CONTRACTS - LINES) / 50
SECONDS_BAR, MEMORY_BAR = 1.3 * FLOOR + 2.0, 260.0
TASK = "collect_option_snapshots"
EVERY_ONE_TICKS = ("--no-greeks-share", "0", "--no-tick-share", "0")


@dataclass(frozen=True)
class Slot:
    seconds: float
    peak_mb: float
    line: ledger.Slot


def pss_mb(pid: int) -> float:
    """Proportional set size of a process and its descendants."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0.0
    return total / 1e6


def run(stage: Stage, job: str, at: datetime) -> tuple[float, float]:
    """Seconds and peak memory of one slot of a job through the wrapper."""
    stage.step_to(at)
    command = ["/bin/bash", str(ROOT / "scripts" / "cron_wrapper.sh"), "--slot", f"scripts/{job}.py"]
    started, peak = clock.monotonic(), 0.0
    with subprocess.Popen(command, env=stage.environ({"V6_PYTHON": sys.executable}), cwd="/") as process:
        while process.poll() is None:
            peak = max(peak, pss_mb(process.pid))
            clock.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{job} ended with {process.returncode}")
    return clock.monotonic() - started, peak


def collect(stage: Stage, at: datetime, options: Sequence[str]) -> Slot:
    """One realistic slot against a TWS of its own."""
    with simulated_tws(stage, stage.environ(), options) as tws:
        stage.configure({"ibkr": {"port": tws.port}})
        subprocess.run([sys.executable, "-m", "v6.scheduler.compile"], env=os.environ | stage.environ(), check=True)
        seconds, peak = run(stage, TASK, at)
    (stage.home / "simulator.port").unlink()
    db = database.connect(stage.paths.journal)
    line = ledger.slot_of(db, TASK, at)
    db.close()
    assert line is not None
    return Slot(seconds, peak, line)


def freeze_universe(stage: Stage) -> None:
    with simulated_tws(stage, stage.environ(), ["--fast"]) as tws:
        stage.configure({"ibkr": {"port": tws.port}})
        run(stage, "queue_option_contracts", DAY.replace(hour=8))
    (stage.home / "simulator.port").unlink()


def row(name: str, figure: str, bar: str, ok: bool | None) -> bool:
    print(f"{name} | {figure} | {bar} | {'-' if ok is None else 'yes' if ok else 'NO'}", flush=True)
    return ok is not False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "home")
        stage.build({"ibkr": {"port": 1}}, {})
        stage.set_clock(DAY.replace(hour=7, minute=59).timestamp())
        compiled = [sys.executable, "-m", "v6.scheduler.compile"]
        subprocess.run(compiled, env=os.environ | stage.environ(), check=True, stdout=subprocess.DEVNULL)
        freeze_universe(stage)
        slots = [DAY.replace(hour=10) + timedelta(minutes=5 * number) for number in range(given.repeat + 1)]
        every = [collect(stage, at, EVERY_ONE_TICKS) for at in slots[1:]]
        some = collect(stage, slots[-1] + timedelta(minutes=5), ("--no-greeks-share", "0", "--no-tick-share", "0.02"))
    seconds, peak = median(slot.seconds for slot in every), max(slot.peak_mb for slot in every)
    accounted = some.line.complete + some.line.partial + some.line.missing
    results = [
        row(
            f"slot: {CONTRACTS} contracts, wrapper start to its end",
            f"{seconds:.1f} s ({seconds / FLOOR:.2f}x the floor of {FLOOR:.1f} s)",
            f"<= {SECONDS_BAR:.1f} s",
            seconds <= SECONDS_BAR,
        ),
        row(
            "slot: all complete",
            ", ".join(str(slot.line.complete) for slot in every),
            f"{CONTRACTS} each",
            all(slot.line.complete == CONTRACTS for slot in every),
        ),
        row("slot: peak PSS of the process tree", f"{peak:.0f} MB", f"<= {MEMORY_BAR:.0f} MB", peak <= MEMORY_BAR),
        row(
            "slot: the same with 2 % that never tick",
            f"{some.seconds:.1f} s, {some.line.complete} complete, {some.line.missing} missing with a reason",
            f"{CONTRACTS} accounted for",
            accounted == CONTRACTS,
        ),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
