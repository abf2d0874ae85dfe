"""The part of the gateway that concerns orders and scanners."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Literal, TypeVar

from v6.gateway import cancelling, orders, placing, scanner
from v6.gateway.connection import Connection
from v6.gateway.orders import Cancellation
from v6.model import Contract, Execution, OpenOrder, ScannerFilter

T = TypeVar("T")


class OrderQuestions(ABC):
    """Blocking methods and their `_async` twins; only a gateway with a fixed client id can own orders."""

    @property
    @abstractmethod
    def connection(self) -> Connection: ...

    @property
    @abstractmethod
    def client_id(self) -> int: ...

    @abstractmethod
    def _run(self, work: Coroutine[Any, Any, T]) -> T: ...

    @property
    def next_valid_id(self) -> int:
        """As TWS said when the connection began: no id of an order it knows is as high. It may have rolled back."""
        return self.connection.receiver.next_valid_id or 0

    def next_order_id(self, at_least: int = 0) -> int:
        """A number that neither TWS, nor an order, nor a request of this connection has used; `at_least`: one above
        the highest ever used, for TWS may give lost ones out again."""
        client = self.connection.client
        client.updateReqId(max(at_least, self.next_valid_id))
        number: int = client.getReqId()
        return number

    def open_orders(self) -> list[OpenOrder]:
        """Of every client, and those typed into TWS."""
        return self._run(self.open_orders_async())

    def own_open_orders(self) -> list[OpenOrder]:
        """Of this client id; client 0 also takes over those typed into TWS."""
        return self._run(self.own_open_orders_async())

    def completed_orders(self) -> list[OpenOrder]:
        """Today's of every client; client_id is -1 and order_id 0, TWS tells only the perm_id."""
        return self._run(self.completed_orders_async())

    def executions(self) -> list[Execution]:
        """Every client's since midnight."""
        return self._run(self.executions_async())

    def cancel_orders(
        self,
        order_ids: Iterable[int],
        seconds: float,
        before: Callable[[int], None] | None = None,
        already_sent: Collection[int] = (),
    ) -> dict[int, Cancellation]:
        """Cancel orders of this client id; what came of each, within `seconds`. See gateway/cancelling.py."""
        return self._run(self.cancel_orders_async(order_ids, seconds, before, already_sent))

    def global_cancel(self) -> None:
        """Cancel every order of every client and those typed into TWS: sent, not confirmed."""
        self._run(self.global_cancel_async())

    def place_market_order(
        self,
        contract: Contract,
        action: Literal["BUY", "SELL"],
        quantity: float,
        account: str,
        order_id: int,
        seconds: float,
        order_ref: str = "",
    ) -> OpenOrder:
        """The order as it stands when it is over, or after `seconds`; RequestError if refused. See placing.py."""
        return self._run(
            self.place_market_order_async(contract, action, quantity, account, order_id, seconds, order_ref)
        )

    def scan(self, wanted: ScannerFilter) -> list[Contract]:
        """What a market scanner finds now, best first."""
        return self._run(self.scan_async(wanted))

    # the same for callers on a running event loop

    async def open_orders_async(self) -> list[OpenOrder]:
        return await orders.open_orders(self.connection)

    async def own_open_orders_async(self) -> list[OpenOrder]:
        return await orders.own_open_orders(self.connection)

    async def completed_orders_async(self) -> list[OpenOrder]:
        return await orders.completed_orders(self.connection)

    async def executions_async(self) -> list[Execution]:
        return await orders.executions(self.connection)

    async def cancel_orders_async(
        self,
        order_ids: Iterable[int],
        seconds: float,
        before: Callable[[int], None] | None = None,
        already_sent: Collection[int] = (),
    ) -> dict[int, Cancellation]:
        return await cancelling.cancel_orders(self.connection, self.client_id, order_ids, seconds, before, already_sent)

    async def global_cancel_async(self) -> None:
        await orders.global_cancel(self.connection)

    async def place_market_order_async(
        self,
        contract: Contract,
        action: Literal["BUY", "SELL"],
        quantity: float,
        account: str,
        order_id: int,
        seconds: float,
        order_ref: str = "",
    ) -> OpenOrder:
        wanted = placing.MarketOrder(contract, action, quantity, account, order_ref)
        return await placing.place_market_order(self.connection, self.client_id, order_id, wanted, seconds)

    async def scan_async(self, wanted: ScannerFilter) -> list[Contract]:
        return await scanner.scan(self.connection, wanted)
