"""What a preparation does to orders and positions: the cancels by policy, the closings by name, and what TWS says
in the end. Nothing is done to an order before the trading state is saved."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from v6.config.settings import Restart as Settings
from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import OpenOrder
from v6.restart.counted import counted
from v6.restart.preparation import closing
from v6.restart.preparation.cancel_policy import Decision, decide, protective
from v6.restart.preparation.cancelling import Cancels
from v6.restart.preparation.closing import Closings
from v6.restart.preparation.graceful_shutdown import NothingToDo, Undone
from v6.restart.preparation.owners import Owners
from v6.restart.preparation.saving import Saving
from v6.restart.records.order_outcomes import identity

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

Tell = Callable[[str, str, Sequence[object], str], None]


class OrderWork:
    """`tell` (severity, title, lines, key) alerts the operator at once. `warnings` are for the report."""

    def __init__(
        self, db: sqlite3.Connection, settings: Settings, restart_id: int, reach: Callable[[str], None], tell: Tell
    ) -> None:
        self.cancels = Cancels(db, restart_id, reach)
        self.warnings: list[str] = []
        self._db = db
        self._settings = settings
        self._restart = restart_id
        self._reach = reach
        self._tell = tell

    def steps(self) -> list[OrderStep]:
        """What was done to each order, by killed runs too; closings among them."""
        return restarts.order_steps(self._db, self._restart)

    async def cancel(self, gateway: "Gateway", owners: Owners | None, saving: Saving, seconds: float) -> str:
        """Raises NothingToDo, Undone; what came of each order is in `steps`."""
        settings = self._settings
        if settings.cancel == "none":
            raise NothingToDo("restart.cancel is none")
        if saving.saved is None:
            raise Undone("no order is cancelled before the trading state is saved")
        if (orders := saving.orders) is None:
            raise Undone("the open orders could not be read: none was cancelled")
        decisions = decide(orders, settings)
        wanted = [decision.order for decision in decisions if not decision.kept]
        self._name_protective_stops(wanted, saving)
        self._name_bound(decisions)
        if settings.cancel == "all":
            await self.cancels.everything(gateway, wanted, seconds)
        elif owners is not None:
            await self.cancels.own(owners, wanted, seconds)
        kept = [f"{decision.order}: {decision.kept}" for decision in decisions if decision.kept]
        return f"{len(wanted)} to cancel{f'; {len(kept)} stay: ' if kept else ''}{'; '.join(kept)}"

    def _name_protective_stops(self, orders: Sequence[OpenOrder], saving: Saving) -> None:
        positions = saving.positions
        if stops := protective(orders, positions):
            unknown = "" if positions is not None else ", as far as is known: the positions could not be read"
            told = f"{len(stops)} protective stops on futures are about to be cancelled{unknown}"
            self._tell("warning", told, stops, f"protective stops {_numbers(stops)}")
            self.warnings += [f"a protective stop was to be cancelled: {stop}" for stop in stops]

    def _name_bound(self, decisions: Sequence[Decision]) -> None:
        """Orders that the policy would cancel, and that stay for the sake of their group."""
        if bound := [decision for decision in decisions if decision.bound]:
            lines = [f"{decision.order}: {decision.kept}" for decision in bound]
            told = f"{len(bound)} orders stay: each is in a group with one that stays"
            self._tell("warning", told, lines, f"kept groups {_numbers(decision.order for decision in bound)}")
            self.warnings += [f"not cancelled: {line}" for line in lines]

    async def close(self, gateway: "Gateway") -> str:
        """Raises NothingToDo; Undone for positions that are still there, and for orders that may still fill."""
        names = self._settings.close_positions
        if not names and not closing.in_doubt(self._db):
            raise NothingToDo("restart.close_positions names none")
        work = Closings(self._db, self._restart, gateway, self._reach)
        placed = await work.close(names)
        rest = {(step.restart, step.order_id): step for step in (*placed, *closing.in_doubt(self._db))}
        unfilled = [_ending(step) for step in rest.values() if step.outcome != closing.FILLED]
        if lines := [*unfilled, *work.blocked]:
            raise Undone("; ".join(lines))
        return "; ".join(f"{step.words}: {step.detail}" for step in placed) or f"none of {', '.join(names)} is held"

    def tell_of_doubts(self) -> None:
        """Alert of closing orders that may still fill, also when the work on them was cut off."""
        if doubts := closing.in_doubt(self._db):
            told = f"{len(doubts)} closing orders of V6 may still fill: look in TWS, cancel them or let them be"
            key = " ".join(f"{step.client_id}/{step.order_id}" for step in doubts)
            self._tell("failure", told, list(map(_ending, doubts)), f"closings in doubt {key}")

    async def verify(self, gateway: "Gateway", saving: Saving) -> str:
        """What TWS itself says at the end, after a round trip (L24). Raises Undone for orders that came meanwhile, and
        for those that were to stay and are gone."""
        await gateway.current_time_async()
        listed = await self.cancels.resolve(gateway)
        await self._name_orders_without_position(gateway, listed, saving)
        known = {identity(step) for step in self.cancels.steps()}
        late = [
            one.order for one in decide(listed, self._settings) if not one.kept and identity(one.order) not in known
        ]
        troubles = {
            "placed meanwhile and not cancelled": late,
            "meant to stay and gone": await self._vanished(gateway, listed, saving.orders or ()),
        }
        if lines := [f"{what}: {'; '.join(map(str, orders))}" for what, orders in troubles.items() if orders]:
            raise Undone("; ".join(lines))
        return f"{counted(len(listed), 'open order')} left"

    async def _vanished(
        self, gateway: "Gateway", listed: Sequence[OpenOrder], before: Sequence[OpenOrder]
    ) -> list[OpenOrder]:
        """Orders that the policy keeps and TWS works no more, other than by a fill. An alert at once: one of them may
        have been a protection."""
        now = {identity(order) for order in listed}
        kept = [one.order for one in decide(before, self._settings) if one.kept and not closing.is_closing(one.order)]
        if not (missing := [order for order in kept if identity(order) not in now]):
            return []
        filled = {order.perm_id for order in await gateway.completed_orders_async() if order.status == "Filled"}
        gone = [order for order in missing if order.perm_id not in filled]
        if gone:
            told = f"orders that were to stay are gone: {len(gone)}"
            self._tell("failure", told, gone, f"gone {_numbers(gone)}")
            self.warnings += [f"it was to stay and is gone: {order}" for order in gone]
        return gone

    async def _name_orders_without_position(
        self, gateway: "Gateway", listed: Sequence[OpenOrder], saving: Saving
    ) -> None:
        """What is still open on a position that was closed opens a new one when it fills: an alert at once."""
        before = saving.saved.positions if saving.saved is not None else saving.positions or ()
        named = closing.named(before, self._settings.close_positions)
        if not named:
            return
        held = {(p.account, p.contract.con_id) for p in await gateway.positions_async() if p.quantity}
        closed = {(p.account, p.contract.con_id) for p in named} - held
        left = [o for o in listed if (o.account, o.contract.con_id) in closed and not closing.is_closing(o)]
        if left:
            told = f"{counted(len(left), 'order')} open on positions that V6 has closed: a fill opens a new position"
            self._tell("failure", told, left, f"without position {_numbers(left)}")
            self.warnings += [f"still open on a closed position: {order}" for order in left]


def _ending(step: OrderStep) -> str:
    return f"{step.words}: {step.outcome}: {step.detail}"


def _numbers(orders: Iterable[OpenOrder]) -> str:
    return " ".join(str(order.perm_id) for order in orders)
