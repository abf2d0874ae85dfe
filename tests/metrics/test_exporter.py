"""The metrics: right by promtool, counted from the journal, written by the dispatcher and by nobody else."""

import fcntl
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prometheus_programs import program
from toy_checkout import wait_until
from v6 import clock
from v6.clock import NEW_YORK
from v6.config.errors import ConfigError
from v6.config.load import load
from v6.journal import connection_attempts, connections, database, events, restarts, runs, turns
from v6.metrics import exporter
from v6.metrics.restarts import STATES
from v6.paths import ROOT, Paths
from v6.restart.states import State
from v6.runner import notices
from v6.scheduler import side_channels

pytestmark = pytest.mark.integration

NIGHT = datetime(2026, 11, 23, 23, 45, tzinfo=NEW_YORK)
SAMPLE = re.compile(r'[a-z_0-9]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+.e0-9]+(Inf)?')


@pytest.fixture
def db(home: Path) -> Iterator[sqlite3.Connection]:
    connection = database.connect(home / "var" / "v6.db")
    yield connection
    connection.close()


def restart(db: sqlite3.Connection, days: int, seconds: float, window: str = "daily_restart", **columns: Any) -> None:
    """One that was validated `seconds` after its window's start."""
    start = NIGHT + timedelta(days=days)
    row = restarts.begin(db, window, start, start + timedelta(minutes=20))
    filled = {"outcome": "restored", "observed": "restarted", "validated_at": start + timedelta(seconds=seconds)}
    restarts.note(db, row.id, **{**filled, **columns})


def samples(text: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    }


def text_of(db: sqlite3.Connection) -> str:
    return exporter.text(db, Paths.locate())


def lint(text: str) -> tuple[int, str]:
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_promtool_has_nothing_to_say(db: sqlite3.Connection) -> None:
    restart(db, 0, 1531.0, orders_cancelled=2, restored=1, first_tick_seconds=0.4, connected_at=NIGHT)
    restarts.set_current(db, "validating", "a test")
    run = runs.start_attempt(db, task="health_check", slot=NIGHT, attempt=1, pid=None, log_file="")
    runs.finish_attempt(db, run, runs.Ended("success", 0, 1.0, 1.0, 9.0, "fine", "", ""))
    text = text_of(db)
    assert lint(text) == (0, "")
    assert len(samples(text)) > 30


def test_promtool_would_say_something(db: sqlite3.Connection) -> None:
    restart(db, 0, 1530.0)
    spoilt = text_of(db).replace("tws_restart_count_total", "tws_restart_count")
    code, words = lint(spoilt)
    assert code != 0
    assert 'counter metrics should have "_total" suffix' in words


def test_connections_are_counted_beside_their_limits(home: Path, db: sqlite3.Connection) -> None:
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text("ibkr: {connections_per_hour: 2}\n")
    now = clock.epoch()
    (home / "var" / "leases").mkdir()
    attempts = [f"{now - age} 1 a task\n" for age in (90_000, 7_200, 60)]
    (home / "var" / "leases" / connection_attempts.FILE).write_text("".join(attempts))
    values = samples(text_of(db))
    assert [values[f'v6_tws_connections{{span="{span}"}}'] for span in ("hour", "day")] == [1, 2]
    assert [values[f'v6_tws_connections_limit{{span="{span}"}}'] for span in ("hour", "day")] == [2, 600]


def test_the_market_session_is_up_only_while_it_lives_and_is_connected(home: Path, db: sqlite3.Connection) -> None:
    up = "v6_market_session_up"
    assert samples(text_of(db))[up] == 0
    connections.say(db, connections.SESSION, connections.CONNECTED, client_id=10)
    assert samples(text_of(db))[up] == 0, "nobody holds its lock"
    (home / "var" / "locks").mkdir()
    with (home / "var" / "locks" / connections.SESSION_LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert samples(text_of(db))[up] == 1
        connections.say(db, connections.SESSION, connections.RECONNECTING, attempts=2)
        assert samples(text_of(db))[up] == 0


def test_without_a_readable_configuration_only_the_limits_are_unknown(home: Path, db: sqlite3.Connection) -> None:
    configure(home, "var/wrong.txt")
    text = text_of(db)
    assert lint(text) == (0, "")
    assert "v6_tws_connections{" in text
    assert "v6_tws_connections_limit{" not in text


def test_before_the_first_restart_all_is_normal(db: sqlite3.Connection) -> None:
    text = text_of(db)
    assert lint(text) == (0, "")
    assert samples(text)['tws_restart_state{state="normal"}'] == 1.0
    assert "tws_last_restart_timestamp_seconds{" not in text


def test_restarts_are_counted_by_window(db: sqlite3.Connection) -> None:
    restart(db, 0, 1530.0, orders_cancelled=2)
    restart(db, 1, 1540.0, orders_cancelled=1)
    restart(db, 6, 15000.0, window="sunday_maintenance")
    restart(db, 2, 1500.0, observed="no_restart")  # TWS lived through the window
    restarts.begin(db, "daily_restart", NIGHT + timedelta(days=3), NIGHT + timedelta(days=3, minutes=20))  # under way
    values = samples(text_of(db))
    assert values['tws_restart_count_total{window="daily_restart"}'] == 2
    assert values['tws_restart_count_total{window="sunday_maintenance"}'] == 1
    assert values['tws_pre_restart_orders_cancelled_total{window="daily_restart"}'] == 3


def test_durations_are_a_histogram_from_the_first_sign_that_tws_was_away(db: sqlite3.Connection) -> None:
    restart(db, 0, 1530.0)
    restart(db, 1, 1530.0, away_at=NIGHT + timedelta(days=1, seconds=1440))  # 90 s away
    restart(db, 2, 999_999.0)
    values = samples(text_of(db))
    name = "tws_restart_duration_seconds"
    bounds = {
        le: values[f'{name}_bucket{{le="{le}",window="daily_restart"}}'] for le in ("60.0", "90.0", "1800.0", "+Inf")
    }
    assert bounds == {"60.0": 0, "90.0": 1, "1800.0": 2, "+Inf": 3}
    assert values[f'{name}_count{{window="daily_restart"}}'] == 3
    assert values[f'{name}_sum{{window="daily_restart"}}'] == 90 + 1530 + 999_999


def test_the_last_restart_says_what_it_gave_back(db: sqlite3.Connection) -> None:
    restart(db, 0, 1530.0, restored=1, first_tick_seconds=0.4)
    restart(db, 1, 1540.0, restored=0, first_tick_seconds=2.5, connected_at=NIGHT + timedelta(days=1, seconds=1520))
    restart(db, 6, 15000.0, window="sunday_maintenance", restored=None)
    values = samples(text_of(db))
    assert values['tws_state_restoration_success{window="daily_restart"}'] == 0
    assert 'tws_state_restoration_success{window="sunday_maintenance"}' not in values  # nothing was saved: neither
    assert values['tws_time_to_first_tick_seconds{window="daily_restart"}'] == 2.5
    assert values['tws_restart_recovery_seconds{window="daily_restart"}'] == 20
    last = datetime.fromtimestamp(values['tws_last_restart_timestamp_seconds{window="daily_restart"}'], NEW_YORK)
    assert last == NIGHT + timedelta(days=1, seconds=1540)


def test_exactly_one_state_is_on_and_every_state_has_its_series(db: sqlite3.Connection) -> None:
    assert set(STATES) == {state.value for state in State}
    for state in STATES:
        restarts.set_current(db, state, "a test")
        values = samples(text_of(db))
        on = [name for name in STATES if values[f'tws_restart_state{{state="{name}"}}'] == 1]
        assert on == [state]


def test_starts_and_ends_of_tws_by_us_are_counted(db: sqlite3.Connection) -> None:
    events.record(db, "tws_restart", "mute for 181 s")
    assert samples(text_of(db))["tws_process_restarts_total"] == 1


def test_a_new_process_counts_on(home: Path, db: sqlite3.Connection) -> None:
    restart(db, 0, 1530.0)
    for _ in range(2):
        command = [sys.executable, "-m", "v6.cli", "metrics"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert samples(done.stdout)['tws_restart_count_total{window="daily_restart"}'] == 1
        assert lint(done.stdout) == (0, "")


def test_the_file_is_replaced_at_once_without_timestamps(home: Path, db: sqlite3.Connection) -> None:
    place = home / "metrics" / "v6.prom"
    exporter.write(db, place, Paths.locate())
    old = place.open()
    restart(db, 0, 1530.0)
    exporter.write(db, place, Paths.locate())
    assert "daily_restart" not in old.read()  # who had it open still reads the whole old file
    old.close()
    assert [path.name for path in place.parent.iterdir()] == ["v6.prom"]
    assert place.stat().st_mode & 0o777 == 0o644
    assert place.read_text().endswith("\n")
    lines = [line for line in place.read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if not SAMPLE.fullmatch(line)]


def dispatched(home: Path, db: sqlite3.Connection, script: str) -> Path:
    notices.deliver(db, str(home), str(home / "logs"), script)
    return home / "var" / "metrics" / "v6.prom"


@pytest.mark.parametrize("script", notices.MEASURED)
def test_after_a_restart_they_are_written_although_nobody_is_told(
    home: Path, db: sqlite3.Connection, script: str
) -> None:
    assert (ROOT / script).exists()
    place = dispatched(home, db, script)
    wait_until(place.exists)


def test_another_run_starts_nothing_until_it_is_time(home: Path, db: sqlite3.Connection) -> None:
    dispatched(home, db, "scripts/collect_option_snapshots.py")
    assert not (home / "logs").exists(), "the first run only begins the waiting"
    turns.after(db, turns.METRICS, 0)
    place = dispatched(home, db, "scripts/collect_option_snapshots.py")
    wait_until(place.exists)


@pytest.mark.parametrize("script", ["scripts/collect_option_snapshots.py", *notices.MEASURED])
def test_a_home_without_metrics_pays_nothing_for_them(home: Path, db: sqlite3.Connection, script: str) -> None:
    configure(home, "")
    turns.after(db, turns.METRICS, 0)
    settings = side_channels.settings(load(Paths.locate()))
    assert notices.deliver(db, str(home), str(home / "logs"), script, settings) is None
    assert not (home / "logs").exists()


def notify(home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "v6.alerts.notify"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def configure(home: Path, textfile: str) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "production.yaml").write_text(f"metrics: {{textfile: '{textfile}'}}\n")


def test_metrics_can_be_turned_off_and_put_elsewhere(home: Path, tmp_path: Path, db: sqlite3.Connection) -> None:
    configure(home, "")
    assert notify(home).returncode == 0
    assert not list(home.rglob("*.prom"))
    configure(home, f"{tmp_path}/node-exporter/v6.prom")
    assert notify(home).returncode == 0
    assert (tmp_path / "node-exporter" / "v6.prom").exists()


def test_a_name_that_node_exporter_would_not_read_is_refused(home: Path) -> None:
    configure(home, "var/metrics.txt")
    with pytest.raises(ConfigError, match=r"metrics\.textfile: 'var/metrics\.txt' is wrong.*ending in \.prom"):
        load(Paths.locate())


def test_a_broken_edit_of_the_configuration_does_not_stop_them(home: Path, db: sqlite3.Connection) -> None:
    from v6.scheduler.compile import compile_all

    configure(home, "var/elsewhere.prom")
    assert compile_all(Paths.locate()).error == ""
    configure(home, "var/wrong.txt")
    assert notify(home).returncode == 0
    assert (home / "var" / "elsewhere.prom").exists()


def test_metrics_that_cannot_be_written_are_said(home: Path, db: sqlite3.Connection) -> None:
    (home / "var" / "metrics").write_text("in the way")
    done = notify(home)
    assert done.returncode == 1
    assert "the metrics were not written" in done.stderr
