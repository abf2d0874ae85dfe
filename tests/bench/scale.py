#!/usr/bin/env python3
"""Measure the lake with a hundred times the default universe: `python tests/bench/scale.py [--slots 78]`.

25,800 generated contracts a slot, every column filled. Each subject is a process of its own, whose peak resident
memory counts: writing a slot, completing a partial one, compacting the day of 78 slots (2,012,400 rows, a file a slot),
and the checksum that closes it. Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import polars as pl

import option_rows
from v6 import clock
from v6.store.checksums import sha256_of
from v6.store.lake import Lake

CONTRACTS = 25_800
DAY = date(2026, 1, 30)
TABLE = "option_snapshots"
MEMORY_GB = 4.0


@cache
def first_slot() -> pl.DataFrame:
    """Of a hundred generated universes."""
    universes = [
        option_rows.generated(DAY, slots=1, contracts=258, live=True, seed=number).with_columns(
            pl.col("con_id") + 1_000_000 * number, pl.col("expiry") + timedelta(days=number)
        )
        for number in range(CONTRACTS // 258)
    ]
    return pl.concat(universes)


def slot_rows(index: int) -> pl.DataFrame:
    """The first slot moved, its prices shaken: no two slots compress alike."""
    rows = first_slot()
    shake = 1 + np.random.default_rng(index).normal(0, 0.01, CONTRACTS)
    later = timedelta(minutes=5 * index)
    return rows.with_columns(
        pl.col("slot") + later,
        pl.col("received_at") + later,
        *(pl.col(name) * pl.Series(shake) for name in ("bid", "ask", "delta", "gamma", "vega", "theta", "iv")),
    )


def subject(name: str, folder: Path, slots: int) -> None:
    """Do it and say how long it took and the peak memory of this process."""
    lake = Lake(str(folder / "lake"), None, folder / "locks")
    indexes = range(slots) if name == "day" else (slots,)
    frames = [slot_rows(index) for index in indexes] if name in ("write", "complete") else []
    start = clock.monotonic()
    if name == "day":
        for index in indexes:
            store(lake, slot_rows(index))
    elif name == "write":
        store(lake, frames[0])
    elif name == "complete":
        store(lake, frames[0].sample(fraction=0.5, seed=1))
        store(lake, frames[0])
    elif name == "compact":
        done = lake.compact(TABLE)
        assert done.rows == slots * CONTRACTS, done
        assert done.files_after == 1, done
    else:
        assert len(sha256_of(TABLE, lake.read(TABLE, trade_date=DAY))) == 64
    seconds = clock.monotonic() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))


def store(lake: Lake, frame: pl.DataFrame) -> None:
    slot = frame["slot"][0]
    lake.write_slot(TABLE, task=option_rows.TASK, slot=slot, frame=frame)


def measured(name: str, folder: Path, slots: int) -> tuple[float, float]:
    """(seconds, GB) of the subject in a process of its own."""
    command = [sys.executable, __file__, "--subject", name, "--folder", str(folder), "--slots", str(slots)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, gigabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, gigabytes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=78)
    parser.add_argument("--subject")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.subject:
        subject(given.subject, given.folder, given.slots)
        return 0
    kept = True
    with tempfile.TemporaryDirectory(prefix="v6-bench-scale-") as name:
        subjects = [
            ("write", "one", 0, f"write of one slot of {CONTRACTS} contracts"),
            ("complete", "two", 0, "a slot half collected, then completed"),
            ("day", "day", given.slots, f"{given.slots} slots written, a file each"),
            ("compact", "day", given.slots, f"compaction of that day, {given.slots * CONTRACTS} rows"),
            ("close", "day", given.slots, "checksum of that day"),
        ]
        for what, folder, slots, words in subjects:
            seconds, gigabytes = measured(what, Path(name, folder), slots)
            fits = gigabytes <= MEMORY_GB
            kept = kept and fits
            print(f"{words:56} | {gigabytes:>8.1f} GB | <= {MEMORY_GB:g} GB | {'yes' if fits else 'NO'}", flush=True)
            print(f"{words + ', seconds':56} | {seconds:>8.1f} s | - | -", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
