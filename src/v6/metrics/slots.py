"""Completeness: the latest slot of each collector, and what became of the contracts of all of them."""

import sqlite3
from collections.abc import Iterator

from prometheus_client.core import Metric

from v6.journal import slot_tallies
from v6.metrics.families import counter, gauge

TASK, OF_MISS = ("task",), ("task", "status", "reason")


def collect(db: sqlite3.Connection) -> Iterator[Metric]:
    latest = slot_tallies.latest(db)
    yield gauge(
        "v6_slot_last_timestamp_seconds",
        "The latest slot of a collector that was accounted for.",
        TASK,
        [((one.task,), one.slot.timestamp()) for one in latest],
    )
    yield gauge(
        "v6_slot_completeness_ratio",
        "Complete contracts over expected ones, in that slot.",
        TASK,
        [((one.task,), one.complete / one.expected) for one in latest if one.expected],
    )
    yield gauge(
        "v6_slot_contracts",
        "Contracts of that slot, by what became of them.",
        ("task", "status"),
        [
            ((one.task, status), getattr(one, status))
            for one in latest
            for status in ("expected", "complete", "partial", "missing")
        ],
    )
    yield gauge(
        "v6_slot_misses",
        "Contracts of that slot that are not complete, by reason.",
        OF_MISS,
        [((one.task, *why), number) for one in latest for why, number in one.reasons.items()],
    )
    yield counter(
        "v6_contracts",
        "Contracts of all slots that are two hours old, by what became of them and why.",
        OF_MISS,
        [((task, status, reason), number) for task, status, reason, number in slot_tallies.totals(db)],
    )
