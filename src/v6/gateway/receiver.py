"""Where everything that TWS sends arrives, matched by request id and by nothing else (L26).

The method names are those that the libraries' decoder calls (IBKR's EWrapper). What is not here is not wanted.
"""

# ruff: noqa: N802

import asyncio
from collections.abc import Callable
from datetime import UTC
from typing import Any, Protocol

from v6.gateway import error_codes
from v6.gateway.errors import Disconnected, RequestError
from v6.gateway.order_rows import Opened, Status

Key = int | str  # a request id; a name for the few requests that TWS gave no id
Notice = Callable[[int, str], None]


class Stream(Protocol):
    """One open market data line."""

    def price(self, tick: int, price: float, size: float) -> None: ...
    def size(self, tick: int, size: float) -> None: ...
    def computation(self, tick: int, values: "Computation") -> None: ...
    def data_type(self, number: int) -> None: ...
    def error(self, code: int, text: str) -> None: ...


class OrderWatch(Protocol):
    """One order of ours on which something is being done."""

    client_id: int

    def opened(self, row: Opened) -> None: ...
    def status(self, row: Status) -> None: ...
    def error(self, code: int, text: str) -> None: ...


class Computation(tuple[float, ...]):
    """(iv, delta, gamma, vega, theta, underlying price) as TWS sent them, its fillers included."""


class Answer:
    """One question to TWS: the rows that came so far, and the end of it."""

    def __init__(self, request: str) -> None:
        self.request = request
        self.rows: list[Any] = []
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        if not self.done.done():
            self.done.set_result(self.rows)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Receiver:
    def __init__(self) -> None:
        self.ib = self  # the decoders of executions ask it for two time zones:
        self.TimezoneTWS = ""  # of times without one (before version 174): the host's
        self.defaultTimezone = UTC  # to give them in
        self.answers: dict[Key, Answer] = {}
        self.streams: dict[int, Stream] = {}
        self.generics: dict[int, Callable[[int, float], None]] = {}  # of the lines that want to hear of halts
        self.orders: dict[int, OrderWatch] = {}
        self.notices: list[Notice] = []
        self.accounts: list[str] | None = None
        self.next_valid_id: int | None = None
        self.farms: dict[str, int] = {}
        self.farm_heard = asyncio.Event()
        self.on_no_account: Callable[[], object] | None = None

    def lost(self, words: str) -> None:
        """The connection has ended: everything that waits for an answer hears it now."""
        for answer in list(self.answers.values()):
            answer.fail(Disconnected(f"{answer.request}: {words}"))

    def _row(self, key: Key, row: Any) -> None:
        if answer := self.answers.get(key):
            answer.rows.append(row)

    def _end(self, key: Key) -> None:
        if answer := self.answers.get(key):
            answer.end()

    # what the library's client calls

    def connectAck(self) -> None:
        pass

    def setEventsDone(self) -> None:
        pass

    def connectionClosed(self) -> None:
        pass

    # start-up and errors

    def nextValidId(self, number: int) -> None:
        self.next_valid_id = number

    def managedAccounts(self, names: str) -> None:
        self.accounts = [name for name in names.split(",") if name]
        if not self.accounts and self.on_no_account:
            self.on_no_account()

    def error(self, number: int, code: int, text: str, _advanced: str = "") -> None:
        row = error_codes.lookup(code, text)
        if row.scope is error_codes.Scope.FARM:
            self.farms[_farm(text)] = code
            self.farm_heard.set()
        if number in self.orders and row.scope in (error_codes.Scope.REQUEST, error_codes.Scope.NOTICE):
            self.orders[number].error(code, text)
        elif number in self.streams:
            self.streams[number].error(code, text)
        elif row.ends and (answer := self.answers.get(number)):
            answer.fail(RequestError(code, text, answer.request))
        else:
            for listen in list(self.notices):
                listen(code, text)

    # market data

    def priceSizeTick(self, number: int, tick: int, price: float, size: float) -> None:
        if stream := self.streams.get(number):
            stream.price(tick, price, size)

    def tickSize(self, number: int, tick: int, size: float) -> None:
        if stream := self.streams.get(number):
            stream.size(tick, size)

    def tickGeneric(self, number: int, tick: int, value: float) -> None:
        if hear := self.generics.get(number):
            hear(tick, value)

    def tickOptionComputation(
        self, number: int, tick: int, _attribute: int, iv: float, delta: float, _price: float, _dividend: float,
        gamma: float, vega: float, theta: float, underlying: float,
    ) -> None:  # fmt: skip
        if stream := self.streams.get(number):
            stream.computation(tick, Computation((iv, delta, gamma, vega, theta, underlying)))

    def marketDataType(self, number: int, kind: int) -> None:
        if stream := self.streams.get(number):
            stream.data_type(kind)

    # answers with an id

    def contractDetails(self, number: int, details: Any) -> None:
        self._row(number, details)

    def contractDetailsEnd(self, number: int) -> None:
        self._end(number)

    def securityDefinitionOptionParameter(self, number: int, *row: Any) -> None:
        self._row(number, row)

    def securityDefinitionOptionParameterEnd(self, number: int) -> None:
        self._end(number)

    def accountSummary(self, number: int, account: str, tag: str, value: str, currency: str) -> None:
        self._row(number, (account, tag, value, currency))

    def accountSummaryEnd(self, number: int) -> None:
        self._end(number)

    def historicalData(self, number: int, bar: Any) -> None:
        self._row(number, bar)

    def historicalDataEnd(self, number: int, _start: str, _end: str) -> None:
        self._end(number)

    def execDetails(self, number: int, contract: Any, execution: Any) -> None:
        """Number -1: one that happens now, which nobody asked for."""
        self._row(number, (contract, execution))

    def commissionReport(self, _report: Any) -> None:
        """Comes with every execution; the decoders insist that somebody takes it."""

    def execDetailsEnd(self, number: int) -> None:
        self._end(number)

    def scannerData(self, number: int, rank: int, details: Any, *_others: str) -> None:
        self._row(number, (rank, details))

    def scannerDataEnd(self, number: int) -> None:
        self._end(number)

    # answers without an id

    def openOrder(self, number: int, contract: Any, order: Any, state: Any) -> None:
        """An answer's row, and news of an order of ours at any time."""
        row = Opened(contract, order, state)
        self._row("openOrders", row)
        watch = self.orders.get(int(number))
        if watch is not None and watch.client_id == int(order.clientId):
            watch.opened(row)

    def orderStatus(
        self, number: int, status: str, filled: float, remaining: float, _average: float, perm_id: int, _parent: int,
        _last: float, client_id: int, *_others: Any,
    ) -> None:  # fmt: skip
        row = Status(number, client_id, perm_id, status, filled, remaining)
        self._row("openOrders", row)
        watch = self.orders.get(number)
        if watch is not None and watch.client_id == client_id:
            watch.status(row)

    def openOrderEnd(self) -> None:
        self._end("openOrders")

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        """TWS also sends it unasked, when an OCA group or a bracket ends [ib_async#128]."""
        self._row("completedOrders", Opened(contract, order, state))

    def completedOrdersEnd(self) -> None:
        self._end("completedOrders")

    def position(self, account: str, contract: Any, quantity: float, average_cost: float) -> None:
        self._row("positions", (account, contract, quantity, average_cost))

    def positionEnd(self) -> None:
        self._end("positions")

    def currentTime(self, epoch: int) -> None:
        self._row("currentTime", epoch)
        self._end("currentTime")


def _farm(text: str) -> str:
    """`... connection is OK:usfarm` and `... available upon demand.usfarm` name the same farm."""
    return text.rpartition(":")[2].rpartition("upon demand.")[2].strip()
