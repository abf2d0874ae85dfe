#!/usr/bin/env python3
"""Measure a backfill of the watchlist and the futures and hold it to the pacing floor: `python tests/bench/history.py`.

The real job against a simulated TWS in another process that throttles as TWS is taken to: six requests at once, then
three a second. Floor: (requests - 6) / 3 s, from the first request to the last answer. Each of the two processes has a
core of its own where there are two: inventing bars is the simulator's work, and none of V6's. `--minutes`: bars of five
minutes in place of hours. What V6 itself needs of a core is a line of its own, which a busy machine does not spoil.
Prints `name | figure | bar | ok` (yes, NO, or - without a bar), exit 1 if any bar is missed.
"""

import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import yaml

from v6 import clock
from v6.clock import NEW_YORK

ROOT = Path(__file__).resolve().parents[2]
SATURDAY = datetime(2026, 11, 28, 10, 0, tzinfo=NEW_YORK)
BURST, A_SECOND = 6, 3.0
BAR = 1.10
CPU_BAR = 0.25
"""Seconds of a core to seconds of the floor: V6 must not be what a backfill waits for."""
HOURS = {"daily_sessions": 60, "intraday_sessions": 80, "intraday_size": "1 hour"}
MINUTES = {"daily_sessions": 60, "intraday_sessions": 20, "intraday_size": "5 mins"}
"""As many requests as with hours, and two and a half times the bars."""
CORES = sorted(os.sched_getaffinity(0))
SAID = re.compile(r"(\d+) bars of (\d+) symbols .* from (\d+) requests in ([\d.]+) s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def simulator(home: Path, port: int, environ: dict[str, str]) -> Iterator[None]:
    calendar = home / "var" / "compiled" / "calendar.txt"
    command = [sys.executable, "-m", "v6.simulator", "--port", str(port), "--calendar", str(calendar)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, CORES[-1:])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            clock.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def job(environ: dict[str, str]) -> tuple[str, float, float]:
    """What it said, its seconds from start to end, and those of a core."""
    began, before = clock.monotonic(), cpu()
    command = [sys.executable, str(ROOT / "scripts" / "load_historical_data.py")]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    os.sched_setaffinity(process.pid, CORES[:1])
    words, _ = process.communicate()
    if process.returncode:
        sys.exit(f"the job ended with {process.returncode}: {words}")
    return words, clock.monotonic() - began, cpu() - before


def cpu() -> float:
    """Of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    span = MINUTES if "--minutes" in sys.argv else HOURS
    with tempfile.TemporaryDirectory(prefix="v6-bench-history-") as folder:
        home, port = Path(folder), free_port()
        offset = SATURDAY.timestamp() - clock.epoch()
        environ = os.environ | {"V6_HOME": folder, "V6_CLOCK_OFFSET": f"{offset:.0f}"}
        (home / "config").mkdir()
        production = home / "config" / "production.yaml"
        production.write_text(yaml.safe_dump({"ibkr": {"port": port}, "bars": span}))
        production.chmod(0o600)
        subprocess.run([sys.executable, "-m", "v6.scheduler.compile"], env=environ, check=True, capture_output=True)
        with simulator(home, port, environ):
            words, whole, used = job(environ)
        found = SAID.search(words)
        if found is None:
            sys.exit(f"the job said: {words}")
        files = len(list((home / "var" / "lake" / "bars").rglob("*.parquet")))
    bars, symbols, requests, seconds = int(found[1]), int(found[2]), int(found[3]), float(found[4])
    floor = (requests - BURST) / A_SECOND
    ratio = seconds / floor
    show(f"{requests} requests, {bars} bars of {symbols} symbols: at three a second", f"{floor:.1f} s")
    show("from the first request to the last answer", f"{seconds:.1f} s")
    show("backfill at the pacing floor", f"{ratio:.2f}", f"<= {BAR:.2f}x", "yes" if ratio <= BAR else "NO")
    share = used / floor
    show(
        "V6's own seconds of a core, start included, to those of the floor",
        f"{share:.2f}",
        f"<= {CPU_BAR:.2f}",
        "yes" if share <= CPU_BAR else "NO",
    )
    show("the whole job, with start, connection and commits", f"{whole:.1f} s")
    show("files in the lake, before compaction", f"{files}")
    if "--say" in sys.argv:
        sys.stderr.write(words)
    return int(ratio > BAR or share > CPU_BAR)


def show(name: str, figure: str, bar: str = "-", ok: str = "-") -> None:
    print(f"{name:70} | {figure:>9} | {bar:>9} | {ok}")


if __name__ == "__main__":
    sys.exit(main())
