"""Restarts of TWS: how many, how long, what they gave back, and in which state V6 is."""

import sqlite3
from collections.abc import Iterator

from prometheus_client.core import Metric

from v6.journal import restarts, tallies
from v6.metrics.families import counter, gauge, histogram

STATES = ("normal", "pre_restart", "restarting", "reconnecting", "validating", "degraded")
BUCKETS = (30, 60, 90, 120, 180, 300, 600, 900, 1200, 1500, 1800, 2400, 3600, 7200, 14400, 18000)
"""Seconds: TWS's own minute or two, the 20 to 30 of a nightly window, the four hours of a Sunday's."""
WINDOW = ("window",)


def collect(db: sqlite3.Connection) -> Iterator[Metric]:
    by_window = tallies.by_window(db)
    yield counter(
        "tws_restart_count",
        "Restarts of TWS that V6 has seen through, by window.",
        WINDOW,
        [((one.window,), one.restarts) for one in by_window],
    )
    yield counter(
        "tws_pre_restart_orders_cancelled",
        "Open orders that V6 cancelled before a restart, by window.",
        WINDOW,
        [((one.window,), one.orders_cancelled) for one in by_window],
    )
    yield histogram(
        "tws_restart_duration_seconds",
        "From the first sign that TWS was away, or the window's start, until everything was validated.",
        WINDOW,
        [((window,), seconds) for window, seconds in tallies.durations(db).items()],
        BUCKETS,
    )
    yield counter(
        "tws_process_restarts",
        "Times that V6 itself started or ended TWS.",
        (),
        [((), tallies.events_of(db, "tws_restart"))],
    )
    yield from _last(db)
    yield from _state(db)


def _last(db: sqlite3.Connection) -> Iterator[Metric]:
    last = tallies.last_of_each_window(db)
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
        yield gauge(name, words, WINDOW, [((window,), float(value)) for window, value in values if value is not None])


def _state(db: sqlite3.Connection) -> Iterator[Metric]:
    now = restarts.current(db)
    state = now.state if now else STATES[0]
    yield gauge(
        "tws_restart_state",
        "1 for the state of TWS's restart in which V6 is, 0 for the others.",
        ("state",),
        [((name,), float(name == state)) for name in STATES],
    )
    since = [((), now.since.timestamp())] if now else []
    yield gauge("tws_restart_state_since_timestamp_seconds", "When that state began.", (), since)
