#!/usr/bin/env python3
"""Measure the statistics and hold them to their bars: `python tests/bench/daily_statistics.py`.

A generated lake of 250 sessions, 264 contracts, 78 slots each (5.1 million quotes), with bars and, where TWS fell
silent, missing quotes; polars has two threads. Recomputing all of it is compared with one pass of polars over the same
files (quotes, universe, bars): every column that the statistics need, and no other, read once and reduced per day and
symbol. It opens nothing that the statistics do not, and leaves out nothing that they read; a pass over all columns of
these files takes longer and is shown beside. Both sides are measured in turns, and the figures are the quickest of
each: what else the machine does slows, never speeds. Processor time is shown because it is nearly deaf to that.
Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import os
import sys

os.environ["POLARS_MAX_THREADS"] = "2"

import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import polars as pl
import pytest
from lake import show, verdict

import surface_rows
from statistics_desk import StatisticsDesk, weekdays
from v6 import clock
from v6.runner.context import Context
from v6.statistics import daily, sources
from v6.store import delta
from v6.store.lake import Lake
from v6.store.tables import table_of

LAST = date(2026, 11, 20)
DAYS = 250
PATTERNS = 10  # days that are really generated; the others are these, moved and with another volatility
ROUNDS, LOOKS = 6, 15
RECOMPUTED_BAR, LAKE_SIZE_BAR = 3.0, 1.5
SURFACE = ("atm_iv_30d", "atm_iv_60d", "term_structure_slope", "skew_25d", "expected_move", "iv_mean")
ALWAYS = (*SURFACE, "put_call_volume_ratio", "put_call_oi_ratio", "volatility_20d", "trend_20d", "regime", "vix_close")


def patterns() -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Days of universe and quotes; one quote in fifty is missing, volumes of what never traded are not told."""
    made = []
    for seed in range(PATTERNS):
        contracts, rows = surface_rows.market(LAST, seed=seed)
        random = np.random.default_rng(seed).random(len(rows))
        told = pl.when(pl.col("volume") > 0).then(pl.col("volume")).alias("volume")
        made.append((contracts, rows.with_columns(told).filter(pl.Series(random) > 0.02)))
    return made


def moved(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """The same a number of days earlier: every instant and every expiry."""
    names = [name for name in ("trade_date", "slot", "received_at", "expiry", "created_at") if name in rows.columns]
    return rows.with_columns(pl.col(name) - (LAST - day) for name in names)


def fill(lake: Lake, days: list[date], made: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    """One commit a table and day, as compaction leaves them."""
    forms = {name: table_of(name) for name in ("option_contracts", "option_snapshots", "underlying_snapshots")}
    stored = {name: delta.created(lake.uri(name), form, None) for name, form in forms.items()}
    for number, day in enumerate(days):
        contracts, rows = (moved(frame, day) for frame in made[number % PATTERNS])
        rows = rows.with_columns(pl.col("iv") * (1 + 0.3 * np.sin(number / 9)))
        frames = (contracts, rows, surface_rows.underlyings(rows))
        for name, frame in zip(forms, frames, strict=True):
            delta.append(stored[name], forms[name], frame)
    lake.unite("bars", surface_rows.daily_bars(("SPY", "QQQ", "IWM", "VIX"), weekdays(days[-1], len(days) + 25)))


# table -> the columns of it that the statistics read, besides trade_date and symbol
READ = {
    "option_snapshots": ("slot", "task", "con_id", *sources.VALUES),
    "option_contracts": ("version", "created_at", "collected", *(set(sources.CONTRACT) - {"symbol"})),
    "bars": ("open", "high", "low", "close", "bar_size", "what", "regular", "final", "received_at", "con_id"),
}


def one_pass(lake: Lake, everything: bool = False) -> None:
    """Every file once: each number's mean, each other column's values counted, per day and symbol. `everything`: all
    columns of the files."""
    keys = ("trade_date", "symbol")
    for name, columns in READ.items():
        stored = lake.opened(name)
        assert stored is not None
        rows = pl.scan_parquet(stored.file_uris(), hive_partitioning=True)
        asked = rows if everything else rows.select(*keys, *columns)
        others = pl.exclude(pl.Float64).exclude(keys)
        assert len(asked.group_by(keys).agg(pl.col(pl.Float64).mean(), others.count()).collect()) >= 3 * DAYS


class Seconds(NamedTuple):
    wall: float
    processor: float


def seconds(work: Callable[[], object]) -> Seconds:
    start, used = clock.monotonic(), time.process_time()
    work()
    return Seconds(clock.monotonic() - start, time.process_time() - used)


def a_day(ctx: Context) -> None:
    daily.store(ctx, daily.compute(ctx, [LAST]))


def main() -> int:
    results: list[tuple[str, str, str, str]] = []

    def bar(name: str, figure: float, limit: float | None, unit: str) -> None:
        limited = "-" if limit is None else f"<= {limit:g} {unit}"
        results.append((name, f"{figure:.2f} {unit}", limited, verdict(figure, limit)))

    with tempfile.TemporaryDirectory(prefix="v6-bench-statistics-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("V6_HOME", folder)
        desk, days, made = StatisticsDesk(Path(folder), patch), weekdays(LAST, DAYS), patterns()
        many, one = desk.context(), desk.context()
        for ctx, name, held in ((many, "many", days), (one, "one", days[-1:])):
            ctx.__dict__["lake"] = Lake(f"{folder}/{name}", None, Path(folder, f"{name} locks"))
            fill(ctx.lake, held, made)
        computed = daily.compute(many, days)
        bar(f"{DAYS} days: values that could be null and are", nulls(computed.rows), 0, "values")
        bar("rows stored by the first run", daily.store(many, computed), None, "rows")
        bar("rows changed by the second", daily.store(many, daily.compute(many, days)), 0, "rows")
        passes, recomputed = in_turns(lambda: one_pass(many.lake), lambda: daily.compute(many, days), ROUNDS)
        bar(f"one pass of polars over {DAYS} days", passes.wall, None, "s")
        bar("one pass over all columns of the same files", seconds(lambda: one_pass(many.lake, True)).wall, None, "s")
        bar(f"{DAYS} days recomputed", recomputed.wall, None, "s")
        bar("the ratio of the two", recomputed.wall / passes.wall, RECOMPUTED_BAR, "x")
        bar("the ratio of their processor times", recomputed.processor / passes.processor, RECOMPUTED_BAR, "x")
        few, year = in_turns(lambda: a_day(one), lambda: a_day(many), LOOKS)
        bar("a day's statistics, 1 day in the lake", 1000 * few.wall, None, "ms")
        bar(f"a day's statistics, {DAYS} days in the lake", 1000 * year.wall, None, "ms")
        bar("the ratio of the two", year.wall / few.wall, LAKE_SIZE_BAR, "x")
        bar("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, None, "MB")
    show(results)
    return int(any(ok == "NO" for *_, ok in results))


def nulls(rows: pl.DataFrame) -> int:
    """Of the statistics that this market has on every day, and of the rank on every day with enough before it."""
    ranked = rows.filter(pl.col("trade_date") >= LAST - timedelta(days=200))
    return sum(rows[name].null_count() for name in ALWAYS) + ranked["iv_rank_30d"].null_count()


def in_turns(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[Seconds, Seconds]:
    """The fewest seconds of each, after one of each that is not counted."""
    pairs = [(seconds(first), seconds(second)) for _ in range(rounds + 1)][1:]
    one, other = zip(*pairs, strict=True)
    return tuple(
        Seconds(min(each.wall for each in side), min(each.processor for each in side)) for side in (one, other)
    )  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
