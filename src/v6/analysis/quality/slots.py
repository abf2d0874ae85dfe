"""Slots and contracts that were never collected, by reason, from the slot ledger (L10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, listed, unable
from v6.analysis.slot_states import SlotState, Verdict

LEDGER = "slot_ledger"
NOBODY_TELLS = "neither schedule nor ledger could be read"


def missing_slots(given: Given) -> Outcome:
    """checked: slots that calendar and schedule expected; failed: those of which nothing was collected."""
    over = _over(given)
    if not over:
        return unable(NOBODY_TELLS if given.states is None else "no slot of a collector was expected")
    lost = [state for state in over if state.verdict is Verdict.MISSING]
    rows = [
        {
            "table": LEDGER,
            "slot": state.slot.astimezone(UTC),
            "value": state.missing,
            "limit": 0.0,
            "rows": state.missing or 0,
            "message": f"{state.task} {state.slot:%H:%M} was not collected: {_words(state.reasons)}",
        }
        for state in lost
    ]
    return Outcome(len(over), len(lost), listed(rows))


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
