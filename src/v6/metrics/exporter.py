"""The metrics, made from the journal (connections: from their file and the kernel) when they are asked for: no process
has to live for a counter to count.

The dispatcher writes them for node_exporter's textfile collector, off every run's path. Its rules: a name ending in
`.prom`, the whole file replaced at once, no timestamps (https://github.com/prometheus/node_exporter#textfile-collector).
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from v6 import clock
from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.config.sources import compiled_sources
from v6.journal import gate_counts, slot_tallies, turns
from v6.metrics import connections, lake, restarts, runs, slots
from v6.metrics.families import gauge
from v6.paths import Paths

READABLE = 0o644  # node_exporter is another user
GATE_LOG = Path("scheduler/cron_wrapper.log")
UNWANTED_SECONDS = 3600.0
"""So soon the configuration is asked again whether it wants metrics now."""


class All(Collector):
    """Collects by reading. `config` None: no configuration can be read."""

    def __init__(self, db: sqlite3.Connection, paths: Paths, config: Config | None) -> None:
        self._db = db
        self._paths = paths
        self._config = config

    def collect(self) -> Iterator[Metric]:
        yield from restarts.collect(self._db)
        yield from runs.collect(self._db)
        yield from slots.collect(self._db)
        yield from lake.collect(self._db)
        yield from connections.collect(self._db, self._paths, self._config.settings.ibkr if self._config else None)
        journal = sum(part.stat().st_size for part in _parts(self._paths.journal))
        yield gauge("v6_journal_bytes", "Bytes of the journal's file.", (), [((), journal)])
        yield gauge("v6_metrics_timestamp_seconds", "When V6 wrote these metrics.", (), [((), clock.epoch())])


def text(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str] = os.environ) -> str:
    """All metrics in Prometheus' text format. Raises OSError."""
    return generate_latest(_registry(db, paths, _readable(paths, environ))).decode()


def write(db: sqlite3.Connection, place: Path, paths: Paths, environ: Mapping[str, str] = os.environ) -> None:
    """Count what is new and replace the file at once; then, when it is time, look at the lake too, which may take
    longer, and replace it once more. Raises OSError, LakeError."""
    config = _readable(paths, environ)
    if config is not None:
        turns.after(db, turns.METRICS, config.settings.metrics.every_seconds)
        gate_counts.count(db, paths.home / config.scheduler.log_directory / GATE_LOG)
    slot_tallies.settle(db)
    _write(db, place, paths, config)
    if config is not None and turns.due(db, lake.TURN, at_once=True):
        lake.measure(db, config.settings.lake, paths)
        _write(db, place, paths, config)


def place(paths: Paths, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the configuration wants them, the last good one when an edit is refused; None: nowhere.

    Raises ConfigError when there is neither.
    """
    textfile = _config(paths, environ).settings.metrics.textfile
    return paths.home / textfile if textfile else None


def write_when_wanted(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str] = os.environ) -> None:
    """What the dispatcher does. Raises ConfigError, LakeError, OSError."""
    wanted = place(paths, environ)
    if wanted is None:
        turns.after(db, turns.METRICS, UNWANTED_SECONDS)
    else:
        write(db, wanted, paths, environ)


def _write(db: sqlite3.Connection, place: Path, paths: Paths, config: Config | None) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(os.fspath(place), _registry(db, paths, config))
    place.chmod(READABLE)


def _registry(db: sqlite3.Connection, paths: Paths, config: Config | None) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(All(db, paths, config))
    return registry


def _readable(paths: Paths, environ: Mapping[str, str]) -> Config | None:
    try:
        return _config(paths, environ)
    except ConfigError:
        return None


def _config(paths: Paths, environ: Mapping[str, str]) -> Config:
    try:
        return load(paths, environ)
    except ConfigError:
        last_good = compiled_sources(paths)
        if last_good is None:
            raise
        return load(paths, environ, last_good)


def _parts(journal: Path) -> list[Path]:
    """The file and what SQLite keeps beside it."""
    return [
        part
        for part in (journal, *(journal.with_name(f"{journal.name}-{end}") for end in ("wal", "shm")))
        if part.exists()
    ]
