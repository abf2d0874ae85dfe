#!/usr/bin/env python3
"""Measure how soon a failing connection names its cause: `python tests/bench/verdicts.py [--repeat 3]`.

Each diagnosis is a process of its own, timed from its first line (so all imports are in it) to its verdict, against a
server that never closes a connection by itself, or the simulated TWS. Beside it what the library's own connect says,
with a limit of 4 s.
A case counts as met only with the right verdict. Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from collect import row, simulator

from v6.gateway import installation
from v6.gateway.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "gateway"))

from diagnose_support import CASES, stuck  # noqa: E402 - found by the line above
from gateway_support import free_port, raw_tws  # noqa: E402

VISIBLE_BAR = 1.5
PROBE, MUTE_MORE = 2.0, 0.5
LIBRARY_LIMIT = 4.0
SIMULATED = {
    "": Verdict.HEALTHY,
    "no_subscription": Verdict.NO_MARKET_DATA,
    "usfarm_down": Verdict.FARMS_DOWN,
}
"""What the library also connects to: the simulated TWS at its real pace, by scenario."""

OURS = """
import time
started = time.monotonic()
import json, sys
from pathlib import Path
import yaml
from v6.config.settings import Ibkr
from v6.gateway.diagnosed import diagnosed

port, folder, probe = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
known = yaml.safe_load(open("config/default.yaml"))["ibkr"]
settings = Ibkr.model_validate(known | {"port": port, "probe_seconds": probe, "diagnose_every_seconds": 0.0})
found = diagnosed(settings, folder / "leases", folder / "state", market_open=True, symbol="SPY")
print(json.dumps([found.verdict, time.monotonic() - started]))
"""
THEIRS = """
import importlib, json, sys, time
lib = importlib.import_module(sys.argv[4])
import logging
logging.disable(logging.CRITICAL)
started, said = time.monotonic(), "connected"
try:
    lib.IB().connect("127.0.0.1", int(sys.argv[1]), clientId=7, timeout=float(sys.argv[3]))
except BaseException as error:
    said = repr(error)
print(json.dumps([said, time.monotonic() - started]))
"""


@dataclass(frozen=True)
class Answer:
    said: str
    seconds: float


def ask(script: str, port: int, folder: Path, limit: float) -> Answer:
    """In a process of its own."""
    command = [sys.executable, "-c", script, str(port), str(folder), str(limit), installation.choose("auto")[0]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    said, seconds = json.loads(done.stdout.splitlines()[-1])
    return Answer(said, seconds)


@contextmanager
def place(name: str) -> Iterator[int]:
    """The port of a case."""
    talk = CASES[name].talk
    if talk is None:
        yield free_port()
    else:
        with raw_tws(talk) as tws:
            yield tws.port


def compare(name: str, verdict: Verdict, port: int, folder: Path, repeat: int, *, mute: bool) -> bool:
    """One row: our verdict against its bar, and the library's answer."""
    bar = PROBE + MUTE_MORE if mute else VISIBLE_BAR
    found = [ask(OURS, port, folder, PROBE if mute else 2 * LIBRARY_LIMIT) for _ in range(repeat)]
    seconds = median(answer.seconds for answer in found)
    theirs = ask(THEIRS, port, folder, LIBRARY_LIMIT)
    said = " and ".join(sorted({answer.said for answer in found}))
    figure = f"{said}, {seconds:.2f} s (the library: {theirs.said[:60].replace('|', ' ')}, {theirs.seconds:.2f} s)"
    right = all(answer.said == verdict for answer in found)
    limit = f"<= probe {PROBE:g} s + {MUTE_MORE:g} s" if mute else f"<= {bar:g} s"
    return row(f"verdict: {name}", figure, limit, right and seconds <= bar)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, case in CASES.items():
            if case.verdict not in SIMULATED.values():
                with place(title) as port:
                    results.append(compare(title, case.verdict, port, folder, given.repeat, mute=case.mute))
        with stuck() as listener:
            port = listener.getsockname()[1]
            title = "an acceptor that is stuck"
            results.append(compare(title, Verdict.ACCEPT_QUEUE_STUCK, port, folder, given.repeat, mute=False))
        for scenario, verdict in SIMULATED.items():
            with simulator(folder, "--scenario", scenario) if scenario else simulator(folder) as (port, _):
                title = scenario.replace("_", " ") or "a healthy TWS"
                results.append(compare(title, verdict, port, folder, given.repeat, mute=False))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
