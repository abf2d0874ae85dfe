"""What V6 asks of the journal every few minutes costs as much in a journal of years as in one of days.

SQLite's own steps are counted, not seconds: they are the same on every machine. tests/bench/journal_scale.py measures
the time.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from journal_of_years import TASKS, fill
from v6 import clock
from v6.alerts import limits, outbox
from v6.clock import NEW_YORK
from v6.journal import (
    database,
    deliveries,
    events,
    ledger,
    runs,
    session_cycles,
    slot_tallies,
    streaks,
    tallies,
    trimming,
)

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 24, 10, 36, tzinfo=NEW_YORK)
DAY = timedelta(days=1)
TASK = TASKS[0]
SMALL, LARGE = 1_000, 30_000
ALLOWED = 1.5


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("journals")
    for rows in (SMALL, LARGE):
        with closing(database.connect(folder / f"{rows}.db")) as db:
            fill(db, rows, NOW)
            slot_tallies.settle(db)
    return folder / f"{SMALL}.db", folder / f"{LARGE}.db"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "epoch", NOW.timestamp)


def attempt(db: sqlite3.Connection) -> None:
    """What the supervisor asks and writes for one run."""
    runs.open_attempts(db)
    run = runs.start_attempt(db, task=TASK, slot=NOW, attempt=1, pid=None, log_file="")
    runs.set_pid(db, run, 4711)
    runs.median_wall_seconds(db, TASK)
    runs.finish_attempt(db, run, runs.Ended("success", 0, 1.0, 1.0, 9.0))
    runs.last_finished_before(db, TASK, run)
    runs.record_skip(db, task=TASK, slot=NOW, reason="running", detail="", log_file="")
    runs.succeeded_on(db, TASK, "2026-11-24")
    runs.last_on(db, TASK, "2026-11-24")
    events.undelivered(db, limit=1)


def alert(db: sqlite3.Connection) -> None:
    events.raise_alert(db, severity="failure", title="t", body="b", key=f"failed:{TASK}:", quiet=timedelta())
    events.unanswered(db, f"failed:{TASK}:", f"recovered:{TASK}")
    events.record(db, "kind_0", "something happened")


def failure(db: sqlite3.Connection) -> None:
    """What is asked before a person is told that a task still fails."""
    events.raised(db, f"failed:{TASK}:", NOW - timedelta(hours=6))
    events.unanswered_of(db, (TASK,), (f"failed:{TASK}:",), f"recovered:{TASK}")
    streaks.streak(db, TASK)


ASKED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a run of the supervisor": attempt,
    "an alert": alert,
    "a failure": failure,
    "what may be delivered": lambda db: (outbox.due(db, limits.of({})), deliveries.messages_within(db, DAY)),
    "what was delivered last": lambda db: [deliveries.last(db, "alert", taken=taken) for taken in (True, False)],
    "v6 runs": lambda db: runs.recent(db),
    "v6 runs --task": lambda db: runs.recent(db, TASKS[3]),
    "v6 why: attempts": lambda db: (runs.of_slot(db, TASK, NOW), runs.between(db, NOW - DAY, NOW, TASK)),
    "v6 why: ledger": lambda db: (ledger.slot_of(db, TASK, NOW), ledger.reasons(db, TASK, NOW - DAY, NOW)),
    "runs of a day": lambda db: (runs.of_day(db, "2026-11-24"), runs.between(db, NOW - DAY, NOW)),
    "runs ended lately": lambda db: runs.ended_since(db, TASK, NOW - DAY),
    "first run": runs.first_started,
    "slots of a day": lambda db: (ledger.slots_of(db, None, NOW - DAY, NOW), ledger.slots_of(db, TASK, NOW - DAY, NOW)),
    "reasons of a day": lambda db: ledger.reasons(db, None, NOW - DAY, NOW),
    "open slots": lambda db: ledger.open_slots(db, TASK),
    "cycles of a day": lambda db: session_cycles.between(db, NOW - DAY, NOW),
    "latest events": lambda db: (events.recent(db), events.recent(db, "kind_0"), events.latest_id(db, "kind_0")),
    "events lately": lambda db: events.count_since(db, "kind_0", NOW - DAY),
    "alerts lately": lambda db: (events.alerts_since(db, NOW - DAY), events.undelivered(db)),
    "the metrics: runs": lambda db: (tallies.runs(db), tallies.last_successes(db), tallies.rows_of(db, "alerts")),
    "the metrics: slots": lambda db: (slot_tallies.settle(db), slot_tallies.latest(db), slot_tallies.totals(db)),
    "the metrics: alerts": tallies.alerts_waiting,
}


def steps(journal: Path, ask: Callable[[sqlite3.Connection], object]) -> int:
    """Instructions of SQLite's virtual machine, to ten."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with closing(database.connect(journal)) as db:
        db.set_progress_handler(count, 10)
        ask(db)
    return 10 * (counted[0] + 5)


@pytest.mark.parametrize("name", sorted(ASKED))
def test_it_costs_the_same_in_a_journal_of_years(name: str, journals: tuple[Path, Path]) -> None:
    small, large = (steps(journal, ASKED[name]) for journal in journals)
    assert large <= ALLOWED * small


def test_what_reads_all_rows_would_be_noticed(journals: tuple[Path, Path]) -> None:
    small, large = (
        steps(journal, lambda db: db.execute("SELECT count(*) FROM runs WHERE pid = 1").fetchone())
        for journal in journals
    )
    assert large > 10 * small


def test_a_day_of_years_ago_goes_without_reading_the_others(tmp_path: Path) -> None:
    counted = []
    for number, rows in enumerate((SMALL, LARGE)):
        with closing(database.connect(tmp_path / f"{number}.db")) as db:
            fill(db, rows, NOW)
            oldest = trimming.run_days(db)[1]
            wanted = runs.of_day(db, oldest.isoformat())
            db.set_progress_handler(lambda: counted.append(number) or 0, 10)  # type: ignore[func-returns-value] # noqa: B023
            gone = trimming.let_day_go(db, oldest)
            db.set_progress_handler(None, 0)
            assert gone >= len(wanted) == 60
            assert runs.of_day(db, oldest.isoformat()) == []
    assert counted.count(1) <= ALLOWED * counted.count(0)
