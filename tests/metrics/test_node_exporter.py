"""Debian's node_exporter reads the file that V6 writes, and says what V6 says."""

import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from prometheus_programs import program
from toy_checkout import wait_until
from v6.clock import NEW_YORK
from v6.journal import database, events, ledger, runs
from v6.metrics import exporter
from v6.paths import Paths

pytestmark = pytest.mark.integration

SLOT = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)


@contextmanager
def node_exporter(folder: Path) -> Iterator[str]:
    """Its address."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={folder}"]
    command = [program("prometheus-node-exporter"), *options, f"--web.listen-address={address}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(address))
            yield address
        finally:
            process.terminate()


def answers(address: str) -> bool:
    try:
        return bool(scraped(address))
    except URLError:
        return False


def scraped(address: str) -> str:
    with urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def ours(text: str) -> dict[str, float]:
    """Series by name and labels, whatever the order of the labels."""
    found = {}
    for name, labels, value in re.findall(r"^((?:v6|tws)_\w+)(?:\{([^}]*)\})? (\S+)$", text, re.M):
        found[f"{name}{sorted(labels.strip(',').split(','))}"] = float(value)
    return found


def fill(db: sqlite3.Connection) -> None:
    for number in range(3):
        run = runs.start_attempt(db, task="collect", slot=SLOT, attempt=number + 1, pid=None, log_file="")
        outcome = "success" if number == 2 else "recoverable"
        runs.finish_attempt(db, run, runs.Ended(outcome, 0, 1.5, 1.0, 90.0, 'said "so"\n', "", ""))
    runs.record_skip(db, task="collect", slot=SLOT, reason="deadline", detail="", log_file="")
    ledger.open_slot(db, "collect", SLOT, expected=5)
    misses = [ledger.Miss("1", "SPY", "partial", "no_greeks"), ledger.Miss("2", "SPY", "missing", "no_tick")]
    ledger.close_slot(db, "collect", SLOT, 3, misses)
    events.raise_alert(db, severity="failure", title="t", body="b", key="k")


def test_it_says_every_series_of_the_file(home: Path) -> None:
    paths = Paths.locate()
    place = home / "var" / "metrics" / "v6.prom"
    with closing(database.connect(paths.journal)) as db:
        fill(db)
        exporter.write(db, place, paths)
        with node_exporter(place.parent) as address:
            said = scraped(address)
            assert "node_textfile_scrape_error 0" in said
            assert ours(said) == ours(place.read_text())
            values = ours(said)
            assert values["""v6_task_runs_total['outcome="recoverable"', 'task="collect"']"""] == 2
            assert values["""v6_slot_completeness_ratio['task="collect"']"""] == 0.6
            run = runs.start_attempt(db, task="collect", slot=SLOT, attempt=1, pid=None, log_file="")
            runs.finish_attempt(db, run, runs.Ended("recoverable", 1, 1.0, 1.0, 9.0))
            exporter.write(db, place, paths)
            assert ours(scraped(address))["""v6_task_runs_total['outcome="recoverable"', 'task="collect"']"""] == 3


def test_it_would_say_that_a_file_is_wrong(home: Path) -> None:
    folder = home / "metrics"
    folder.mkdir()
    shutil.copy(Path(__file__), folder / "v6.prom")
    with node_exporter(folder) as address:
        assert "node_textfile_scrape_error 1" in scraped(address)
