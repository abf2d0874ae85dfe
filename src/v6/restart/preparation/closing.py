"""Close the positions that `restart.close_positions` names and no others: a market order each, for the whole quantity.

The journal has the row of an order before it leaves, so that a run after a killed one knows what was sent: an order
that TWS has is awaited, one that it never got is placed anew, and no position is closed twice (L35).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from v6.gateway.errors import GatewayError, RequestError
from v6.journal import restarts
from v6.journal.restarts import OrderStep
from v6.model import Contract, OpenOrder, Position

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

FILL_SECONDS = 20.0
CANCEL_SECONDS = 10.0
FILLED = "filled"
ENDS = {
    "cancelled": "taken_back",
    "filled": FILLED,
    "unknown": "unknown",
    "refused": "unconfirmed",
    "unconfirmed": "unconfirmed",
}
"""What the cancel of a closing order makes of it."""


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

    def steps(self) -> list[OrderStep]:
        return [step for step in restarts.order_steps(self._db, self._restart) if step.deed == "close"]

    async def close(self, names: Sequence[str], seconds: float = FILL_SECONDS) -> list[OrderStep]:
        """Close what is held and named, all at once; the rows, each filled or its order taken back."""
        await self._after_a_killed_run()
        wanted = named(await self._gateway.positions_async(), names)
        contracts = await self._contracts([position.contract for position in wanted])
        ids = await asyncio.gather(
            *(self._close(position, contracts[position.contract.con_id], seconds) for position in wanted)
        )
        return [step for step in self.steps() if step.order_id in ids]

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
            self._settle(order_id, "not_sent", f"its contract is not known: {contract}")
            return order_id
        self._reach("close_intended")
        try:
            order = await gateway.place_market_order_async(
                contract, action, quantity, position.account, order_id, seconds, f"v6 restart {self._restart}"
            )
            self._reach("close_sent")
            await self._ended(order_id, order)
        except GatewayError as error:
            self._settle(order_id, "refused" if isinstance(error, RequestError) else "unconfirmed", str(error))
        return order_id

    async def _ended(self, order_id: int, order: OpenOrder) -> None:
        """Filled, or taken back: an order that waits for the open would close the position at some other time."""
        if order.status == "Filled":
            self._settle(order_id, FILLED, f"{order.filled:g} filled")
            return
        withdrawn = (await self._gateway.cancel_orders_async([order_id], CANCEL_SECONDS))[order_id]
        part = f"{order.filled:g} of {order.quantity:g} filled, " if order.filled else ""
        told = f"{part}TWS said {order.status} (is the market closed?), its order was taken back: {withdrawn.detail}"
        self._settle(order_id, ENDS[withdrawn.outcome], told)

    async def _after_a_killed_run(self) -> None:
        """Take back what a killed run sent and TWS still works on: the positions read after that are the truth."""
        unsettled = [step.order_id for step in self.steps() if step.outcome in ("sent", "unconfirmed")]
        if not unsettled:
            return
        working = {order.order_id for order in await self._gateway.own_open_orders_async()}
        for order_id in unsettled:
            if order_id not in working:
                self._settle(order_id, "unknown", "sent by a killed run; TWS works on it no more, see the positions")
        left = [order_id for order_id in unsettled if order_id in working]
        outcomes = await self._gateway.cancel_orders_async(left, CANCEL_SECONDS) if left else {}
        for order_id, withdrawn in outcomes.items():
            self._settle(order_id, ENDS[withdrawn.outcome], f"sent by a killed run, taken back: {withdrawn.detail}")

    def _settle(self, order_id: int, outcome: str, detail: str) -> None:
        restarts.settle(self._db, self._restart, 0, self._gateway.client_id, order_id, outcome, detail)
