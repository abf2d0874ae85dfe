"""What the metrics say is what the journal, the gate's log, the lake and the kernel say."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

import option_rows
from toy_checkout import wait_until
from v6 import clock
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.gateway import client_ids
from v6.journal import connections, database, runs, turns
from v6.metrics import exporter, lake
from v6.paths import Paths
from v6.store.lake import Lake

pytestmark = pytest.mark.integration

SLOT = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
TABLE = "option_snapshots"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(database.connect(Paths.locate().journal)) as connection:
        yield connection


def written(db: sqlite3.Connection, home: Path) -> dict[str, float]:
    """Series -> value, of the file as the dispatcher would write it."""
    exporter.write_when_wanted(db, Paths.locate())
    lines = (home / "var" / "metrics" / "v6.prom").read_text().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def attempt(db: sqlite3.Connection, outcome: str, number: int = 1, seconds: float = 2.0, reason: str = "") -> None:
    run = runs.start_attempt(db, task="t", slot=SLOT, attempt=number, pid=1, log_file="")
    runs.finish_attempt(db, run, runs.Ended(outcome, 0, seconds, 1.0, 50.0, "", reason))


def test_runs_by_task_and_outcome_with_their_cost(db: sqlite3.Connection, home: Path) -> None:
    attempt(db, "recoverable", seconds=3.0)
    attempt(db, "recoverable", 2, seconds=5.0)
    values = written(db, home)
    assert values['v6_task_runs_total{outcome="recoverable",task="t"}'] == 2
    assert values['v6_task_retries_total{outcome="recoverable",task="t"}'] == 1
    assert values['v6_task_duration_seconds_total{outcome="recoverable",task="t"}'] == 8
    assert values['v6_task_cpu_seconds_total{outcome="recoverable",task="t"}'] == 2
    assert values['v6_task_last_duration_seconds{task="t"}'] == 5
    assert values['v6_task_last_peak_memory_bytes{task="t"}'] == 50e6
    assert values['v6_task_last_failed{task="t"}'] == 1
    assert 'v6_task_last_success_timestamp_seconds{task="t"}' not in values


@pytest.mark.parametrize(("outcome", "reason"), [("skip", runs.COVERED), ("success", "")])
def test_a_task_is_well_again_after_a_success_whosever_it_was(
    db: sqlite3.Connection, home: Path, monkeypatch: pytest.MonkeyPatch, outcome: str, reason: str
) -> None:
    attempt(db, "fatal")
    now = clock.epoch() + 60
    monkeypatch.setattr(clock, "epoch", lambda: now)
    attempt(db, outcome, reason=reason)
    values = written(db, home)
    assert values['v6_task_last_failed{task="t"}'] == 0
    assert values['v6_task_last_success_timestamp_seconds{task="t"}'] == pytest.approx(now, abs=0.01)


def test_skips_of_the_gate_and_of_runs_by_reason(db: sqlite3.Connection, home: Path) -> None:
    log = home / "logs" / "scheduler" / "cron_wrapper.log"
    log.parent.mkdir(parents=True)
    log.write_text("2026-11-26 13:05:00 EST|t|2026-11-26T18:05:00Z|skip|holiday|Thanksgiving\n" * 3)
    runs.record_skip(db, task="t", slot=SLOT, reason="dependency", detail="", log_file="")
    for _ in range(2):
        values = written(db, home)
        assert values['v6_task_skips_total{by="gate",reason="holiday",task="t"}'] == 3
        assert values['v6_task_skips_total{by="run",reason="dependency",task="t"}'] == 1


def test_missed_slots_by_cause(db: sqlite3.Connection, home: Path) -> None:
    for number in range(72):
        db.execute(
            "INSERT INTO missed_slots (task, slot, day, cause, evidence, found_at) "
            "VALUES ('t', ?, '', 'host_down', '', '')",
            (str(number),),
        )
    assert written(db, home)['v6_missed_slots_total{cause="host_down",task="t"}'] == 72


def test_the_lake_is_measured_at_once_and_then_once_an_hour(
    db: sqlite3.Connection, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths.locate()
    tables = Lake.at(load(paths).settings.lake, paths)
    frames = option_rows.by_slot(option_rows.generated(date(2026, 11, 20), slots=2, contracts=12))
    first, second = frames
    tables.write_slot(TABLE, task=option_rows.TASK, slot=first, frame=frames[first])
    values = written(db, home)
    status = next(one for one in tables.status() if one.name == TABLE)
    assert values[f'v6_lake_rows{{table="{TABLE}"}}'] == 12
    assert values[f'v6_lake_bytes{{table="{TABLE}"}}'] == status.size_bytes > 1000
    assert values[f'v6_lake_files{{table="{TABLE}"}}'] == 1
    tables.write_slot(TABLE, task=option_rows.TASK, slot=second, frame=frames[second])
    assert written(db, home)[f'v6_lake_rows{{table="{TABLE}"}}'] == 12
    later = clock.monotonic() + lake.EVERY_SECONDS
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert written(db, home)[f'v6_lake_rows{{table="{TABLE}"}}'] == 24


def test_a_lake_that_cannot_be_read_leaves_the_other_metrics(db: sqlite3.Connection, home: Path) -> None:
    log = home / "var" / "lake" / TABLE / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("not a commit")
    with pytest.raises(Exception, match=TABLE):
        written(db, home)
    assert "v6_metrics_timestamp_seconds" in (home / "var" / "metrics" / "v6.prom").read_text()
    assert written(db, home)["v6_journal_bytes"] > 0, "the next time is in an hour"


def test_sockets_in_close_wait_are_seen_in_the_kernel_without_touching_tws(db: sqlite3.Connection, home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as tws:
        port = tws.getsockname()[1]
        configure(home, {"ibkr": {"port": port}})
        assert written(db, home)['v6_tws_sockets{side="tws",state="CLOSE_WAIT"}'] == 0
        kept = []
        for _ in range(3):
            client = socket.create_connection(("127.0.0.1", port))
            kept.append(tws.accept()[0])
            client.close()
        wait_until(lambda: written(db, home)['v6_tws_sockets{side="tws",state="CLOSE_WAIT"}'] == 3)
        values = written(db, home)
        assert values["v6_tws_listening"] == 1
        assert values["v6_tws_accept_queue"] == 0, "looking is no connection"
        for one in kept:
            one.close()
    assert written(db, home)["v6_tws_listening"] == 0


def test_client_ids_and_statuses_of_connections(db: sqlite3.Connection, home: Path) -> None:
    leases = Paths.locate().leases
    with client_ids.take(leases, 10, 99, "t"), client_ids.take(leases, 10, 99, "t"):
        client_ids.take(leases, 10, 99, "t").quarantine()
        values = written(db, home)
    assert values['v6_tws_client_ids{state="leased"}'] == 2
    assert values['v6_tws_client_ids{state="quarantined"}'] == 1
    assert values["v6_tws_client_ids_limit"] == 90
    connections.say(db, "t", connections.DISCONNECTED, "refused")
    db.execute("INSERT INTO outages (at, kind, evidence) VALUES ('', 'refused', ''), ('', 'refused', '')")
    values = written(db, home)
    on = [series for series, value in values.items() if series.startswith("v6_connection_status{") and value]
    assert on == ['v6_connection_status{status="disconnected",task="t"}']
    assert values['v6_connection_proven_timestamp_seconds{task="t"}'] == pytest.approx(clock.epoch(), abs=60)
    assert values['v6_tws_away_signs_total{kind="refused"}'] == 2


def test_the_configuration_says_how_often(db: sqlite3.Connection, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, {"metrics": {"every_seconds": 300}})
    written(db, home)
    now = clock.monotonic()
    for later, due in ((290, False), (301, True)):
        monkeypatch.setattr(clock, "monotonic", lambda later=later: now + later)
        assert turns.due(db, turns.METRICS) is due


def configure(home: Path, tree: dict[str, object]) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "production.yaml").write_text(yaml.safe_dump(tree))
