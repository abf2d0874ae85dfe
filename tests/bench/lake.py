#!/usr/bin/env python3
"""Measure the lake and hold it to its bars: `python tests/bench/lake.py`. Prints `name | figure | bar | ok`, exit 1 if
any bar is missed. Uses the four recorded IBKR days of ../shared/data, or generated ones where they are absent."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl

import option_rows
from v6 import clock
from v6.store import delta
from v6.store.lake import Lake
from v6.store.market_tables import OPTION_SNAPSHOTS

TABLE = OPTION_SNAPSHOTS.name
DATES = 250
READS = 41

COLD = """
import sys
from datetime import date
from pathlib import Path
sys.path.insert(0, sys.argv[2])
def pss():
    return sum(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:")) / 1024
import v6.store.lake, v6.store.frames
print(pss())
print(len({"polars", "deltalake"} & set(sys.modules)))
import polars, deltalake
print(pss())
import option_rows
lake = v6.store.lake.Lake(sys.argv[1], None, Path(sys.argv[1]) / "locks")
frame = option_rows.generated(date(2026, 1, 28), slots=1, live=True)
lake.write_slot("option_snapshots", task=option_rows.TASK, slot=frame["slot"][0], frame=frame)
print(pss())
"""


def days() -> list[pl.DataFrame]:
    recordings = option_rows.recorded_days()
    if recordings:
        return [option_rows.recorded(path) for path in recordings]
    first = date(2026, 1, 26)
    return [option_rows.generated(first + timedelta(days=index)) for index in range(4)]


def write_slots(lake: Lake, rows: pl.DataFrame) -> list[float]:
    """Milliseconds of each slot's write."""
    took = []
    for slot, frame in option_rows.by_slot(rows).items():
        start = clock.monotonic()
        lake.write_slot(TABLE, task=option_rows.TASK, slot=slot, frame=frame)
        took.append(1000 * (clock.monotonic() - start))
    return took


def write_older_dates(lake: Lake, day: pl.DataFrame, count: int) -> None:
    """`count` earlier dates, each like `day`, one commit a date."""
    stored = delta.created(lake.uri(TABLE), OPTION_SNAPSHOTS, None)
    for back in range(7, 7 + count):
        moved = day.with_columns(pl.col("slot", "trade_date", "received_at") - timedelta(days=back))
        delta.append(stored, OPTION_SNAPSHOTS, moved)


def read_ms(lake: Lake, day: date) -> float:
    start = clock.monotonic()
    rows = lake.read(TABLE, trade_date=day, symbols=["SPY"])
    assert len(rows)
    return 1000 * (clock.monotonic() - start)


def main() -> int:
    results: list[tuple[str, str, str, str]] = []

    def bar(name: str, figure: float, limit: float | None, unit: str) -> None:
        limited = "-" if limit is None else f"<= {limit:g} {unit}"
        results.append((name, f"{figure:.1f} {unit}", limited, verdict(figure, limit)))

    with tempfile.TemporaryDirectory(prefix="v6-bench-lake-") as folder:
        source = "recorded" if option_rows.recorded_days() else "generated"
        recorded = days()
        small = Lake(f"{folder}/four", None, Path(folder, "locks"))
        took = [ms for day in recorded for ms in write_slots(small, day)]
        done = small.compact(TABLE)
        bar(f"4 {source} days, compacted: bytes a row of {done.rows}", done.bytes_after / done.rows, 40, "B")
        bar("the same before compaction", done.bytes_before / done.rows, None, "B")
        bar("most files of a date", small.status()[1].most_files_a_partition, 1, "files")
        bar("rows lost or doubled", abs(done.rows - sum(map(len, recorded))), 0, "rows")
        bar(f"write of one slot, median of {len(took)}", median(took), 150, "ms")
        bar("write of one slot, slowest", max(took), None, "ms")

        large = Lake(f"{folder}/many", None, Path(folder, "many locks"))
        write_older_dates(large, recorded[0], DATES - len(recorded))
        took = [ms for day in recorded for ms in write_slots(large, day)]
        bar(f"write of one slot, {DATES} dates in the table, median", median(took), 150, "ms")
        large.compact(TABLE)
        assert large.status()[1].partitions == DATES
        few, many = side_by_side(small, large, recorded[1]["trade_date"][0])
        bar("a day and a symbol, 4 dates in the table", few, None, "ms")
        bar(f"a day and a symbol, {DATES} dates in the table", many, None, "ms")
        bar("the ratio of the two", many / few, 1.5, "x")

        live = Lake(f"{folder}/live", None, Path(folder, "live locks"))
        write_slots(live, option_rows.generated(date(2026, 1, 28), live=True))
        done = live.compact(TABLE)
        bar("a generated day with every column filled: bytes a row", done.bytes_after / done.rows, None, "B")
        add_memory(bar, folder)
    show(results)
    return int(any(ok == "NO" for *_, ok in results))


def verdict(figure: float, limit: float | None) -> str:
    if limit is None:
        return "-"
    return "yes" if figure <= limit else "NO"


def side_by_side(one: Lake, other: Lake, day: date) -> tuple[float, float]:
    """Median milliseconds of each, read in turns."""
    pairs = [(read_ms(one, day), read_ms(other, day)) for _ in range(READS)]
    return median(first for first, _ in pairs), median(second for _, second in pairs)


def add_memory(bar: Callable[[str, float, float | None, str], None], folder: str) -> None:
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", COLD, f"{folder}/cold", tests]
    light, heavy, imported, written = map(float, subprocess.check_output(command, text=True).split())
    bar("PSS after importing v6.store", light, None, "MB")
    bar("heavy modules it imports", heavy, 0, "modules")
    bar("PSS with polars and deltalake", imported, None, "MB")
    bar("PSS after the first write of 258 rows", written, 150, "MB")


def show(results: Iterable[tuple[str, str, str, str]]) -> None:
    for name, figure, limit, ok in results:
        print(f"{name:62} | {figure:>14} | {limit:>14} | {ok}")


if __name__ == "__main__":
    sys.exit(main())
