"""One collects a slot, the market session or a run of the task: whoever holds the slot's claim.

    with covering.claimed_slot(ctx) as slot:
        ...collect it

A run that finds its slot claimed waits. When the claim falls it either has nothing left to do, because the session
committed the slot, or collects it itself: what the lake has of the slot already is not collected again. A holder that
dies gives the claim up at once, so that no slot waits for a process that is gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from v6 import clock
from v6.collection.slot_book import SLOT_HELD
from v6.file_locks import is_held
from v6.journal import runs, session_cycles
from v6.journal.connections import SESSION_LOCK
from v6.model import RecoverableError, SkipRun
from v6.runner.context import Context
from v6.runner.slot_claims import SlotClaims

LOOK_EVERY_SECONDS = 0.1
CLOSING = 10.0
"""Seconds of the attempt that waiting leaves for its own end."""


class SlotHeldError(RecoverableError):
    """Somebody else was still at work on the slot when the attempt's time was over."""

    reason = SLOT_HELD


@contextmanager
def claimed_slot(ctx: Context, *, claim: bool = True) -> Iterator[datetime]:
    """The run's slot, claimed inside. `claim` False, and a dry run: the slot as it is, for what cannot be in the way.

    Raises SkipRun(covered_by_session) when the session has committed the slot of a scheduled run, and SlotHeldError. By
    hand the slot moves on while waiting, and what a committed one lacks may still be collected.
    """
    if ctx.claimed or ctx.dry_run or not claim:
        yield ctx.slot_or_now()
        return
    with SlotClaims(ctx.paths.locks, ctx.task) as claims:
        slot = _claim(ctx, claims)
        cycle = session_cycles.of_slot(ctx.journal, ctx.task, slot)
        if ctx.slot is not None and cycle is not None and cycle.outcome == session_cycles.SUCCESS:
            raise SkipRun(runs.COVERED, session_cycles.in_words(cycle))
        yield slot


def _claim(ctx: Context, claims: SlotClaims) -> datetime:
    said = False
    while not claims.take(slot := ctx.slot_or_now()):
        if ctx.remaining() <= CLOSING:
            raise SlotHeldError(f"{_holder(ctx, slot)} is still at work on slot {slot:%H:%M}, and the time is over")
        if not said:
            ctx.log.info("slot {:%H:%M} is claimed: waiting", slot)
            said = True
        clock.sleep(LOOK_EVERY_SECONDS)
    return slot


def _holder(ctx: Context, slot: datetime) -> str:
    """As far as the journal and the session's own lock tell: a claim has no name."""
    try:
        session = is_held(ctx.paths.locks / SESSION_LOCK)
    except OSError:
        return "whoever holds its claim"
    if not session:
        return f"another run of {ctx.task}"
    cycle = session_cycles.of_slot(ctx.journal, ctx.task, slot)
    if cycle is None or cycle.ended_at is not None:
        return f"the market session, which has not begun it, or another run of {ctx.task}"
    return f"the market session (pid {cycle.pid}, since {cycle.started_at:%H:%M:%S})"
