"""Which slots are a collector's is decided by what the task runs."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from v6.clock import NEW_YORK
from v6.journal import database, runs, session_cycles
from v6.journal.evidence import slot_states, traces
from v6.paths import ROOT, Paths
from v6.scheduler.compile import compile_all

SITE = """
scheduler:
  tasks:
    aapl_quotes: {script: scripts/collect_option_snapshots.py, args: [--symbols, AAPL], description: x,
                  frequency: hourly, market_phase: market_open, timeout_seconds: 60}
    collect_garbage: {script: scripts/health_check.py, args: [--mine], description: x,
                      frequency: hourly, timeout_seconds: 60}
"""


@pytest.mark.integration
def test_a_sites_task_that_runs_a_collector_has_its_slots_shown(home: Path) -> None:
    paths = Paths(ROOT, home)
    paths.production_config.parent.mkdir()
    paths.production_config.write_text(SITE, encoding="utf-8")
    paths.production_config.chmod(0o600)
    assert compile_all(paths).error == ""
    start, end = (datetime(2026, 11, 20, hour, tzinfo=NEW_YORK) for hour in (9, 17))

    states = slot_states(paths, {}, start, end, now=end)

    of_task = {task: [one for one in states if one.task == task] for task in {one.task for one in states}}
    assert sorted(of_task) == [
        "aapl_quotes",
        "collect_futures_snapshots",
        "collect_option_snapshots",
        "final_data_collection",
    ]
    assert [f"{one.slot:%H:%M}" for one in of_task["final_data_collection"]] == ["16:15"]
    assert [f"{one.slot:%H:%M}" for one in of_task["aapl_quotes"]] == [f"{hour}:00" for hour in range(10, 16)]


def test_a_run_that_the_market_session_covered_is_no_reason_of_a_miss(home: Path) -> None:
    slot = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
    with closing(database.connect(home / "v6.db")) as db:
        session_cycles.begin(db, "collect", slot)
        for task, reason in (("collect", runs.COVERED), ("other", "running")):
            runs.record_skip(db, task=task, slot=slot, reason=reason, detail="", log_file="")
        found = traces(db, home / "no.log", slot, slot + timedelta(minutes=1))
    assert found.of_slot == {("other", slot): "running"}
    assert len(found.instants) == 3
