"""Runs by task: how they ended, how long they took, what was skipped and missed, and what people were told."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import Metric

from v6.journal import gate_counts, tallies
from v6.journal.tallies import RunTally
from v6.journal.timestamps import instant
from v6.metrics.families import counter, gauge

TASK, OF_END = ("task",), ("task", "outcome")


def collect(db: sqlite3.Connection) -> Iterator[Metric]:
    ended = tallies.runs(db)
    attempts = [one for one in ended if one.outcome != "skip"]
    yield counter(
        "v6_task_runs", "Attempts of a task that ended, skips included, by outcome.", OF_END, _sums(ended, "runs")
    )
    yield counter(
        "v6_task_retries", "Later attempts than the first of a run, by outcome.", OF_END, _sums(attempts, "retries")
    )
    yield counter(
        "v6_task_duration_seconds",
        "Seconds that attempts took; over their number the average.",
        OF_END,
        _sums(attempts, "wall_seconds"),
    )
    yield counter(
        "v6_task_cpu_seconds",
        "CPU seconds of attempts and of what they waited for.",
        OF_END,
        _sums(attempts, "cpu_seconds"),
    )
    done = {task: at.timestamp() for task, at in tallies.last_successes(db).items()}
    yield from _last(attempts, done)
    yield gauge(
        "v6_task_last_success_timestamp_seconds",
        "When the last successful attempt of a task ended, or the market session had its slot.",
        TASK,
        [((task,), at) for task, at in done.items()],
    )
    turned_away = [((task, reason, "gate"), skips) for task, reason, skips in gate_counts.totals(db)]
    skipped = [((one.task, one.reason, "run"), one.runs) for one in ended if one.outcome == "skip"]
    yield counter(
        "v6_task_skips",
        "Slots that were not run, by reason; by the gate, which needs no process for it, or by the run itself.",
        ("task", "reason", "by"),
        turned_away + skipped,
    )
    yield counter(
        "v6_missed_slots",
        "Slots that were due and of which there is no trace, by cause.",
        ("task", "cause"),
        [((task, cause), rows) for task, cause, rows in tallies.rows_of(db, "missed_slots")],
    )
    yield from _told(db)


def _last(attempts: list[RunTally], done: dict[str, float]) -> Iterator[Metric]:
    """Of the latest attempt of each task, whatever became of it. `done`: when each task last was."""
    latest = {one.task: one for one in sorted(attempts, key=lambda one: one.last_ended_at)}
    failed = {task: (_epoch(one.last_ended_at) or 0.0) > done.get(task, 0.0) for task, one in latest.items()}
    for name, words, values in (
        (
            "v6_task_last_end_timestamp_seconds",
            "When the latest attempt of a task ended.",
            {task: _epoch(one.last_ended_at) for task, one in latest.items()},
        ),
        (
            "v6_task_last_duration_seconds",
            "How long the latest attempt of a task took.",
            {task: one.last_wall_seconds for task, one in latest.items()},
        ),
        (
            "v6_task_last_peak_memory_bytes",
            "The largest resident set of one process of the latest attempt of a task.",
            {task: one.last_peak_memory_mb and one.last_peak_memory_mb * 1e6 for task, one in latest.items()},
        ),
        (
            "v6_task_last_failed",
            "1: the latest attempt of a task did not succeed, nor has the market session had a slot of it since.",
            {task: float(failed[task] and one.outcome != "success") for task, one in latest.items()},
        ),
    ):
        yield gauge(name, words, TASK, [((task,), value) for task, value in values.items() if value is not None])


def _told(db: sqlite3.Connection) -> Iterator[Metric]:
    yield counter(
        "v6_alerts",
        "Alerts raised, by severity.",
        ("severity",),
        [((severity,), rows) for severity, _, rows in tallies.rows_of(db, "alerts")],
    )
    yield counter(
        "v6_deliveries",
        "Messages and pings that left, or did not.",
        ("channel", "result"),
        [((channel, result), rows) for channel, result, rows in tallies.rows_of(db, "deliveries")],
    )
    yield gauge("v6_alerts_waiting", "Alerts that nobody has received.", (), [((), tallies.alerts_waiting(db))])


def _sums(ended: list[RunTally], field: str) -> list[tuple[tuple[str, str], float]]:
    """By task and outcome, over the reasons of skips."""
    found: dict[tuple[str, str], float] = {}
    for one in ended:
        found[one.task, one.outcome] = found.get((one.task, one.outcome), 0.0) + getattr(one, field)
    return list(found.items())


def _epoch(text: str) -> float | None:
    moment: datetime | None = instant(text) if text else None
    return moment.timestamp() if moment else None
