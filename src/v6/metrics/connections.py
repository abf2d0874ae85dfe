"""The connections to TWS: what each task says of its own, the market session, the budget, client ids, and the sockets
of the API port as the kernel shows them. TWS itself is never touched (L27)."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import Metric

from v6.config.settings import Ibkr
from v6.file_locks import is_held
from v6.gateway import occupancy
from v6.journal import connection_attempts, connections
from v6.metrics.families import counter, gauge
from v6.paths import Paths

STATUSES = (
    connections.CONNECTED,
    connections.CONNECTED_CLOSED,
    connections.WAITING,
    connections.RECONNECTING,
    connections.RESTART_WINDOW,
    connections.DISCONNECTED,
)
SPANS = {"hour": connection_attempts.HOUR, "day": connection_attempts.DAY}
SIDES = ("tws", "client")
WATCHED = ("ESTABLISHED", "CLOSE_WAIT")
"""These have their series also while there is no such socket."""


def collect(db: sqlite3.Connection, paths: Paths, ibkr: Ibkr | None) -> Iterator[Metric]:
    """`ibkr` None: without a configuration that can be read nobody knows limits and port."""
    yield from _statuses(db, paths)
    yield from _budget(paths, ibkr)
    yield from _client_ids(paths, ibkr)
    if ibkr is not None:
        yield from _sockets(paths, ibkr)


def _statuses(db: sqlite3.Connection, paths: Paths) -> Iterator[Metric]:
    known = connections.known(db)
    yield gauge(
        "v6_connection_status",
        "1 for the status that a task last said of its connection to TWS, 0 for the others.",
        ("task", "status"),
        [((one.task, status), float(one.status == status)) for one in known for status in STATUSES],
    )
    yield gauge(
        "v6_connection_proven_timestamp_seconds",
        "When that status was last proven.",
        ("task",),
        [((one.task,), one.at.timestamp()) for one in known],
    )
    connected = any(one.task == connections.SESSION and one.status in connections.HOLDING for one in known)
    up = connected and is_held(paths.locks / connections.SESSION_LOCK)
    yield gauge(
        "v6_market_session_up",
        "1 while a market session runs and says that it is connected.",
        (),
        [((), float(up))],
    )
    yield counter(
        "v6_tws_away_signs",
        "Signs that TWS or IBKR was away, by kind.",
        ("kind",),
        [((kind,), number) for kind, number in db.execute("SELECT kind, count(*) FROM outages GROUP BY kind")],
    )


def _budget(paths: Paths, ibkr: Ibkr | None) -> Iterator[Metric]:
    found = connection_attempts.read(paths.leases)
    used = [sum(one.at > found.now - seconds for one in found.known) for seconds in SPANS.values()]
    yield gauge(
        "v6_tws_connections",
        "Connections to TWS opened in the last hour and day, whatever came of them; one refused or unreachable reached "
        "nobody and is not counted.",
        ("span",),
        [((span,), count) for span, count in zip(SPANS, used, strict=True)],
    )
    limits = (ibkr.connections_per_hour, ibkr.connections_per_day) if ibkr else ()
    yield gauge(
        "v6_tws_connections_limit",
        "So many are allowed; beyond, connections are refused.",
        ("span",),
        [((span,), limit) for span, limit in zip(SPANS, limits, strict=False)],
    )


def _client_ids(paths: Paths, ibkr: Ibkr | None) -> Iterator[Metric]:
    states: list[tuple[tuple[str, ...], float]] = []
    with suppress(occupancy.CannotTell):
        leased, resting = occupancy.client_ids(paths.leases)
        states = [(("leased",), len(leased)), (("quarantined",), len(resting))]
    yield gauge(
        "v6_tws_client_ids", "Client ids in use by V6's runs, and those left alone a while.", ("state",), states
    )
    size = [((), ibkr.last_client_id - ibkr.first_client_id + 1.0)] if ibkr else []
    yield gauge("v6_tws_client_ids_limit", "Client ids in the pool.", (), size)


def _sockets(paths: Paths, ibkr: Ibkr) -> Iterator[Metric]:
    """Nothing is said of what cannot be seen: a TWS on another computer, or behind another kernel."""
    from v6.gateway.port_sockets import port_sockets
    from v6.gateway.sockets import CannotLook

    try:
        seen = port_sockets(ibkr.host, ibkr.port, paths.leases)
    except CannotLook:
        return
    visible = ("client",) if seen.blind else SIDES
    counted = Counter({(side, state): 0 for side in visible for state in WATCHED})
    counted.update((row.side, row.state) for row in seen.rows)
    yield gauge(
        "v6_tws_sockets",
        "Sockets of the API port by end and state; CLOSE_WAIT of tws: clients have gone and TWS has not closed.",
        ("side", "state"),
        [(key, number) for key, number in sorted(counted.items())],
    )
    if not seen.blind:
        yield gauge(
            "v6_tws_listening", "1 while somebody listens on the API port.", (), [((), float(not seen.refuses))]
        )
        yield gauge("v6_tws_accept_queue", "Connections that TWS has not accepted yet.", (), [((), seen.queued)])
