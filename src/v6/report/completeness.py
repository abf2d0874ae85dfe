"""How complete every slot was, symbol by symbol: the ledger's figures laid out as a grid of slots and symbols.

The ledger counts contracts of a slot and lists each miss with its symbol; how many contracts of a symbol were expected
follows from the version of the universe that the slot used. Where that does not add up to what the ledger expected (the
universe is gone, or the export alone is left), the collector has one row for all its symbols: nothing is shared out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from v6.analysis.slot_states import SlotState, Verdict
from v6.journal.ledger import Miss

ALL = "all"
"""The row of a collector whose contracts cannot be told apart by symbol."""

Key = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Cell:
    """One symbol in one slot. `expected` and `missing` are None where nothing tells how many contracts there were."""

    slot: datetime
    verdict: Verdict
    expected: int | None
    complete: int
    partial: int
    missing: int | None
    reasons: Mapping[str, int]
    note: str = ""

    @property
    def share(self) -> float | None:
        """Of the expected contracts those that are complete, 0 to 1; None where the slot is not over."""
        if self.verdict in (Verdict.NOT_YET, Verdict.RUNNING):
            return None
        return self.complete / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class Band:
    """One row of the grid; a cell is None where the collector has no such slot."""

    task: str
    symbol: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    slots: tuple[datetime, ...]
    bands: tuple[Band, ...]


def grid(
    states: Sequence[SlotState],
    expected: Mapping[Key, Mapping[str, int]],
    misses: Mapping[Key, Sequence[Miss]],
) -> Grid:
    """`expected`: contracts by symbol of each slot, as far as known; `misses`: the ledger's of each slot."""
    slots = tuple(sorted({state.slot for state in states}))
    bands: list[Band] = []
    for task in sorted({state.task for state in states}):
        own = [state for state in states if state.task == task]
        rows = _by_symbol(own, expected, misses) or {ALL: {state.slot: _whole(state) for state in own}}
        bands += (Band(task, symbol, tuple(map(cells.get, slots))) for symbol, cells in sorted(rows.items()))
    return Grid(slots, tuple(bands))


def _by_symbol(
    states: Iterable[SlotState], expected: Mapping[Key, Mapping[str, int]], misses: Mapping[Key, Sequence[Miss]]
) -> dict[str, dict[datetime, Cell]]:
    """Symbol -> slot -> its cell; empty when the figures of any slot cannot be told apart by symbol."""
    rows: dict[str, dict[datetime, Cell]] = {}
    for state in states:
        key = (state.task, state.slot)
        counts = expected.get(key, {})
        if sum(counts.values()) != state.expected:
            return {}
        for symbol, count in counts.items():
            own = [miss for miss in misses.get(key, ()) if miss.symbol == symbol]
            rows.setdefault(symbol, {})[state.slot] = _part(state, count, own)
    return rows


def _part(state: SlotState, expected: int, misses: Sequence[Miss]) -> Cell:
    """A symbol's share of a slot. A slot of which nothing was collected has one reason for all of its contracts."""
    if state.verdict is Verdict.MISSING and not misses:
        reasons = dict.fromkeys(state.reasons, expected)
        return Cell(state.slot, state.verdict, expected, 0, 0, expected, reasons, state.note)
    if state.verdict in (Verdict.NOT_YET, Verdict.RUNNING):
        return Cell(state.slot, state.verdict, expected, 0, 0, 0, {}, state.note)
    partial = sum(miss.status == "partial" for miss in misses)
    complete = expected - len(misses)
    verdict = Verdict.COMPLETE if not misses else Verdict.PARTIAL if complete or partial else Verdict.MISSING
    reasons = dict(Counter(miss.reason for miss in misses).most_common())
    return Cell(state.slot, verdict, expected, complete, partial, len(misses) - partial, reasons, state.note)


def _whole(state: SlotState) -> Cell:
    return Cell(
        state.slot,
        state.verdict,
        state.expected,
        state.complete,
        state.partial,
        state.missing,
        state.reasons,
        state.note,
    )
