"""What a slot should have collected against what the ledger says it did. Pure: everything known is passed in.

The expected slots come from calendar and schedule, never from what happens to be in the ledger (L10).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

RUNNING_TIME = timedelta(minutes=5)  # a slot without a ledger row may still be on its way for this long
HOST_ALIVE_SPAN = timedelta(minutes=20)  # health_check leaves a trace every 15 minutes on a live host


class Verdict(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    RUNNING = "running"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's row of a slot; `reasons` counts its misses. Contracts, not rows."""

    expected: int
    complete: int
    partial: int
    missing: int
    closed: bool
    reasons: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class SlotState:
    """One slot as `v6 slots` shows it. `expected` is None where nothing tells how many contracts there were."""

    task: str
    slot: datetime
    verdict: Verdict
    expected: int | None
    complete: int
    partial: int
    missing: int | None
    reasons: Mapping[str, int]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known about slots besides the ledger: the words come from the gate's log and the journal.

    `of_slot`: why a slot did not collect (task, slot) -> reason; `instants`: when this host did anything at all;
    `begun`: since when V6 runs here, None where that is not asked.
    """

    of_slot: Mapping[tuple[str, datetime], str]
    instants: tuple[datetime, ...] = ()
    begun: datetime | None = None


def judge(
    slots: Iterable[tuple[str, datetime]],
    ledger: Mapping[tuple[str, datetime], Entry],
    traces: Traces,
    now: datetime,
    allowed: Mapping[str, timedelta] = MappingProxyType({}),
) -> list[SlotState]:
    """The state of every expected slot and of every slot the ledger knows besides, by instant and task.

    `allowed`: how long after its slot a run of the task may be at work, where that is longer than RUNNING_TIME.
    """
    wanted = sorted(set(slots) | set(ledger), key=lambda key: (key[1], key[0]))
    return [_state(key, ledger.get(key), ledger, traces, now, allowed) for key in wanted]


def _state(
    key: tuple[str, datetime],
    entry: Entry | None,
    ledger: Mapping[tuple[str, datetime], Entry],
    traces: Traces,
    now: datetime,
    allowed: Mapping[str, timedelta],
) -> SlotState:
    task, slot = key
    if entry is not None:
        return _entered(task, slot, entry, traces, now, max(RUNNING_TIME, allowed.get(task, RUNNING_TIME)))
    expected = _nearest_expectation(key, ledger)
    if slot > now:
        return SlotState(task, slot, Verdict.NOT_YET, expected, 0, 0, 0, {})
    reason = traces.of_slot.get(key)
    if reason is None and now - slot < RUNNING_TIME:
        return SlotState(task, slot, Verdict.RUNNING, expected, 0, 0, 0, {})
    reason = reason or _unexplained(slot, traces)
    return SlotState(task, slot, Verdict.MISSING, expected, 0, 0, expected, {reason: expected or 1})


def _entered(
    task: str, slot: datetime, entry: Entry, traces: Traces, now: datetime, running_time: timedelta
) -> SlotState:
    if entry.closed:
        verdict = _verdict(entry)
        return SlotState(
            task, slot, verdict, entry.expected, entry.complete, entry.partial, entry.missing, entry.reasons, entry.note
        )
    reason = traces.of_slot.get((task, slot))
    if reason is None and now - slot < running_time:
        return SlotState(task, slot, Verdict.RUNNING, entry.expected, 0, 0, 0, {}, entry.note)
    unexplained = {reason or "killed": entry.expected}
    return SlotState(task, slot, Verdict.MISSING, entry.expected, 0, 0, entry.expected, unexplained, entry.note)


def _verdict(entry: Entry) -> Verdict:
    if entry.expected and entry.complete >= entry.expected:
        return Verdict.COMPLETE
    return Verdict.PARTIAL if entry.complete or entry.partial else Verdict.MISSING


def _nearest_expectation(key: tuple[str, datetime], ledger: Mapping[tuple[str, datetime], Entry]) -> int | None:
    task, slot = key
    known = [(abs(other - slot), entry.expected) for (name, other), entry in ledger.items() if name == task]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def _unexplained(slot: datetime, traces: Traces) -> str:
    if traces.begun is not None and slot < traces.begun:
        return "before_first_run"
    alive = any(abs(instant - slot) <= HOST_ALIVE_SPAN for instant in traces.instants)
    return "not_run" if alive else "host_down"


def total_reasons(states: Iterable[SlotState]) -> Counter[str]:
    """Missed contracts (partial ones too) by reason."""
    counted: Counter[str] = Counter()
    for state in states:
        counted.update(state.reasons)
    return counted
