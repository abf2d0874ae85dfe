#!/usr/bin/env python3
"""Measure the market session against runs that connect: `python tests/bench/session.py [--repeat 3] [--cycles 20]`.

One simulated TWS with real limits and latency, one universe of 258 contracts, the collectors of options and futures as
cron starts them, at the same slots' instants: first each with a connection of its own, then beside the session. Time:
from the slot's instant until its rows are committed and its line in the ledger is closed. Then what the session costs
while it has nothing to do, and, against a fast TWS, how its memory grows with its cycles.
Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import psutil

from v6 import clock
from v6.journal import connections, database, ledger, session_cycles
from v6.journal.ledger import TABLE_OF
from v6.paths import ROOT
from v6.rehearsal.simulated_tws import simulated_tws
from v6.rehearsal.stage import Stage
from v6.runner.slot_claims import SlotClaims

OPEN = datetime(2026, 11, 24, 9, 30, tzinfo=clock.NEW_YORK)
CONTRACTS = 258
EARLIER_BAR = 1.0
IDLE_BAR = 60.0  # CPU seconds an hour: under 2 % of a core
GROWTH_BAR = 25.0  # MB after the first cycles
IDLE_SECONDS = 65.0  # two pings
WARM_CYCLES = 5
MOMENT = 120.0
EVERY_ONE_TICKS = ("--no-greeks-share", "0", "--no-tick-share", "0")
OPTIONS, FUTURES = COLLECTORS = tuple(Path(script).stem for script in TABLE_OF)
SLOT = timedelta(minutes=5)


def until(there: Callable[[], object], what: str, seconds: float = MOMENT) -> None:
    deadline = clock.monotonic() + seconds
    while not there():
        if clock.monotonic() > deadline:
            raise SystemExit(f"never came: {what}")
        clock.sleep(0.05)


def compile_schedule(stage: Stage) -> None:
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=os.environ | stage.environ(), check=True, stdout=subprocess.DEVNULL)


def configure(stage: Stage, port: int, *, persistent: bool, fast: bool = False) -> None:
    pace = {"messages_per_second": 2000.0, "simulator": True} if fast else {}
    stage.configure({"ibkr": {"port": port, "persistent_connection": persistent, **pace}})
    compile_schedule(stage)


def start(stage: Stage, job: str, *options: str) -> subprocess.Popen[bytes]:
    command = ["/bin/bash", str(ROOT / "scripts" / "cron_wrapper.sh"), *options, f"scripts/{job}.py"]
    with (stage.home / "logs" / "bench.log").open("ab") as log:
        environ = stage.environ({"V6_PYTHON": sys.executable})
        return subprocess.Popen(command, env=environ, cwd="/", stdout=log, stderr=log)


def come_to(stage: Stage, instant: datetime) -> None:
    """Real time passes until the instant, from five seconds before it."""
    stage.set_clock(instant.timestamp() - 5.0)
    clock.sleep(max(0.0, instant.timestamp() - stage.epoch()))


def run(stage: Stage, *jobs: str) -> None:
    """All of them at once, to their end."""
    running = [(job, start(stage, job, "--slot")) for job in jobs]
    for job, process in running:
        if process.wait():
            raise SystemExit(f"{job} ended with {process.returncode}: see {stage.home}")


def collected(stage: Stage, slot: datetime) -> tuple[float, int]:
    """Seconds from the slot's instant to its options' closed line in the ledger, and how many are complete."""
    with closing(database.connect(stage.paths.journal)) as db:
        line = ledger.slot_of(db, OPTIONS, slot)
    if line is None or line.state != "closed":
        raise SystemExit(f"slot {slot:%H:%M} was not collected: see {stage.home}")
    return line.updated_at.timestamp() - slot.timestamp(), line.complete


def wall(seconds: list[tuple[float, int]]) -> str:
    return ", ".join(f"{each:.1f}" for each, _ in seconds)


@contextmanager
def session(stage: Stage) -> Iterator[psutil.Process]:
    """The session's job, connected; ended cleanly."""
    running = start(stage, "run_market_session")
    try:
        until(lambda: session_pid(stage) or running.poll() is not None, "the session's connection")
        if running.poll() is not None:
            raise SystemExit(f"the session ended with {running.returncode}: see {stage.home}")
        yield psutil.Process(session_pid(stage))
    finally:
        running.terminate()
        running.wait()


def session_pid(stage: Stage) -> int:
    """0 until it is connected."""
    with closing(database.connect(stage.paths.journal)) as db:
        found = [known.pid for known in connections.known(db) if known.status.startswith(connections.CONNECTED)]
    return next((pid for pid in found if psutil.pid_exists(pid)), 0)


def claimed(stage: Stage, slot: datetime) -> None:
    until(lambda: len(taken(stage, slot)) == len(COLLECTORS), f"the session's claims of {slot:%H:%M}")


def idle_cost(process: psutil.Process) -> float:
    """CPU seconds an hour while no slot comes."""
    before, began = process.cpu_times(), clock.monotonic()
    clock.sleep(IDLE_SECONDS)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return spent * 3600 / (clock.monotonic() - began)


def side_by_side(stage: Stage, repeat: int) -> tuple[list[tuple[float, int]], list[tuple[float, int]], float]:
    """(seconds, complete) of each slot of runs that connect and of the session, and the session's idle cost."""
    with simulated_tws(stage, stage.environ(), ["--fast"]) as tws:
        configure(stage, tws.port, persistent=False, fast=True)
        stage.set_clock(OPEN.replace(hour=8, minute=0).timestamp())
        run(stage, "queue_option_contracts")
    slots = [OPEN + SLOT * number for number in range(6, 6 + 2 * repeat)]
    with simulated_tws(stage, stage.environ(), EVERY_ONE_TICKS) as tws:
        configure(stage, tws.port, persistent=False)
        for slot in slots[:repeat]:
            come_to(stage, slot)
            run(stage, *COLLECTORS)
        configure(stage, tws.port, persistent=True)
        stage.set_clock(slots[repeat].timestamp() - 250)
        with session(stage) as process:
            idle = idle_cost(process)
            for slot in slots[repeat:]:
                stage.set_clock(slot.timestamp() - 20)
                claimed(stage, slot)
                come_to(stage, slot)
                run(stage, *COLLECTORS)
    found = [collected(stage, slot) for slot in slots]
    return found[:repeat], found[repeat:], idle


def growth(stage: Stage, cycles: int) -> tuple[float, float]:
    """MB of the session after its first cycles and after all of them, against a fast TWS."""
    first = OPEN + SLOT * 40
    sizes = []
    with simulated_tws(stage, stage.environ(), ["--fast"]) as tws:
        configure(stage, tws.port, persistent=True, fast=True)
        stage.set_clock(first.timestamp() - 60)
        with session(stage) as process:
            for slot in (first + SLOT * number for number in range(cycles)):
                stage.set_clock(slot.timestamp() - 20)
                claimed(stage, slot)
                stage.set_clock(slot.timestamp() + 1)
                until(lambda: ended(stage, slot), f"the cycles of {slot:%H:%M}")  # noqa: B023 - awaited
                sizes.append(process.memory_info().rss / 1e6)
    return sizes[min(WARM_CYCLES, cycles) - 1], sizes[-1]


def ended(stage: Stage, slot: datetime) -> bool:
    """Whether both cycles have committed the slot and given it up."""
    with closing(database.connect(stage.paths.journal)) as db:
        cycles = [session_cycles.of_slot(db, task, slot) for task in COLLECTORS]
    return all(cycle and cycle.outcome == session_cycles.SUCCESS for cycle in cycles) and not taken(stage, slot)


def taken(stage: Stage, slot: datetime) -> list[str]:
    """Collectors of which somebody claims the slot."""
    found = []
    for task in COLLECTORS:
        with SlotClaims(stage.paths.locks, task) as claims:
            found += [task] if claims.taken_by_another(slot) else []
    return found


def row(name: str, figure: str, bar: str, ok: bool | None) -> bool:
    print(f"{name} | {figure} | {bar} | {'-' if ok is None else 'yes' if ok else 'NO'}", flush=True)
    return ok is not False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "home")
        stage.build({"ibkr": {"port": 1}}, {})
        stage.set_clock(OPEN.replace(hour=7, minute=59).timestamp())
        compile_schedule(stage)
        connecting, held, idle = side_by_side(stage, given.repeat)
        warm, last = growth(stage, given.cycles)
    apart, on_one = (median(seconds for seconds, _ in found) for found in (connecting, held))
    name = f"session: slot's instant to {CONTRACTS} committed rows"
    complete = [count for _, count in connecting + held]
    results = [
        row(f"{name}, a run that connects", f"{apart:.1f} s ({wall(connecting)})", "-", None),
        row(
            f"{name}, the session",
            f"{on_one:.1f} s ({wall(held)}), {apart - on_one:.1f} s earlier",
            f">= {EARLIER_BAR:.0f} s earlier",
            apart - on_one >= EARLIER_BAR,
        ),
        row(
            "session: all complete",
            ", ".join(map(str, complete)),
            f"{CONTRACTS} each",
            all(count == CONTRACTS for count in complete),
        ),
        row("session: CPU while idle, an hour", f"{idle:.0f} s", f"<= {IDLE_BAR:.0f} s", idle <= IDLE_BAR),
        row(
            f"session: memory after {given.cycles} cycles of both collectors",
            f"{last:.0f} MB, {last - warm:+.1f} MB since cycle {WARM_CYCLES}",
            f"<= {GROWTH_BAR:+.0f} MB",
            last - warm <= GROWTH_BAR,
        ),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
