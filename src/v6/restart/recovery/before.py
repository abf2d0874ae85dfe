"""What there was before a restart, as far as it may be compared with, and what became of the orders V6 touched then."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import Contract
from v6.restart.records.document import Flaw
from v6.restart.records.order_outcomes import CANCELLED, afterwards
from v6.restart.records.state_file import StateRefused, TradingStateManager
from v6.restart.records.trading_state import Part, TradingState


@dataclass(frozen=True, slots=True)
class Before:
    """`state`: what there is to compare with. `refused`: why the saved one may not be believed as it stands. `old`: it
    is compared all the same, and is so long out of date: what it says was true then."""

    state: TradingState | None = None
    refused: StateRefused | None = None
    old: timedelta | None = None

    def subscriptions(self, today: date) -> tuple[Contract, ...]:
        """Of an old state without what has expired meanwhile."""
        saved = self.state.subscriptions if self.state is not None else ()
        if self.old is None:
            return saved
        return tuple(one for one in saved if one.expiry is None or one.expiry >= today)


def load(states: TradingStateManager, db: sqlite3.Connection, restart_id: int, now: datetime) -> Before:
    """One that is too old is compared as long as it is of this restart, or of one after which nobody has compared: an
    order that was lost in that night is lost in the morning too. Every other flaw means that it cannot be believed."""
    try:
        return Before(states.load(now))
    except StateRefused as refused:
        if refused.flaw is Flaw.TOO_OLD and _is_unsettled(state := states.read(), db, restart_id):
            return Before(state, refused, state.age(now))
        return Before(None, refused)


def _is_unsettled(state: TradingState, db: sqlite3.Connection, restart_id: int) -> bool:
    if state.restart_id == restart_id:
        return True
    of_state = (row for row in restarts.latest(db, 100) if row.id == state.restart_id)
    return any(row.validated_at is None for row in of_state)


def steps(db: sqlite3.Connection, restart_id: int, before: TradingState | None) -> list[OrderStep]:
    """What was done to orders, by this restart and by the one that the state is of."""
    ids = {restart_id} | ({before.restart_id} if before is not None and before.restart_id is not None else set())
    return [step for each in sorted(ids) for step in restarts.order_steps(db, each)]


def settle(db: sqlite3.Connection, restart_id: int, before: TradingState | None, after: TradingState) -> list[str]:
    """What TWS's lists make of cancels whose end pre_restart, or a killed run of it, could not see; and one that counts
    as done is not while TWS lists the order. The changes, in words."""
    if after.why_not(Part.ORDERS) is not None:
        return []
    completed = after.completed if after.why_not(Part.COMPLETED) is None else None
    changes = afterwards(steps(db, restart_id, before), after.orders, completed)
    for step, outcome, detail in changes:
        restarts.settle(db, step.restart, step.perm_id, step.client_id, step.order_id, outcome, detail)
    mine = [step for step in restarts.order_steps(db, restart_id) if step.deed == "cancel"]
    restarts.note(db, restart_id, orders_cancelled=sum(step.outcome == CANCELLED for step in mine))
    return [f"{step.words}: {step.outcome} -> {outcome}, {detail}" for step, outcome, detail in changes]
