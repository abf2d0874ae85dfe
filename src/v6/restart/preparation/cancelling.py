"""Cancel open orders, each confirmed or reported, none of them twice, whoever is killed when.

The journal has the row of an order before its cancel leaves. An order whose row says that a cancel was sent, one that
is being cancelled anyway, and one that goes with another (a bracket's child, the rest of an OCA group) are first only
awaited; what TWS still calls working after that has never heard of a cancel, and gets its own.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from v6 import clock
from v6.gateway.errors import GatewayError
from v6.gateway.order_rows import BEING_CANCELLED, CANCELLED
from v6.journal import restarts
from v6.journal.database import transaction
from v6.journal.restarts import OrderStep
from v6.model import OpenOrder
from v6.restart.preparation.cancel_policy import leaders
from v6.restart.preparation.owners import Owners
from v6.restart.records.order_outcomes import (
    DONE,
    NOT_SENT,
    SENT,
    UNCONFIRMED,
    UNDONE,
    UNREACHABLE,
    ending,
    identity,
)

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

SETTLE_SECONDS = 2.0  # for what is under way already to show
CONFIRM_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.25


class Cancels:
    """The cancels of one restart, by this run and by those killed before it. The journal's rows are right at any
    moment, also when the work is broken off."""

    def __init__(self, db: sqlite3.Connection, restart_id: int, reach: Callable[[str], None]) -> None:
        """`reach` is called with `cancel_intended` and `cancel_sent`."""
        self._db = db
        self._restart = restart_id
        self._reach = reach
        self._keys = {identity(step): step for step in self.steps()}

    def steps(self) -> list[OrderStep]:
        """One row an order that was to be cancelled, by permId."""
        return [step for step in restarts.order_steps(self._db, self._restart) if step.deed == "cancel"]

    def undone(self) -> list[OrderStep]:
        return [step for step in self.steps() if step.outcome in UNDONE]

    async def own(self, owners: Owners, orders: Sequence[OpenOrder], seconds: float = CONFIRM_SECONDS) -> None:
        """Cancel each order as the client that placed it, all clients at once."""
        self._expect(orders)
        clients = sorted({order.client_id for order in orders})
        await asyncio.gather(
            *(self._of_client(owners, [o for o in orders if o.client_id == client], seconds) for client in clients)
        )

    async def everything(
        self, gateway: "Gateway", orders: Sequence[OpenOrder], seconds: float = CONFIRM_SECONDS
    ) -> None:
        """One global cancel, and none when all of it is under way already. What is under way is awaited first: a new
        order beside it must not bring it a second cancel. Orders placed since `orders` were read get their rows, those
        too that came in the last instant before it."""
        self._expect(orders)
        left = await self._under_way_is_over(gateway, [order for order in orders if self._under_way(order)], seconds)
        working = [*left, *(order for order in orders if not self._under_way(order))]
        if not working:
            await self._gone(gateway, orders, seconds / 2)
            return
        listed, over = await asyncio.gather(gateway.open_orders_async(), gateway.completed_orders_async())
        self._expect(listed)
        for order in listed:
            self._intend(order)
        self._reach("cancel_intended")
        await gateway.global_cancel_async()
        self._reach("cancel_sent")
        await self._gone(gateway, [*working, *listed], seconds)
        await self._book_late_ones(gateway, {order.perm_id for order in over})

    async def _under_way_is_over(
        self, gateway: "Gateway", orders: Sequence[OpenOrder], seconds: float
    ) -> list[OpenOrder]:
        """Those that are not: of them TWS has never heard of a cancel, or it does not come to an end."""
        left = await self._gone(gateway, orders, SETTLE_SECONDS) if orders else []
        if any(order.status == BEING_CANCELLED for order in left):
            left = await self._gone(gateway, left, seconds / 2)
        return [order for order in left if order.status != BEING_CANCELLED]

    async def _book_late_ones(self, gateway: "Gateway", over: Collection[int]) -> None:
        """Rows for what the global cancel has taken and nobody had listed; `over`: permIds completed before it. TWS
        tells no client of them."""
        known = {*over, *(step.perm_id for step in self.steps())}
        for order in await gateway.completed_orders_async():
            if order.perm_id not in known and order.status in CANCELLED:
                self._expect([order])
                self._note(order, "cancelled", "placed just before the global cancel")

    async def resolve(self, gateway: "Gateway") -> list[OpenOrder]:
        """Ask TWS once more what became of every order; the orders that are open now. What it lists as open is not
        over, whatever it answered to the cancel."""
        listed, completed = await asyncio.gather(gateway.open_orders_async(), gateway.completed_orders_async())
        working = {identity(order): order for order in listed}
        ends = {order.perm_id: order for order in completed if order.perm_id}
        for step in self.steps():
            order = working.get(identity(step))
            if order is None and step.outcome in (*UNDONE, "unknown"):
                self._note(step, *ending(ends.get(step.perm_id)))
            elif order is not None and step.outcome in DONE:
                said = f"{DONE[step.outcome]}{f', {step.detail}' if step.detail else ''}"
                self._note(step, UNCONFIRMED, f"TWS still lists it as {order.status}; before it said: {said}")
        return listed

    def _expect(self, orders: Iterable[OpenOrder]) -> None:
        """A row for each: whatever happens from now on, it is in the report."""
        with transaction(self._db):
            for order in orders:
                if identity(order) not in self._keys:
                    self._intend(order)
                    self._note(order, NOT_SENT, "there was no time for it")

    def _under_way(self, order: OpenOrder) -> bool:
        """Whether a cancel has left, ours or its owner's."""
        return order.status == BEING_CANCELLED or self._keys[identity(order)].outcome not in (NOT_SENT, UNREACHABLE)

    async def _of_client(self, owners: Owners, orders: Sequence[OpenOrder], seconds: float) -> None:
        try:
            gateway = await owners.gateway(orders[0].client_id)
            await self._in_two_rounds(gateway, {order.order_id: order for order in orders}, seconds)
        except GatewayError as error:
            for order in orders:
                if self._outcome(order) == NOT_SENT:
                    self._note(order, UNREACHABLE, str(error))

    async def _in_two_rounds(self, gateway: "Gateway", orders: Mapping[int, OpenOrder], seconds: float) -> None:
        """What goes by itself is awaited while the rest is cancelled; then what is left gets its cancel."""
        until = clock.monotonic() + seconds
        first = {order.order_id for order in leaders(list(orders.values())) if not self._under_way(order)}
        waits = orders.keys() - first
        await self._round(gateway, orders, waits, SETTLE_SECONDS if waits else seconds)
        left = {number: order for number, order in orders.items() if self._outcome(order) in UNDONE}
        if not left or not waits:
            return
        listed = await gateway.open_orders_async()
        now = {order.order_id: order for order in listed if order.client_id == gateway.client_id}
        unheard = {
            number for number in left if number in waits and number in now and now[number].status != BEING_CANCELLED
        }
        await self._round(gateway, left, left.keys() - unheard, max(until - clock.monotonic(), SETTLE_SECONDS))

    async def _round(
        self, gateway: "Gateway", orders: Mapping[int, OpenOrder], waits: Iterable[int], seconds: float
    ) -> None:
        outcomes = await gateway.cancel_orders_async(
            list(orders), seconds, before=lambda number: self._before(orders[number]), already_sent=set(waits)
        )
        for number, cancellation in outcomes.items():
            never_sent = self._outcome(orders[number]) == NOT_SENT and cancellation.outcome == UNCONFIRMED
            self._note(orders[number], NOT_SENT if never_sent else cancellation.outcome, cancellation.detail)

    def _before(self, order: OpenOrder) -> None:
        self._intend(order)
        self._reach("cancel_intended")
        asyncio.get_running_loop().call_soon(self._reach, "cancel_sent")

    async def _gone(self, gateway: "Gateway", orders: Sequence[OpenOrder], seconds: float) -> list[OpenOrder]:
        """Wait until none of the orders is open any more, and note how each ended; as TWS lists those that are left."""
        until = clock.monotonic() + seconds
        wanted = {identity(order) for order in orders}
        while left := [order for order in await self.resolve(gateway) if identity(order) in wanted]:
            if clock.monotonic() >= until:
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        for order in left:
            if self._outcome(order) == SENT:
                self._note(order, UNCONFIRMED, f"TWS lists it as {order.status}")
        return left

    def _outcome(self, order: OpenOrder) -> str:
        return str(self._keys[identity(order)].outcome)

    def _intend(self, order: OpenOrder) -> None:
        row = self._keys.get(identity(order), order)
        restarts.intend(self._db, self._restart, row.perm_id, row.client_id, row.order_id, str(order))
        step = OrderStep(self._restart, row.perm_id, row.client_id, row.order_id, str(order), None, SENT, "")
        self._keys[identity(order)] = step

    def _note(self, order: OpenOrder | OrderStep, outcome: str, detail: str = "") -> None:
        row = self._keys[identity(order)]
        restarts.settle(self._db, self._restart, row.perm_id, row.client_id, row.order_id, outcome, detail)
        self._keys[identity(order)] = row._replace(outcome=outcome, detail=detail)


def words(step: OrderStep) -> str:
    """`SELL 100 SPY STK LMT 700 DAY (permId 12, client 5, Submitted): its cancel was refused (161: ...)`"""
    told = (UNDONE | DONE).get(step.outcome, step.outcome)
    return f"{step.words}: {told}{f' ({step.detail})' if step.detail else ''}"
