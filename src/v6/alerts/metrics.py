"""Metrics for Prometheus, made from the journal (connections: from their file) when they are asked for: no process has
to live for a counter to count.

The dispatcher writes them for node_exporter's textfile collector, off every run's path. Its rules: a name ending in
`.prom`, the whole file replaced at once, no timestamps (https://github.com/prometheus/node_exporter#textfile-collector).
A counter `x` is written as `x_total`, as the exposition format and promtool want it.
"""

import os
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.config.sources import compiled_sources
from v6.file_locks import is_held
from v6.journal import connection_attempts, connections, restarts, tallies
from v6.paths import Paths

STATES = ("normal", "pre_restart", "restarting", "reconnecting", "validating", "degraded")
BUCKETS = (30, 60, 90, 120, 180, 300, 600, 900, 1200, 1500, 1800, 2400, 3600, 7200, 14400, 18000)
"""Seconds: TWS's own minute or two, the 20 to 30 of a nightly window, the four hours of a Sunday's."""
SPANS = {"hour": connection_attempts.HOUR, "day": connection_attempts.DAY}
READABLE = 0o644  # node_exporter is another user


class JournalMetrics(Collector):
    """Collects by reading the journal."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def collect(self) -> Iterator[Metric]:
        yield from self._restarts()
        yield from self._last_restarts()
        yield from self._state()
        yield from self._runs()

    def _restarts(self) -> Iterator[Metric]:
        by_window = tallies.by_window(self._db)
        yield _counter(
            "tws_restart_count",
            "Restarts of TWS that V6 has seen through, by window.",
            [((one.window,), one.restarts) for one in by_window],
        )
        yield _counter(
            "tws_pre_restart_orders_cancelled",
            "Open orders that V6 cancelled before a restart, by window.",
            [((one.window,), one.orders_cancelled) for one in by_window],
        )
        yield self._durations()
        yield _counter(
            "tws_process_restarts",
            "Times that V6 itself started or ended TWS.",
            [((), tallies.events_of(self._db, "tws_restart"))],
            labels=(),
        )

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "tws_restart_duration_seconds",
            "From the first sign that TWS was away, or the window's start, until everything was validated.",
            labels=("window",),
        )
        for window, seconds in tallies.durations(self._db).items():
            family.add_metric((window,), buckets=_buckets(seconds), sum_value=sum(seconds))
        return family

    def _last_restarts(self) -> Iterator[Metric]:
        last = tallies.last_of_each_window(self._db)
        for name, words, values in (
            (
                "tws_state_restoration_success",
                "Whether the last restart of the window gave back all of the saved state (1) or not (0).",
                [(one.window, one.restored) for one in last],
            ),
            (
                "tws_time_to_first_tick_seconds",
                "From the connection to the first tick of a restored subscription, last restart of the window.",
                [(one.window, one.first_tick_seconds) for one in last],
            ),
            (
                "tws_restart_recovery_seconds",
                "From the connection to validated and restored, last restart of the window.",
                [(one.window, one.recovery_seconds) for one in last],
            ),
            (
                "tws_last_restart_timestamp_seconds",
                "When the last restart of the window was validated.",
                [(one.window, one.validated_at and one.validated_at.timestamp()) for one in last],
            ),
        ):
            known = [((window,), float(value)) for window, value in values if value is not None]
            yield _gauge(name, words, known, labels=("window",))

    def _state(self) -> Iterator[Metric]:
        now = restarts.current(self._db)
        state = now.state if now else STATES[0]
        yield _gauge(
            "tws_restart_state",
            "1 for the state of TWS's restart in which V6 is, 0 for the others.",
            [((name,), float(name == state)) for name in STATES],
            labels=("state",),
        )
        since = [((), now.since.timestamp())] if now else []
        yield _gauge("tws_restart_state_since_timestamp_seconds", "When that state began.", since, labels=())

    def _runs(self) -> Iterator[Metric]:
        yield _counter(
            "v6_task_runs",
            "Attempts of a task that ended, by outcome.",
            [((one.task, one.outcome), one.runs) for one in tallies.runs(self._db)],
            labels=("task", "outcome"),
        )
        yield _gauge(
            "v6_task_last_success_timestamp_seconds",
            "When the last successful attempt of a task ended.",
            [((task,), ended.timestamp()) for task, ended in tallies.last_successes(self._db).items()],
            labels=("task",),
        )
        yield _gauge(
            "v6_alerts_waiting", "Alerts that nobody has received.", [((), tallies.alerts_waiting(self._db))], labels=()
        )


class ConnectionMetrics(Collector):
    """Collects by reading the counted connections and the market session's row. `limits`: of the hour and the day;
    None: without a configuration that can be read nobody knows them."""

    def __init__(self, db: sqlite3.Connection, paths: Paths, limits: tuple[int, int] | None) -> None:
        self._db = db
        self._paths = paths
        self._limits = limits

    def collect(self) -> Iterator[Metric]:
        found = connection_attempts.read(self._paths.leases)
        used = [sum(one.at > found.now - seconds for one in found.known) for seconds in SPANS.values()]
        yield _gauge(
            "v6_tws_connections",
            "Connections to TWS tried in the last hour and day, whatever came of them.",
            [((span,), count) for span, count in zip(SPANS, used, strict=True)],
            labels=("span",),
        )
        yield _gauge(
            "v6_tws_connections_limit",
            "So many are allowed; beyond, connections are refused.",
            [((span,), limit) for span, limit in zip(SPANS, self._limits or (), strict=False)],
            labels=("span",),
        )
        yield _gauge(
            "v6_market_session_up",
            "1 while a market session runs and says that it is connected.",
            [((), float(self._session_up()))],
            labels=(),
        )

    def _session_up(self) -> bool:
        said = {row.task: row.status for row in connections.known(self._db)}
        connected = said.get(connections.SESSION) in connections.HOLDING
        return connected and is_held(self._paths.locks / connections.SESSION_LOCK)


def text(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str] = os.environ) -> str:
    """All metrics in Prometheus' text format. Raises OSError."""
    return generate_latest(_registry(db, paths, environ)).decode()


def write(db: sqlite3.Connection, place: Path, paths: Paths, environ: Mapping[str, str] = os.environ) -> None:
    """Replace the file at once. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(os.fspath(place), _registry(db, paths, environ))
    place.chmod(READABLE)


def place(paths: Paths, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the configuration wants them, the last good one when an edit is refused; None: nowhere.

    Raises ConfigError when there is neither.
    """
    textfile = _config(paths, environ).settings.metrics.textfile
    return paths.home / textfile if textfile else None


def _config(paths: Paths, environ: Mapping[str, str]) -> Config:
    try:
        return load(paths, environ)
    except ConfigError:
        last_good = compiled_sources(paths)
        if last_good is None:
            raise
        return load(paths, environ, last_good)


def _registry(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(JournalMetrics(db))
    registry.register(ConnectionMetrics(db, paths, _limits(paths, environ)))
    return registry


def _limits(paths: Paths, environ: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        ibkr = _config(paths, environ).settings.ibkr
    except ConfigError:
        return None
    return ibkr.connections_per_hour, ibkr.connections_per_day


Samples = Iterable[tuple[tuple[str, ...], float]]


def _counter(name: str, words: str, samples: Samples, labels: Sequence[str] = ("window",)) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _gauge(name: str, words: str, samples: Samples, labels: Sequence[str]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _buckets(seconds: Iterable[float]) -> list[tuple[str, float]]:
    """How many took at most so long, for each bound."""
    counts = [0] * (len(BUCKETS) + 1)
    for one in seconds:
        counts[bisect_left(BUCKETS, one)] += 1
    bounds = [*(f"{bound}.0" for bound in BUCKETS), "+Inf"]
    return list(zip(bounds, map(float, accumulate(counts)), strict=True))
