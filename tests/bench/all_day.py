#!/usr/bin/env python3
"""What a trading day of the whole default schedule costs: `python tests/bench/all_day.py [--from 00:00 --to 23:59]`.

Two rehearsals, both of the real gate, supervisor, jobs and dispatcher against the simulated TWS. The whole day without
TWS's delays: runs, CPU seconds of everything that was started (the kernel's count; the simulated TWS is not part of V6
and is left out), and what is left running when the day is over. Then a market hour at the pace that TWS allows: how
long runs really take there, and so for how long their memory is held.

Memory is an upper bound: each attempt counts with the largest resident set of one of its processes (journal), pages
shared with others included, and its supervisor, for as long as the attempt lasts. The day's average takes each task's
megabyte-seconds from the market hour where it ran in it, else from the day without delays. The gate (a few ms) and the
dispatchers (half a second, at most one a minute) are in the CPU, not in the memory.
Prints `name | figure | bar | ok`, exit 1 if any bar is missed. The guide's claim: about 100 MB on average, all day.
"""

import argparse
import ctypes
import os
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gate import row

from v6.journal import database, runs
from v6.journal.runs import Run
from v6.rehearsal import processes
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window, window_of

DAY = date(2026, 11, 24)
HOUR = window_of(DAY, time(10), time(10, 59))
SUPERVISOR_MB = 13.0  # tests/bench/gate.py
CLAIMED_MB = 100.0
PR_SET_CHILD_SUBREAPER = 36


class Watcher:
    """Keeps what the simulated TWS has used so far: it ends inside of the rehearsal."""

    def __init__(self) -> None:
        self.tws_cpu = 0.0

    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if "v6.simulator" in child.cmdline():
                    spent = child.cpu_times()
                    self.tws_cpu = spent.user + spent.system


@dataclass(frozen=True, slots=True)
class Measured:
    """`cpu`: of everything, seconds; `left`: processes that were still there when it was over."""

    attempts: list[Run]
    cpu: float
    left: int

    @property
    def peak_mb(self) -> float:
        """The most at any instant."""
        changes = [(one.started_at, held(one)) for one in self.attempts]
        changes += [(one.ended_at, -held(one)) for one in self.attempts]
        most = now = 0.0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most

    def megabyte_seconds(self) -> dict[str, float]:
        """Task -> of an average attempt."""
        found = defaultdict(list)
        for one in self.attempts:
            found[one.task].append(held(one) * one.wall_seconds)
        return {task: sum(each) / len(each) for task, each in found.items()}


def held(attempt: Run) -> float:
    return float(attempt.peak_memory_mb or 0.0) + SUPERVISOR_MB


def measure(place: Path, window: Window, *, realistic: bool) -> Measured:
    stage, watcher = Stage(place), Watcher()
    before = spent_by_children()
    rehearse(stage, Plan((window,), realistic=realistic, prologue=realistic), watcher)
    left = processes.of_home(stage.home)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    with closing(database.connect(stage.paths.journal)) as db:
        of_window = runs.between(db, window.start, window.end.replace(second=59))
    attempts = [one for one in of_window if one.attempt and one.ended_at is not None]
    return Measured(attempts, spent_by_children() - before - watcher.tws_cpu, len(left))


def spent_by_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def rows(day: Measured, hour: Measured, seconds: float) -> Iterator[bool]:
    of_hour, of_day = hour.megabyte_seconds(), day.megabyte_seconds()
    held_all_day = sum(of_hour.get(one.task, of_day[one.task]) for one in day.attempts)
    in_jobs = sum(one.cpu_seconds or 0.0 for one in day.attempts)
    yield row(
        f"a trading day of the default schedule, {len(day.attempts)} attempts: CPU, gate to dispatcher",
        f"{day.cpu:.0f} s ({in_jobs:.0f} s in jobs), {100 * day.cpu / seconds:.2f} % of a core",
        "",
        True,
    )
    average = held_all_day / seconds
    yield row(
        "the same: memory averaged over its time, against the guide's claim",
        f"{average:.0f} MB",
        f"{CLAIMED_MB:.0f} MB",
        average <= CLAIMED_MB,
    )
    hour_average = sum(held(one) * one.wall_seconds for one in hour.attempts) / 3600
    yield row("the same in a market hour at TWS's pace", f"{hour_average:.0f} MB", "", True)
    peak = max(day.peak_mb, hour.peak_mb)
    yield row("the same: peak, of everything that runs at once", f"{peak:.0f} MB", "", True)
    left = day.left + hour.left
    yield row("between runs", f"{left} processes, 0 MB" if not left else f"{left} processes", "0", not left)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", type=time.fromisoformat, default=time(0))
    parser.add_argument("--to", dest="end", type=time.fromisoformat, default=time(23, 59))
    parser.add_argument("--hour-until", type=time.fromisoformat, default=time(10, 59), help="a shorter hour, to try it")
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # dispatchers outlive their runs: count them too
    window = window_of(DAY, options.start, options.end)
    with tempfile.TemporaryDirectory() as place:
        day = measure(Path(place) / "day", window, realistic=False)
        hour = measure(Path(place) / "hour", window_of(DAY, HOUR.start.time(), options.hour_until), realistic=True)
        seconds = (window.end - window.start).total_seconds() + 60
        passed = list(rows(day, hour, seconds))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
