"""What a preparation does to orders and positions: the cancels by policy, the closings by name, and what TWS says
in the end. Nothing is done to an order before the trading state is saved."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from v6.config.settings import Restart as Settings
from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import OpenOrder
from v6.restart.preparation import closing
from v6.restart.preparation.cancel_policy import decide, protective
from v6.restart.preparation.cancelling import Cancels, identity
from v6.restart.preparation.closing import Closings
from v6.restart.preparation.graceful_shutdown import NothingToDo, Undone
from v6.restart.preparation.owners import Owners
from v6.restart.preparation.saving import Saving

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

Warn = Callable[[str, list[OpenOrder]], None]


class OrderWork:
    """`warn` tells the operator of protective stops, before they are cancelled. `warnings` are for the report."""

    def __init__(
        self, db: sqlite3.Connection, settings: Settings, restart_id: int, reach: Callable[[str], None], warn: Warn
    ) -> None:
        self.cancels = Cancels(db, restart_id, reach)
        self.warnings: list[str] = []
        self._db = db
        self._settings = settings
        self._restart = restart_id
        self._reach = reach
        self._warn = warn

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
            self._warn(f"{len(stops)} protective stops on futures are about to be cancelled{unknown}", stops)
            self.warnings += [f"a protective stop was to be cancelled: {stop}" for stop in stops]

    async def close(self, gateway: "Gateway") -> str:
        """Raises Undone for positions that are still there."""
        names = self._settings.close_positions
        steps = await Closings(self._db, self._restart, gateway, self._reach).close(names)
        if unfilled := [step for step in steps if step.outcome != closing.FILLED]:
            raise Undone("; ".join(f"{step.words}: {step.outcome}: {step.detail}" for step in unfilled))
        return "; ".join(f"{step.words}: {step.detail}" for step in steps) or f"none of {', '.join(names)} is held"

    async def verify(self, gateway: "Gateway", saving: Saving) -> str:
        """What TWS itself says at the end, after a round trip (L24). Raises Undone for orders that came meanwhile."""
        await gateway.current_time_async()
        listed = await self.cancels.resolve(gateway)
        known = {identity(step) for step in self.cancels.steps()}
        wanted = [decision.order for decision in decide(listed, self._settings) if not decision.kept]
        held = closing.named(saving.positions or (), self._settings.close_positions)
        closed = {position.contract.con_id for position in held}
        self.warnings += [f"still open on a closed position: {o}" for o in listed if o.contract.con_id in closed]
        if late := [order for order in wanted if identity(order) not in known]:
            raise Undone(f"placed meanwhile and not cancelled: {'; '.join(map(str, late))}")
        return f"{len(listed)} orders are open"
