"""Close the positions that `restart.close_positions` names and no others: a market order each, for the whole quantity.

The journal has the row of an order before it leaves, so that a later run knows what was sent. No position is closed
twice (L35): while TWS lists an order of ours on it, of whatever run or restart, nothing is placed. An order whose end
is not known is said to be unknown, and a person is told.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from v6.gateway.errors import GatewayError, RequestError
from v6.gateway.order_rows import BEING_CANCELLED
from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import Contract, OpenOrder, Position

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

REFERENCE = "v6 restart"  # with the restart's number: the order reference of a closing order, seen in TWS too
FILL_SECONDS = 20.0
CANCEL_SECONDS = 10.0
FILLED, SENT, UNCONFIRMED, NOT_SENT = "filled", "sent", "unconfirmed", "not_sent"
ENDS = {
    "cancelled": ("taken_back", "it was taken back"),
    "filled": (FILLED, "it filled while it was taken back"),
    "unknown": ("unknown", "TWS knows it no more, see the positions"),
    "refused": (UNCONFIRMED, "TWS refused to take it back: IT MAY STILL FILL"),
    "unconfirmed": (UNCONFIRMED, "it is NOT known whether it was taken back: IT MAY STILL FILL"),
}
"""What the cancel of a closing order makes of it, and in words."""


def named(positions: Iterable[Position], names: Sequence[str]) -> list[Position]:
    """The positions whose symbol, local symbol or con_id is named."""
    wanted = set(names)
    return [
        position
        for position in positions
        if position.quantity and wanted & {position.contract.symbol, _local(position.contract), _id(position.contract)}
    ]


def unknown(positions: Iterable[Position], names: Sequence[str]) -> list[str]:
    """Names that fit no position."""
    held = {word for p in positions for word in (p.contract.symbol, _local(p.contract), _id(p.contract))}
    return [name for name in names if name not in held]


def _local(contract: Contract) -> str:
    return contract.local_symbol or contract.symbol


def _id(contract: Contract) -> str:
    return str(contract.con_id)


class Closings:
    """The closing orders of one restart, placed by `gateway` (its client id owns them)."""

    def __init__(
        self, db: sqlite3.Connection, restart_id: int, gateway: "Gateway", reach: Callable[[str], None]
    ) -> None:
        self._db = db
        self._restart = restart_id
        self._gateway = gateway
        self._reach = reach
        self.blocked: list[str] = []
        """Positions for which nothing was placed, because an order of ours works on them."""

    def steps(self) -> list[OrderStep]:
        return [step for step in restarts.order_steps(self._db, self._restart) if step.deed == "close"]

    async def close(self, names: Sequence[str], seconds: float = FILL_SECONDS) -> list[OrderStep]:
        """Close what is held and named, all at once; the rows of what was placed now."""
        working = await self._of_earlier_runs()
        wanted = self._unblocked(named(await self._gateway.positions_async(), names), working)
        contracts = await self._contracts([position.contract for position in wanted])
        ids = await asyncio.gather(
            *(self._close(position, contracts[position.contract.con_id], seconds) for position in wanted)
        )
        if any(step.outcome != FILLED for step in self.steps() if step.order_id in ids):
            await self._still_listed()
        return [step for step in self.steps() if step.order_id in ids]

    def _unblocked(self, wanted: Iterable[Position], working: Iterable[OpenOrder]) -> list[Position]:
        """Positions on which no order of ours works."""
        on = {(order.account, order.contract.con_id): order for order in working}
        free = []
        for position in wanted:
            order = on.get((position.account, position.contract.con_id))
            if order is None:
                free.append(position)
            else:
                self.blocked.append(f"{position.contract} is not closed (again): V6's own {order} still works on it")
        return free

    async def _contracts(self, contracts: Sequence[Contract]) -> dict[int, Contract | GatewayError]:
        """con_id -> the contract with its exchange, which a position does not tell."""
        answers = await self._gateway.contract_details_many_async(contracts)
        return {
            contract.con_id: answer if isinstance(answer, GatewayError) else answer[0].contract
            for contract, answer in zip(contracts, answers, strict=True)
        }

    async def _close(self, position: Position, contract: Contract | GatewayError, seconds: float) -> int:
        """The id of its order."""
        gateway = self._gateway
        # never at or below an id that was ever used: TWS may have gone back to burnt ones
        order_id = gateway.next_order_id(restarts.high_waters(self._db).get(gateway.client_id, 0) + 1)
        action: Literal["BUY", "SELL"] = "SELL" if position.quantity > 0 else "BUY"
        quantity = abs(position.quantity)
        words = f"close {position.account}: {action} {quantity:g} {position.contract} MKT (client {gateway.client_id})"
        restarts.raise_high_water(self._db, gateway.client_id, order_id)
        restarts.intend(self._db, self._restart, 0, gateway.client_id, order_id, words, "close")
        if isinstance(contract, GatewayError):
            self._settle(order_id, NOT_SENT, f"its contract is not known: {contract}")
            return order_id
        self._reach("close_intended")
        try:
            order = await gateway.place_market_order_async(
                contract, action, quantity, position.account, order_id, seconds, f"{REFERENCE} {self._restart}"
            )
            self._reach("close_sent")
            await self._ended(order_id, order)
        except GatewayError as error:
            self._settle(order_id, "refused" if isinstance(error, RequestError) else UNCONFIRMED, str(error))
        return order_id

    async def _ended(self, order_id: int, order: OpenOrder) -> None:
        """Filled, or taken back: an order that waits for the open would close the position at some other time."""
        if order.status == "Filled":
            self._settle(order_id, FILLED, f"{order.filled:g} filled")
            return
        withdrawn = (await self._gateway.cancel_orders_async([order_id], CANCEL_SECONDS))[order_id]
        part = f"{order.filled:g} of {order.quantity:g} filled, " if order.filled else ""
        outcome, meaning = ENDS[withdrawn.outcome]
        told = f"{part}TWS said {order.status} (is the market closed?); {meaning} ({withdrawn.detail})"
        self._settle(order_id, outcome, told)

    async def _of_earlier_runs(self) -> list[OpenOrder]:
        """Take back what an earlier run or restart has left at work; what TWS lists as ours after that. The positions
        read later are the truth about what has filled."""
        listed = await self._still_listed()
        mine = [order for order in listed if is_closing(order) and order.client_id == self._gateway.client_id]
        if mine:
            ids = [order.order_id for order in mine]
            under_way = [order.order_id for order in mine if order.status == BEING_CANCELLED]
            withdrawn = await self._gateway.cancel_orders_async(ids, CANCEL_SECONDS, already_sent=under_way)
            for step in in_doubt(self._db):
                if step.client_id == self._gateway.client_id and step.order_id in withdrawn:
                    outcome, meaning = ENDS[withdrawn[step.order_id].outcome]
                    self._settle_step(
                        step, outcome, f"of an earlier run; {meaning} ({withdrawn[step.order_id].detail})"
                    )
            listed = await self._still_listed()
        numbers = {(order.client_id, order.order_id) for order in listed}
        for step in in_doubt(self._db):
            if (step.client_id, step.order_id) not in numbers:
                self._settle_step(step, "unknown", "of an earlier run; TWS works on it no more, see the positions")
        return listed

    async def _still_listed(self) -> list[OpenOrder]:
        """Our open orders, under whatever client id. A closing order that TWS lists is not over, whatever it answered
        to its cancel."""
        ours = self._gateway.client_id
        listed = [o for o in await self._gateway.open_orders_async() if o.client_id == ours or is_closing(o)]
        now = {(order.client_id, order.order_id): order for order in listed}
        for step in restarts.closings(self._db):
            order = now.get((step.client_id, step.order_id))
            if order is not None and step.outcome not in (SENT, UNCONFIRMED):
                told = f"TWS still lists it as {order.status}: IT MAY STILL FILL ({step.detail})"
                self._settle_step(step, UNCONFIRMED, told)
        return listed

    def _settle(self, order_id: int, outcome: str, detail: str) -> None:
        restarts.settle(self._db, self._restart, 0, self._gateway.client_id, order_id, outcome, detail)

    def _settle_step(self, step: OrderStep, outcome: str, detail: str) -> None:
        restarts.settle(self._db, step.restart, step.perm_id, step.client_id, step.order_id, outcome, detail)


def is_closing(order: OpenOrder) -> bool:
    """Whether V6 placed it to close a position."""
    return order.order_ref.startswith(REFERENCE)


def in_doubt(db: sqlite3.Connection) -> list[OrderStep]:
    """Closing orders that may still fill, of whatever restart."""
    return [step for step in restarts.closings(db) if step.outcome in (SENT, UNCONFIRMED)]
