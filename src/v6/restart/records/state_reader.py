"""Read the trading state from TWS: every part at once, each allowed to fail on its own.

    reader = StateReader(gateway, db, occurrence=occurrence, restart_id=restart.id, subscriptions=universe)
    state = await reader.read(seconds=20)     # or, when time is up before: reader.so_far()

What could not be read is named in `partial`, never taken for empty (L30).
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from v6 import clock
from v6.gateway.errors import GatewayError
from v6.journal import restarts
from v6.journal.database import transaction
from v6.model import Contract, Execution, OpenOrder, ScannerFilter
from v6.restart import registered
from v6.restart.records.trading_state import Part, TradingState, distinct

if TYPE_CHECKING:
    from v6.gateway.client import Gateway
    from v6.restart.windows import Occurrence

READ_SECONDS = 30.0
NO_ID = 2**31 - 1
"""What TWS sends for "no order id" of an order that no API client placed."""


class StateReader:
    """One reading over one open gateway; `so_far` may be asked at any moment."""

    def __init__(
        self,
        gateway: "Gateway",
        db: sqlite3.Connection,
        *,
        occurrence: "Occurrence | None" = None,
        restart_id: int | None = None,
        subscriptions: Iterable[Contract] = (),
        scanners: Iterable[ScannerFilter] = (),
        part_done: Callable[[Part], None] | None = None,
    ) -> None:
        """`subscriptions` and `scanners`: beside the registered ones. `part_done` is called as each part arrives."""
        self._gateway = gateway
        self._db = db
        self._occurrence = occurrence
        self._restart_id = restart_id
        self._subscriptions = tuple(subscriptions)
        self._scanners = tuple(scanners)
        self._part_done = part_done or (lambda _: None)
        self._found: dict[Part, Any] = {}
        self._failed: dict[Part, str] = {}

    async def read(self, seconds: float = READ_SECONDS) -> TradingState:
        """Never raises for what TWS does not tell, nor for its silence."""
        gateway = self._gateway
        questions: dict[Part, Callable[[], Awaitable[object]]] = {
            Part.ORDERS: gateway.open_orders_async,
            Part.COMPLETED: gateway.completed_orders_async,
            Part.EXECUTIONS: gateway.executions_async,
            Part.POSITIONS: gateway.positions_async,
            Part.ACCOUNT: gateway.account_summary_async,
        }
        await asyncio.gather(*(self._ask(part, ask, seconds) for part, ask in questions.items()))
        return self.so_far()

    def so_far(self) -> TradingState:
        """What has been read; the rest is marked as not read. Raises the order-id marks in the journal."""
        gateway, occurrence, found = self._gateway, self._occurrence, self._found
        subscriptions, unknown = registered.subscriptions(self._db)
        scanners, unknown_scanners = registered.scanners(self._db)
        next_ids = self._next_ids()
        self._raise_marks(next_ids)
        return TradingState(
            saved_at=clock.now(),
            restart_id=self._restart_id,
            window=occurrence.name if occurrence else "",
            window_start=occurrence.start if occurrence else None,
            window_end=occurrence.end if occurrence else None,
            partial=self._partial((*unknown, *unknown_scanners)),
            accounts=tuple(gateway.accounts) if gateway.connected else (),
            orders=tuple(found.get(Part.ORDERS, ())),
            completed=tuple(found.get(Part.COMPLETED, ())),
            executions=tuple(found.get(Part.EXECUTIONS, ())),
            positions=tuple(found.get(Part.POSITIONS, ())),
            account_values=found.get(Part.ACCOUNT, {}),
            subscriptions=distinct((*self._subscriptions, *subscriptions)),
            scanners=tuple(dict.fromkeys((*self._scanners, *scanners))),
            order_ids=restarts.high_waters(self._db),
            next_order_ids=next_ids,
        )

    async def _ask(self, part: Part, ask: Callable[[], Awaitable[object]], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                self._found[part] = await ask()
        except GatewayError as error:
            self._failed[part] = str(error)
        except TimeoutError:
            self._failed[part] = f"no answer within {seconds:g} s"
        else:
            self._part_done(part)

    def _partial(self, unreadable: Iterable[registered.Unreadable]) -> tuple[str, ...]:
        asked = [part for part in Part if part is not Part.SUBSCRIPTIONS]
        unread = [part for part in asked if part not in self._found]
        lacking: dict[Part, str] = {part: self._failed.get(part, "not read in time") for part in unread}
        if told := "; ".join(map(str, unreadable)):
            lacking[Part.SUBSCRIPTIONS] = f"a registration cannot be read: {told}"
        return tuple(f"{part}: {why}" for part, why in lacking.items())

    def _next_ids(self) -> dict[int, int]:
        if not self._gateway.connected:
            return {}
        return {self._gateway.client_id: self._gateway.next_valid_id}

    def _raise_marks(self, next_ids: Mapping[int, int]) -> None:
        rows = [row for part in (Part.ORDERS, Part.COMPLETED, Part.EXECUTIONS) for row in self._found.get(part, ())]
        marks = high_waters(rows, next_ids)
        with transaction(self._db):
            for client_id, order_id in marks.items():
                restarts.raise_high_water(self._db, client_id, order_id)


async def read_trading_state(
    gateway: "Gateway", db: sqlite3.Connection, *, seconds: float = READ_SECONDS, **reading: Any
) -> TradingState:
    """The whole reading in one call; `reading` as `StateReader` takes it."""
    return await StateReader(gateway, db, **reading).read(seconds)


def high_waters(rows: Iterable[OpenOrder | Execution], next_ids: Mapping[int, int]) -> dict[int, int]:
    """client id -> the highest order id in use: of orders and executions, and what TWS counts as used (the next one
    less one). Orders typed into TWS have no id, or one below 0, and completed orders come without."""
    marks = {client_id: next_id - 1 for client_id, next_id in next_ids.items() if next_id > 1}
    for row in rows:
        if 0 < row.order_id < NO_ID:
            marks[row.client_id] = max(row.order_id, marks.get(row.client_id, 0))
    return marks
