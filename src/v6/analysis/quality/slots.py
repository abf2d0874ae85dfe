"""Slots and contracts that were never collected, by reason, from the slot ledger (L10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, listed, unable
from v6.analysis.slot_states import SlotState, Verdict, total_reasons

LEDGER = "slot_ledger"
NOBODY_TELLS = "neither schedule nor ledger could be read"


def missing_slots(given: Given) -> Outcome:
    """checked: slots that calendar and schedule expected; failed: those of which nothing was collected.

    Neighbouring slots of a task that were lost for the same reason are one finding, at the first of them: `rows` are
    slots, `value` the contracts they expected. A missing morning is one line a task.
    """
    over = _over(given)
    if not over:
        return unable(NOBODY_TELLS if given.states is None else "no slot of a collector was expected")
    lost = sum(state.verdict is Verdict.MISSING for state in over)
    return Outcome(len(over), lost, listed(_lost(run) for run in _runs(over)))


def _runs(over: Sequence[SlotState]) -> Iterator[list[SlotState]]:
    """Slots of which nothing was collected: those of one task that follow one another, for the same reasons."""
    by_task = sorted(over, key=lambda state: (state.task, state.slot))
    for (_, reasons), run in groupby(by_task, key=lambda state: (state.task, _why_lost(state))):
        if reasons is not None:
            yield list(run)


def _why_lost(state: SlotState) -> frozenset[str] | None:
    """None: something was collected."""
    return frozenset(state.reasons) if state.verdict is Verdict.MISSING else None


def _lost(run: Sequence[SlotState]) -> dict[str, str | int | float | datetime | None]:
    first, last = run[0], run[-1]
    known = [state.missing for state in run if state.missing is not None]
    if len(run) == 1:
        which = f"{first.task} {first.slot:%H:%M} was not collected"
    else:
        which = f"{first.task} {first.slot:%H:%M} to {last.slot:%H:%M}: {len(run)} slots were not collected"
    return {
        "table": LEDGER,
        "slot": first.slot.astimezone(UTC),
        "value": sum(known) if known else None,
        "limit": 0.0,
        "rows": len(run),
        "message": f"{which}: {_words(total_reasons(run))}",
    }


def missing_contracts(given: Given) -> Outcome:
    """checked: contracts that the collected slots expected; failed: those without a quote.

    A finding a slot, severe when more than `max_missing_share` of its contracts are missing. A partial contract has a
    quote: what it lacks is counted by null_share.
    """
    kept = [state for state in _over(given) if state.verdict is not Verdict.MISSING and state.expected]
    if not kept:
        return unable(NOBODY_TELLS if given.states is None else "no slot was collected")
    most = given.limits.max_missing_share
    rows = []
    for state in kept:
        expected, missing = state.expected or 0, state.missing or 0
        if missing or state.partial:
            words = f"{missing} of {expected} missing, {state.partial} partial: {_words(state.reasons)}"
            rows.append(
                {
                    "table": LEDGER,
                    "slot": state.slot.astimezone(UTC),
                    "value": missing / expected,
                    "limit": most,
                    "rows": missing + state.partial,
                    "message": f"{state.task} {state.slot:%H:%M}: {words}",
                    "severe": missing / expected > most,
                }
            )
    return Outcome(sum(state.expected or 0 for state in kept), sum(state.missing or 0 for state in kept), listed(rows))


def _over(given: Given) -> list[SlotState]:
    """The slots whose time has come."""
    return [state for state in given.states or () if state.verdict not in (Verdict.NOT_YET, Verdict.RUNNING)]


def _words(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or "no reason"
