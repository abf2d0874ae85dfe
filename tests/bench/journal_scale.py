#!/usr/bin/env python3
"""Hold the cost of a large journal to that of a small one: `python tests/bench/journal_scale.py [--rows 1000000]`.

Two homes that differ in their journal only: 1,000 rows and 1,000,000, over all of its tables, of days alike. What reads
and writes the journal is measured side by side in turns: whole processes, and apart from them what they do with the
journal, for an interpreter's start would hide it. Prints `name | figure | bar | ok`, exit 1 if any bar is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gate import milliseconds, row, shift
from loguru import logger

import toy_checkout
from journal_of_years import TASKS, fill
from v6 import clock
from v6.alerts import limits, outbox
from v6.checks import collectors, host, market_session, restart, restart_history
from v6.checks import missed as missed_checks
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.journal import database, events, runs, streaks, turns
from v6.metrics import exporter
from v6.paths import Paths
from v6.rehearsal.stage import Stage
from v6.runner.context import Context
from v6.runner.why import explain

SMALL = 1_000
BAR = 1.5
NOW = datetime(2026, 11, 24, 10, 36, tzinfo=NEW_YORK)
SLOT = "2026-11-24 10:35"
Pair = tuple[float, float]


class Home:
    """A home whose journal has so many rows; what it does, it does shortly after NOW."""

    def __init__(self, place: Path, rows: int) -> None:
        self.stage = Stage(place / "home")
        self.stage.build({"ibkr": {"port": 1, "simulator": True}}, {})
        self.stage.set_clock(NOW.timestamp())
        self.environ = self.stage.environ({"V6_PYTHON": sys.executable})
        command = [sys.executable, "-m", "v6.scheduler.compile"]
        subprocess.run(command, env=os.environ | self.environ, check=True, stdout=subprocess.DEVNULL)
        self.toys = toy_checkout.make(place / "toys")
        self.clock = self.toys.home / "clock"
        self.toy_environ = self.toys.environ(V6_CLOCK_FILE=str(self.clock), PYTHONPATH=str(self.toys.root / "src"))
        for journal, tasks in (
            (self.stage.paths.journal, TASKS),
            (self.toys.home / "var" / "v6.db", ("toy_succeed", *TASKS)),
        ):
            journal.parent.mkdir(parents=True, exist_ok=True)
            with closing(database.connect(journal)) as db:
                fill(db, rows, NOW, tasks)

    def command(self, *words: str) -> float:
        """Milliseconds of one whole process."""
        return milliseconds([sys.executable, *words], self.environ)

    def supervised(self, turn: int) -> float:
        """Milliseconds of a no-op job under gate and supervisor, each time of another slot."""
        self.clock.write_text(shift(NOW.replace(minute=35) + timedelta(minutes=5 * turn)))
        return milliseconds([str(self.toys.wrapper), "--slot", "scripts/toy.py", "--do", "succeed"], self.toy_environ)

    def in_process(self, work: "Callable[[Context], object]") -> float:
        """Milliseconds of one piece of work of a job, its interpreter and its configuration already there."""
        os.environ.update(V6_HOME=str(self.stage.home), V6_CLOCK_FILE=str(self.stage.clock_file))
        paths = Paths.locate()
        ctx = Context("health_check", NOW, argparse.Namespace(), load(paths), paths, logger, clock.monotonic() + 600)
        with closing(ctx.journal):
            work(ctx)  # what it imports
            began = time.perf_counter()
            work(ctx)
            return (time.perf_counter() - began) * 1000


def check(ctx: Context) -> None:
    """Of health_check what it asks the journal."""
    host.journal(ctx)
    host.killed_runs(ctx)
    missed_checks.missed_slots(ctx)
    collectors.slots_kept(ctx)
    restart.restart_state(ctx)
    restart.login_reminder(ctx)
    restart_history.outages(ctx)
    restart_history.patterns(ctx)
    market_session.budget(ctx)
    market_session.session(ctx)


def supervise(ctx: Context) -> None:
    """What the supervisor asks and writes for a failure of a task that was well."""
    db, task = ctx.journal, TASKS[0]
    db.execute("PRAGMA synchronous = OFF")  # how long a disk takes to be sure is the same for any journal
    runs.open_attempts(db)
    run_id = runs.start_attempt(db, task=task, slot=NOW, attempt=1, pid=None, log_file="")
    runs.set_pid(db, run_id, os.getpid())
    runs.median_wall_seconds(db, task)
    runs.finish_attempt(db, run_id, runs.Ended("fatal", 2, 1.0, 1.0, 9.0))
    runs.last_finished_before(db, task, run_id)
    events.unanswered_of(db, (task,), (f"failed:{task}:",), f"recovered:{task}")
    events.raised(db, f"failed:{task}:", NOW - timedelta(hours=6))
    streaks.streak(db, task)
    outbox.due(db, limits.of({}))
    turns.due(db, turns.METRICS)


def write_metrics(ctx: Context) -> None:
    exporter.write(ctx.journal, ctx.paths.home / "var" / "metrics" / "v6.prom", ctx.paths)


def why(ctx: Context) -> None:
    explain(ctx.paths, TASKS[0], datetime.fromisoformat(SLOT).replace(tzinfo=NEW_YORK))


def in_turns(homes: "Sequence[Home]", measure: "Callable[[Home, int], float]", turns: int) -> Pair:
    """Medians of the small and the large one."""
    taken: list[list[float]] = [[], []]
    for turn in range(turns + 1):
        for number, home in enumerate(homes):
            took = measure(home, turn)
            if turn:
                taken[number].append(took)
    return median(taken[0]), median(taken[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    logger.remove()
    v6 = ("-m", "v6.cli")
    subjects: dict[str, Callable[[Home, int], float]] = {
        "`v6 runs`": lambda home, _: home.command(*v6, "runs"),
        "`v6 runs --task`": lambda home, _: home.command(*v6, "runs", "--task", TASKS[3]),
        "`v6 why`": lambda home, _: home.command(*v6, "why", TASKS[0], SLOT),
        "`v6 why`, in the process": lambda home, _: home.in_process(why),
        "health_check's journal work, in the process": lambda home, _: home.in_process(check),
        "a no-op job under gate and supervisor": lambda home, turn: home.supervised(turn),
        "the supervisor's journal work, in the process": lambda home, _: home.in_process(supervise),
        "the metrics, in the process": lambda home, _: home.in_process(write_metrics),
        "the dispatcher with the metrics": lambda home, _: home.command("-m", "v6.alerts.notify"),
    }
    passed = []
    with tempfile.TemporaryDirectory() as place:
        homes = [Home(Path(place) / str(rows), rows) for rows in (SMALL, options.rows)]
        for name, measure in subjects.items():
            small, large = in_turns(homes, measure, options.turns)
            figure = f"{large / small:.2f}x ({large:.1f} ms against {small:.1f} ms)"
            passed.append(
                row(f"{name}: {options.rows:,} journal rows against {SMALL:,}", figure, f"{BAR}x", large / small <= BAR)
            )
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
