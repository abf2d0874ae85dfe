"""What an account and its programs had at one moment: saved before a restart of TWS, compared with after it.

`TradingStateManager` (`state_file`) keeps it, `StateReader` (`state_reader`) reads it from TWS, `compare`
(`difference`) says what is different.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from v6.journal.restarts import OrderStep
from v6.model import Contract, Execution, OpenOrder, Position, ScannerFilter

T = TypeVar("T")
Key = Callable[[T], Hashable]


class Part(StrEnum):
    """What is asked of TWS; each can fail on its own."""

    ORDERS = "open orders"
    COMPLETED = "completed orders"
    EXECUTIONS = "executions"
    POSITIONS = "positions"
    ACCOUNT = "account values"
    SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True, slots=True)
class TradingState:
    """Instants are aware, New York. `partial`: "part: why" of everything that could not be read; an empty field that is
    not named there was really empty. `orders` are those of every client, `completed` and `executions` what TWS still
    knows of today; `later_executions` of a rerun are fills that `orders` do not count yet. `account_values`: account ->
    tag -> value as TWS words it. `order_ids`: client id -> the highest order id ever seen; `next_order_ids`: client id
    -> the next one, as TWS said when that client connected."""

    saved_at: datetime
    restart_id: int | None = None
    window: str = ""
    window_start: datetime | None = None
    window_end: datetime | None = None
    partial: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    completed: tuple[OpenOrder, ...] = ()
    executions: tuple[Execution, ...] = ()
    later_executions: tuple[Execution, ...] = ()
    positions: tuple[Position, ...] = ()
    account_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    subscriptions: tuple[Contract, ...] = ()
    scanners: tuple[ScannerFilter, ...] = ()
    order_ids: Mapping[int, int] = field(default_factory=dict)
    next_order_ids: Mapping[int, int] = field(default_factory=dict)

    def why_not(self, part: Part) -> str | None:
        """Why this part could not be read; None when it was."""
        for entry in self.partial:
            name, _, why = entry.partition(": ")
            if name == part:
                return why
        return None

    def age(self, now: datetime) -> timedelta:
        """How long it has been out of date: since it was saved, without the time inside its own window, in which TWS is
        expected to be away (Sunday's lasts four hours)."""
        saved, at = self.saved_at.timestamp(), now.timestamp()  # New York datetimes are subtracted as wall clocks
        inside = 0.0
        if self.window_start is not None and self.window_end is not None:
            inside = min(at, self.window_end.timestamp()) - max(saved, self.window_start.timestamp())
        return timedelta(seconds=at - saved - max(inside, 0.0))

    def merged_with(self, earlier: "TradingState | None") -> "TradingState":
        """The state of a rerun within the same restart: what was read first is the "before", because the run that read
        it may have cancelled orders since. What came later is added; a part that could not be read the first time is
        taken from now. None, or the state of another restart: unchanged."""
        if earlier is None or earlier.restart_id != self.restart_id or self.restart_id is None:
            return self
        later = _since(earlier, self)
        executions = _union(earlier.executions, self.executions, execution_key)
        return replace(
            self,
            partial=_still_unread(earlier, self),
            accounts=_union(earlier.accounts, self.accounts, str),
            orders=_union(earlier.orders, self.orders, order_key),
            completed=_union(self.completed, earlier.completed, order_key),
            executions=tuple(one for one in executions if one not in later),
            later_executions=later,
            positions=self.positions if earlier.why_not(Part.POSITIONS) else earlier.positions,
            account_values=self.account_values if earlier.why_not(Part.ACCOUNT) else earlier.account_values,
            subscriptions=_union(earlier.subscriptions, self.subscriptions, contract_key),
            scanners=_union(earlier.scanners, self.scanners, lambda one: one),
            order_ids=_highest(earlier.order_ids, self.order_ids),
            next_order_ids=_highest(earlier.next_order_ids, self.next_order_ids),
        )


def order_key(order: OpenOrder | OrderStep) -> Hashable:
    """permId; an order TWS had not numbered yet is known by its client's id."""
    return order.perm_id or (order.client_id, order.order_id)


def execution_key(execution: Execution) -> Hashable:
    """A correction of an execution has its id with another number after the last dot."""
    return execution.exec_id.rpartition(".")[0] or execution.exec_id


def contract_key(contract: Contract) -> Hashable:
    """con_id, or all of it while that is not known."""
    return contract.con_id or contract


def distinct(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Each contract once, in the order of its first mention."""
    return _union(tuple(contracts), (), contract_key)


def _union(first: tuple[T, ...], second: tuple[T, ...], key: Key[T]) -> tuple[T, ...]:
    """Every thing once; where both have it, as in `first`."""
    found: dict[Hashable, T] = {}
    for one in (*first, *second):
        found.setdefault(key(one), one)
    return tuple(found.values())


def _since(earlier: TradingState, later: TradingState) -> tuple[Execution, ...]:
    """Fills, after the first reading, of orders as the first reading has them."""
    if earlier.why_not(Part.EXECUTIONS):
        return ()
    known = {execution_key(one) for one in earlier.executions}
    orders = {order.perm_id for order in earlier.orders}
    new = tuple(one for one in later.executions if one.perm_id in orders and execution_key(one) not in known)
    return _union(earlier.later_executions, new, execution_key)


def _highest(*marks: Mapping[int, int]) -> dict[int, int]:
    clients = sorted({client for mark in marks for client in mark})
    return {client: max(mark.get(client, 0) for mark in marks) for client in clients}


def _still_unread(earlier: TradingState, later: TradingState) -> tuple[str, ...]:
    """What neither of two readings got; of the orders' ends (completed, executions) the later reading counts."""
    ends = (Part.COMPLETED, Part.EXECUTIONS)
    unread = [
        f"{part}: {why}"
        for part in Part
        if (why := later.why_not(part)) is not None and (part in ends or earlier.why_not(part) is not None)
    ]
    return tuple(unread)
