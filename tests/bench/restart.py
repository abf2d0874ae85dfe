#!/usr/bin/env python3
"""Measure how long V6 needs after TWS's restart: `python tests/bench/restart.py [--repeat 2]`.

258 subscriptions are saved, TWS (real limits and latency, in another process) restarts: its port refuses, then is open
and mute for a while, and its data farms come last. The real post_restart job waits for it. Time: from the port opening,
as the kernel's table shows it, until the journal says validated; in a live market and at night.
Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from collect import CONTRACTS, row

from v6 import clock
from v6.config.load import load
from v6.gateway import sockets
from v6.gateway.client import Gateway, connect
from v6.journal import database, restarts
from v6.model import Contract
from v6.paths import ROOT
from v6.rehearsal.simulated_tws import SimulatedTws, simulated_tws
from v6.rehearsal.stage import Stage
from v6.restart.records.report_files import ReportFiles
from v6.restart.records.state_file import TradingStateManager
from v6.restart.records.state_reader import read_trading_state
from v6.restart.recovery.proofs import Proven, of_kind
from v6.restart.windows import last_acting
from v6.scheduler import compiled

STABLE_SECONDS = 5.0  # the check that the connection is stable: five round trips a second apart
BAR = 25.0 + STABLE_SECONDS
LIVE = datetime(2026, 11, 24, 10, 40, tzinfo=clock.NEW_YORK)
NIGHT = datetime(2026, 11, 25, 0, 10, tzinfo=clock.NEW_YORK)
REFUSED = 3.0
STARTING = {"refused_seconds": REFUSED, "mute_seconds": 2.0, "farm_seconds": 3.0}
REALISTIC = ("--no-greeks-share", "0.02", "--no-tick-share", "0")
WINDOWS = {
    LIVE: {"start": "10:15", "end": "10:35"},  # a restart in the middle of a session
    NIGHT: {"start": "23:45", "end": "00:05"},
}


@dataclass(frozen=True)
class Recovery:
    """`seconds`: from the port opening to validated and restored; `messages`: the most in any second."""

    seconds: float
    proven: int
    live: int
    stats: dict[str, Any]


def recover(at: datetime, *options: str) -> Recovery:
    """One restart of a TWS of its own."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "home")
        stage.build({"ibkr": {"port": 1}}, {})
        window = {"zone": "America/New_York", "days": "every", **WINDOWS[at]}
        windows = {"daily_restart": window, "weekday_morning": None, "sunday_maintenance": None}
        stage.set_clock(at.timestamp())
        compile_schedule(stage)
        stats_file = stage.home / "stats"
        with simulated_tws(stage, stage.environ(), ["--stats-file", str(stats_file), *REALISTIC, *options]) as tws:
            settings = {"ibkr": {"port": tws.port}, "scheduler": {"restart_windows": windows}}
            stage.configure(settings)
            compile_schedule(stage)
            save_state(stage, tws.port)
            seconds = timed(stage, tws)
        return read_back(stage, seconds, json.loads(stats_file.read_text()))


def compile_schedule(stage: Stage) -> None:
    environ = {**os.environ, **stage.environ()}
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)


async def listed_options(gateway: Gateway) -> list[Contract]:
    """258 listed options near the money, over three expiries."""
    stock = (await gateway.contract_details_async(Contract("STK", "SPY", "SMART")))[0].contract
    chains = await gateway.option_chains_async("SPY", stock.con_id)
    chain = next(chain for chain in chains if (chain.exchange, chain.trading_class) == ("SMART", "SPY"))
    found: list[Contract] = []
    for expiry in [expiry for expiry in chain.expiries if expiry > date(2026, 12, 14)][:3]:
        asked = Contract("OPT", "SPY", "SMART", trading_class="SPY", expiry=expiry)
        listed = [details.contract for details in await gateway.contract_details_async(asked)]
        listed.sort(key=lambda contract: abs((contract.strike or 0) - 600))
        found += [replace(contract, exchange="SMART") for contract in listed[: CONTRACTS // 3]]
    return found


def save_state(stage: Stage, port: int) -> None:
    """What pre_restart leaves behind, four minutes before the window."""
    settings = load(stage.paths, {}).settings
    windows = compiled.load(stage.paths.compiled / "schedule.txt").windows
    occurrence = last_acting(windows, datetime.fromtimestamp(stage.epoch(), clock.NEW_YORK))
    assert occurrence is not None
    with closing(database.connect(stage.paths.journal)) as db:
        begun = restarts.begin(db, occurrence.name, occurrence.start, occurrence.end)

        async def read() -> None:
            door = connect(settings.ibkr, purpose="checks", leases=stage.paths.leases, client_id=9)
            async with door as gateway:
                options = await listed_options(gateway)
                state = await read_trading_state(
                    gateway, db, occurrence=occurrence, restart_id=begun.id, subscriptions=options
                )
            saved_at = occurrence.start - timedelta(minutes=4)
            states = TradingStateManager(stage.paths.state, 14, timedelta(hours=1))
            states.save(replace(state, saved_at=saved_at))

        asyncio.run(read())
        found = sockets.listener("127.0.0.1", port)
        restarts.note(db, begun.id, listener_before=found.words() if found else "")


def timed(stage: Stage, tws: SimulatedTws) -> float:
    """Restart TWS, and let post_restart wait for it; seconds from its port being open to the end of the job."""
    tws.control({"do": "restart", **STARTING})
    begun = clock.monotonic()
    environ = {**stage.environ(), "V6_LIMIT_SECONDS": "300"}
    command = [sys.executable, str(ROOT / "scripts" / "post_restart.py")]
    process = subprocess.Popen(command, env=environ, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with process:
        while sockets.listener("127.0.0.1", tws.port) is None or clock.monotonic() - begun < REFUSED / 2:
            clock.sleep(0.05)
        opened = clock.monotonic()
        code = process.wait()
    if code:
        said = "".join(log.read_text() for log in (stage.home / "logs" / "tasks").glob("post_restart*"))
        raise SystemExit(f"post_restart ended with {code}:\n{said[-3000:]}")
    return clock.monotonic() - opened


def read_back(stage: Stage, seconds: float, stats: dict[str, Any]) -> Recovery:
    files = ReportFiles(stage.paths.state / "restarts", 90)
    report = files.load(files.paths()[0])
    options = [proof for proof in report.proofs if proof.contract.sec_type == "OPT"]
    done = of_kind(options, Proven.LIVE, Proven.CLOSED)
    return Recovery(seconds, len(done), len(of_kind(options, Proven.LIVE)), stats)


def figure(found: list[Recovery]) -> tuple[str, float]:
    seconds = median(one.seconds for one in found)
    proven = ", ".join(f"{one.proven} proven ({one.live} live)" for one in found[:1])
    return f"{seconds:.1f} s, {proven}", seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=2)
    given = parser.parse_args()
    results = []
    everything: list[Recovery] = []
    for name, at in (("in a live market", LIVE), ("at night", NIGHT)):
        found = [recover(at) for _ in range(given.repeat)]
        everything += found
        words, seconds = figure(found)
        complete = all(one.proven == CONTRACTS for one in found)
        what = f"restart: port open to {CONTRACTS} subscriptions restored, {name}"
        results.append(row(what, words, f"<= {BAR:.0f} s, all", seconds <= BAR and complete))
    some = recover(LIVE, "--no-tick-share", "0.02")
    everything.append(some)
    what = "restart: the same with 2 % that never tick"
    results.append(row(what, f"{some.seconds:.1f} s, {some.proven} proven", "-", None))
    most = max(one.stats["most_in_a_second"] for one in everything)
    lines = max(one.stats["peak_lines"] for one in everything)
    results.append(row("restart: messages in any second", str(most), "<= 50", most <= 50))
    results.append(row("restart: lines at once", str(lines), "<= 80", lines <= 80))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
