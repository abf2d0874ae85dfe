#!/usr/bin/env python3
"""Measure the collection of 258 options and hold it to its bars: `python tests/bench/collect.py [--repeat 3]`.

Every run is a process of its own (start, imports, connect, quotes, disconnect) against a simulated TWS with real limits
in another process. Side by side: the library's own reqTickers in batches within the same lines.
Prints `name | figure | bar | ok` (yes, NO, or - without a bar), exit 1 if any bar is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from v6 import clock
from v6.config.settings import Ibkr
from v6.gateway import installation
from v6.gateway.client import connect
from v6.model import Contract

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS, LINES = 258, 80
FLOOR = (2 * CONTRACTS - LINES) / 50  # an open each, a cancel for all but the last lines
BAR = 1.3 * FLOOR + 2.0
TIMES_FASTER = 3.0

OURS = """
import json, sys
from pathlib import Path
import yaml
from v6.config.settings import Ibkr
from v6.gateway.client import connect
from v6.model import Contract

port, leases, con_ids = int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
settings = Ibkr.model_validate(yaml.safe_load(open("config/default.yaml"))["ibkr"] | {"port": port})
contracts = [Contract("OPT", "SPY", "SMART", con_id=con_id, right=right) for con_id, right in con_ids]
with connect(settings, purpose="options", leases=leases, task="bench") as gw:
    quotes = gw.quotes(contracts, generic_ticks="101", need_greeks=True, deadline_seconds=60)
reasons = [str(quote.reason or "complete") for quote in quotes]
print(json.dumps({reason: reasons.count(reason) for reason in sorted(set(reasons))}))
"""
THEIRS = """
import importlib, json, sys
lib = importlib.import_module(sys.argv[4])
ib = lib.IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=7, timeout=10)
con_ids = [con_id for con_id, _ in json.loads(sys.argv[3])]
contracts = [lib.Contract(conId=con_id, secType="OPT", symbol="SPY", exchange="SMART") for con_id in con_ids]
tickers = []
for start in range(0, len(contracts), 80):
    tickers += ib.reqTickers(*contracts[start:start + 80])
ib.disconnect()
done = sum(t.modelGreeks is not None and t.bid == t.bid and t.ask == t.ask for t in tickers)
print(json.dumps({"complete": done, "other": len(tickers) - done}))
"""


@dataclass(frozen=True)
class Run:
    seconds: float
    found: dict[str, int]
    stats: dict[str, Any]

    @property
    def broken(self) -> int:
        return sum(int(self.stats["errors"].get(code, 0)) for code in ("100", "101"))


@contextmanager
def simulator(folder: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """Its port and its stats file; real latency and limits."""
    port_file, stats_file = folder / "port", folder / "stats"
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--at", "2026-11-24 10:35"]
    command += ["--port-file", str(port_file), "--stats-file", str(stats_file), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = clock.monotonic() + 30
            while not (port_file.exists() and port_file.read_text().strip()):
                if clock.monotonic() > end or process.poll() is not None:
                    raise SystemExit("the simulator did not start")
                clock.sleep(0.02)
            yield int(port_file.read_text()), stats_file
        finally:
            process.terminate()


def run(script: str, folder: Path, con_ids: list[tuple[int, str]], *options: str) -> Run:
    """One collection in a fresh process against a fresh simulator, timed from the outside."""
    with simulator(folder, *options) as (port, stats_file):
        used = installation.choose("auto")[0]
        command = [sys.executable, "-c", script, str(port), str(folder / "leases"), json.dumps(con_ids), used]
        started = clock.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=dict(os.environ))
        seconds = clock.monotonic() - started
    if done.returncode:
        raise SystemExit(done.stderr)
    return Run(seconds, json.loads(done.stdout.splitlines()[-1]), json.loads(stats_file.read_text()))


def listed_options(folder: Path) -> list[tuple[int, str]]:
    """con_id and right of 258 listed options near the money, over three expiries."""
    import yaml

    defaults = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["ibkr"]
    with simulator(folder, "--fast") as (port, _):
        settings = Ibkr.model_validate(defaults | {"port": port})
        with connect(settings, purpose="checks", leases=folder / "leases") as gw:
            chains = gw.option_chains("SPY", gw.contract_details(Contract("STK", "SPY", "SMART"))[0].contract.con_id)
            chain = next(chain for chain in chains if (chain.exchange, chain.trading_class) == ("SMART", "SPY"))
            found: list[tuple[int, str]] = []
            for expiry in [expiry for expiry in chain.expiries if expiry > date(2026, 12, 14)][:3]:
                asked = Contract("OPT", "SPY", "SMART", trading_class="SPY", expiry=expiry)
                listed = [details.contract for details in gw.contract_details(asked)]
                listed.sort(key=lambda contract: abs((contract.strike or 0) - 600))
                found += [(contract.con_id, contract.right or "") for contract in listed[: CONTRACTS // 3]]
    return found


def row(name: str, figure: str, bar: str, ok: bool | None) -> bool:
    word = "-" if ok is None else "yes" if ok else "NO"
    print(f"{name} | {figure} | {bar} | {word}", flush=True)
    return ok is not False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--without-library", action="store_true", help="skip the slow side (reqTickers)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        con_ids = listed_options(folder)
        assert len(con_ids) == CONTRACTS
        every = ("--no-greeks-share", "0")
        runs = [run(OURS, folder, con_ids, *every) for _ in range(given.repeat)]
        some = run(OURS, folder, con_ids, *every, "--no-tick-share", "0.02")
        theirs = None if given.without_library else run(THEIRS, folder, con_ids, *every)
    seconds = median(one.seconds for one in runs)
    everything = [*runs, some]
    most, lines = (max(one.stats[name] for one in everything) for name in ("most_in_a_second", "peak_lines"))
    row("collect: floor of the limits", f"{FLOOR:.1f} s ({2 * CONTRACTS - LINES} messages)", "-", None)
    results = [
        row(
            f"collect: {CONTRACTS} contracts, process start to end",
            f"{seconds:.1f} s ({seconds / FLOOR:.2f}x the floor)",
            f"<= {BAR:.1f} s",
            seconds <= BAR,
        ),
        row(
            "collect: all complete",
            str(runs[0].found),
            f"{CONTRACTS}",
            all(one.found == {"complete": CONTRACTS} for one in runs),
        ),
        row("collect: lines at once", str(lines), f"<= {LINES}", lines <= LINES),
        row("collect: messages in any second", str(most), "<= 50", most <= 50),
        row(
            "collect: errors 100 and 101",
            str(sum(one.broken for one in everything)),
            "0",
            not any(one.broken for one in everything),
        ),
        row(
            "collect: 2 % never tick, all accounted for",
            f"{some.seconds:.1f} s {some.found}",
            f"{CONTRACTS} with a reason",
            sum(some.found.values()) == CONTRACTS,
        ),
    ]
    if theirs is not None:
        name = f"collect: reqTickers in batches of {LINES}"
        times = theirs.seconds / seconds
        results.append(
            row(
                name,
                f"{theirs.seconds:.1f} s {theirs.found}, {times:.1f}x ours",
                f">= {TIMES_FASTER:g}x",
                times >= TIMES_FASTER,
            )
        )
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
