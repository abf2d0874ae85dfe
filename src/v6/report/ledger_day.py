"""What the ledger says of a day: from the journal, or from its export in the lake where the journal has let it go."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.slot_states import Entry, SlotState, Traces, judge
from v6.journal import evidence, ledger
from v6.model import V6Error
from v6.report.completeness import Grid, Key, grid

if TYPE_CHECKING:
    import polars as pl

    from v6.paths import Paths
    from v6.store.lake import Lake

Day = tuple[str, list[SlotState], Grid]
"""Where it is from, every slot of the day, the slots by symbol."""
OPTIONS, FUTURES = "option_snapshots", "futures_snapshots"
JOURNAL, EXPORT = "journal", "lake: slot_ledger"


def bounds(day: date) -> tuple[datetime, datetime]:
    """The New York day as instants: its midnight and the next."""
    start = datetime(day.year, day.month, day.day, tzinfo=clock.NEW_YORK)
    following = day + timedelta(days=1)
    return start, datetime(following.year, following.month, following.day, tzinfo=clock.NEW_YORK)


def read(
    paths: Paths, environ: Mapping[str, str], lake: Lake, day: date, futures: Sequence[str], db: sqlite3.Connection
) -> Day:
    """`futures`: the symbols that are collected."""
    start, end = bounds(day)
    gone = not ledger.slots_of(db, None, start, end)
    if gone and len(exported := lake.read("slot_ledger", trade_date=day)):
        known = _entries(exported)
        states = judge(known, known, Traces({}), clock.now())
        return EXPORT, states, grid(states, {}, {})
    states = evidence.slot_states(paths, environ, start, end, clock.now())
    expected = _expected(states, _versions(db, states), _universes(lake, day), futures)
    misses = {(state.task, state.slot): ledger.misses(db, state.task, state.slot) for state in states}
    return JOURNAL, states, grid(states, expected, misses)


def _versions(db: sqlite3.Connection, states: Sequence[SlotState]) -> dict[Key, int | None]:
    lines = {(state.task, state.slot): ledger.slot_of(db, state.task, state.slot) for state in states}
    return {key: line.universe_version if line else None for key, line in lines.items()}


def _universes(lake: Lake, day: date) -> dict[int, Counter[str]]:
    """Version -> contracts collected by symbol; none where the table cannot be read, which the page's sources say."""
    columns = ["version", "symbol", "collected"]
    counts: dict[int, Counter[str]] = {}
    try:
        rows = lake.read("option_contracts", trade_date=day, columns=columns)
    except V6Error:
        return {}
    for version, symbol, collected in rows.iter_rows():
        counts.setdefault(version, Counter())[symbol] += int(collected)
    return counts


def _expected(
    states: Sequence[SlotState],
    versions: Mapping[Key, int | None],
    universes: Mapping[int, Mapping[str, int]],
    futures: Sequence[str],
) -> dict[Key, Mapping[str, int]]:
    """By symbol, for the slots of which it can be said. One that was never opened expected what its neighbour did."""
    by_size = {sum(counts.values()): counts for _, counts in sorted(universes.items())}
    found: dict[Key, Mapping[str, int]] = {}
    for state in states:
        key = (state.task, state.slot)
        version = versions[key]
        if version is not None and version in universes:
            found[key] = universes[version]
        elif state.expected == len(futures) and "futures" in state.task:
            found[key] = dict.fromkeys(futures, 1)
        elif state.expected in by_size:
            found[key] = by_size[state.expected]
    return found


def _entries(exported: pl.DataFrame) -> dict[Key, Entry]:
    """The export's rows, one a (slot, status, reason), as the ledger's lines."""
    lines: dict[Key, list[tuple[str, str, int, int]]] = {}
    columns = ("task", "slot", "status", "reason", "contracts", "expected")
    for task, slot, *rest in exported.select(columns).iter_rows():
        lines.setdefault((task, slot.astimezone(clock.NEW_YORK)), []).append(tuple(rest))
    found = {}
    for key, parts in lines.items():
        by_status: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for status, reason, contracts, _ in parts:
            by_status[status] += contracts
            if status != "complete":
                reasons[reason] += contracts
        expected = parts[0][3]
        figures = (by_status["complete"], by_status["partial"], by_status["missing"])
        found[key] = Entry(expected, *figures, closed=True, reasons=dict(reasons))
    return found
