"""What is different after a restart: orders by permId, positions, account values, order ids. Pure.

Nothing is said to be missing, new or unchanged where one of the two readings could not see it: that is in `unknown`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from v6.gateway.order_rows import CANCELLED
from v6.journal.restarts import OrderStep
from v6.model import Contract, Execution, OpenOrder, Position
from v6.restart.records.trading_state import Part, TradingState, contract_key, execution_key, order_key

WORKING = frozenset({"ApiPending", "PendingSubmit", "PreSubmitted", "Submitted"})
"""An order wanders between these by itself, with the hours of its market."""
WATCHED_TAGS = ("NetLiquidation", "TotalCashValue")
TERMS = ("action", "order_type", "quantity", "limit_price", "stop_price", "tif", "filled", "parent_id", "oca_group")
ENOUGH = 1e-9
"""Quantities are decimals that went through binary floats."""


class Became(StrEnum):
    """What became of an order that is not open any more."""

    CANCELLED_BY_US = "cancelled by us"
    CANCELLED = "cancelled"
    FILLED = "filled"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MissingOrder:
    order: OpenOrder
    became: Became
    detail: str

    def __str__(self) -> str:
        more = self.detail if self.detail.lower() != self.became else ""
        return f"{self.order}: {self.became}{', ' + more if more else ''}"


@dataclass(frozen=True, slots=True)
class ChangedOrder:
    """`what`: "quantity 5 -> 3" and the like."""

    order: OpenOrder
    what: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.order}: {', '.join(self.what)}"


@dataclass(frozen=True, slots=True)
class PositionChange:
    account: str
    contract: Contract
    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.contract} in {self.account}: {self.before:g} -> {self.after:g}"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """As TWS words the values; None: it did not tell."""

    account: str
    tag: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.tag} of {self.account}: {self.before or '?'} -> {self.after or '?'}"


@dataclass(frozen=True, slots=True)
class RolledBack:
    """TWS gives order ids again that were in use before: those up to `high_water` are burnt."""

    client_id: int
    high_water: int
    next_id: int

    def __str__(self) -> str:
        return (
            f"client {self.client_id}: TWS's next order id is {self.next_id}, {self.high_water} was used before: "
            f"begin at {self.high_water + 1}"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """`unknown`: what could not be compared, and why."""

    missing: tuple[MissingOrder, ...] = ()
    new: tuple[OpenOrder, ...] = ()
    changed: tuple[ChangedOrder, ...] = ()
    positions: tuple[PositionChange, ...] = ()
    values: tuple[ValueChange, ...] = ()
    rolled_back: tuple[RolledBack, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def unexplained(self) -> tuple[MissingOrder, ...]:
        """Orders that are gone and nobody knows why: lost in flight, or ended where TWS does not show it."""
        return tuple(one for one in self.missing if one.became is Became.UNKNOWN)

    @property
    def count(self) -> int:
        """How much is different; account values move by themselves, and what could not be compared is not known."""
        return sum(len(getattr(self, field.name)) for field in fields(self) if field.name not in ("values", "unknown"))

    @property
    def is_empty(self) -> bool:
        """Nothing is different, and everything could be compared."""
        return not (self.count or self.unknown)

    def lines(self) -> list[str]:
        """For a person, the gravest first."""
        by_us = [one for one in self.missing if one.became is Became.CANCELLED_BY_US]
        others = [one for one in self.missing if one not in by_us and one not in self.unexplained]
        groups: tuple[tuple[str, Sequence[object]], ...] = (
            ("could not be compared", self.unknown),
            ("order is gone, nobody knows why", [f"{one.order}: {one.detail}" for one in self.unexplained]),
            ("order ids rolled back", self.rolled_back),
            ("position changed", self.positions),
            ("order is gone", others),
            ("new order", self.new),
            ("order changed", self.changed),
            ("order cancelled by us", [f"{one.order} {one.detail}".rstrip() for one in by_us]),
            ("account", self.values),
        )
        return [f"{name}: {one}" for name, found in groups for one in found]


def compare(before: TradingState, after: TradingState, steps: Sequence[OrderStep] = ()) -> Difference:
    """`steps`: what pre_restart did to orders (journal.restarts.order_steps)."""
    unknown = tuple(f"{entry} (before)" for entry in before.partial) + tuple(f"{e} (after)" for e in after.partial)
    both = {part: before.why_not(part) is None and after.why_not(part) is None for part in Part}
    then = {order_key(order): order for order in before.orders}
    now = {order_key(order): order for order in after.orders}
    after_orders = after.why_not(Part.ORDERS) is None
    before_orders = before.why_not(Part.ORDERS) is None
    return Difference(
        missing=_missing(then, now, before, after, steps) if after_orders else (),
        new=tuple(order for key, order in now.items() if key not in then) if before_orders else (),
        changed=_changed(then, now),
        positions=_positions(before.positions, after.positions) if both[Part.POSITIONS] else (),
        values=_values(before.account_values, after.account_values) if both[Part.ACCOUNT] else (),
        rolled_back=rolled_back(before.order_ids, after.next_order_ids),
        unknown=unknown,
    )


def rolled_back(marks: Mapping[int, int], next_ids: Mapping[int, int]) -> tuple[RolledBack, ...]:
    """Client ids whose next order id, as TWS says now, is not beyond the highest one seen before."""
    return tuple(
        RolledBack(client, marks[client], next_id)
        for client, next_id in sorted(next_ids.items())
        if client in marks and next_id <= marks[client]
    )


def _missing(
    then: Mapping[Hashable, OpenOrder],
    now: Mapping[Hashable, OpenOrder],
    before: TradingState,
    after: TradingState,
    steps: Sequence[OrderStep],
) -> tuple[MissingOrder, ...]:
    known = {execution_key(one) for one in before.executions}
    seen = {execution_key(one): one for one in (*before.later_executions, *after.executions)}
    fills = [one for key, one in seen.items() if key not in known]
    ends = {order_key(order): order for order in (*before.completed, *after.completed)}
    ours = {order_key(step): step for step in steps if step.deed == "cancel"}
    return tuple(
        MissingOrder(order, *_became(order, fills, ends.get(key), ours.get(key)))
        for key, order in then.items()
        if key not in now
    )


def _became(
    order: OpenOrder, fills: Sequence[Execution], end: OpenOrder | None, step: OrderStep | None
) -> tuple[Became, str]:
    """The order's end as TWS tells it, else as our own record of a cancel has it."""
    mine = [one for one in fills if order.perm_id and one.perm_id == order.perm_id]
    done = sum(one.quantity for one in mine)
    outcome = step.outcome if step is not None else ""
    if (end is not None and end.status == "Filled") or outcome == "filled" or _all_of(order, done):
        return Became.FILLED, _prices(mine)
    partly = f"after {order.filled + done:g} of {order.quantity:g} were filled" if order.filled + done > ENOUGH else ""
    if outcome == "cancelled":
        return Became.CANCELLED_BY_US, partly
    if end is not None and end.status in CANCELLED:
        return (Became.CANCELLED_BY_US if outcome in ("sent", "unconfirmed") else Became.CANCELLED), partly
    if end is not None:
        return Became.ENDED, f"TWS says {end.status}"
    told = f"our cancel is {outcome}, " if outcome else ""
    return Became.UNKNOWN, f"{told}TWS shows no end of it and no fill {partly}".rstrip()


def _all_of(order: OpenOrder, done: float) -> bool:
    return done > ENOUGH and done + order.filled >= order.quantity - ENOUGH


def _prices(fills: Sequence[Execution]) -> str:
    return ", ".join(f"{one.quantity:g} at {one.price:g}" for one in fills)


def _changed(then: Mapping[Hashable, OpenOrder], now: Mapping[Hashable, OpenOrder]) -> tuple[ChangedOrder, ...]:
    both = [(order, now[key]) for key, order in then.items() if key in now]
    return tuple(ChangedOrder(after, what) for before, after in both if (what := _terms(before, after)))


def _terms(before: OpenOrder, after: OpenOrder) -> tuple[str, ...]:
    changed = [(name, getattr(before, name), getattr(after, name)) for name in TERMS]
    if not {before.status, after.status} <= WORKING:
        changed.append(("status", before.status, after.status))
    return tuple(f"{name} {_plain(old)} -> {_plain(new)}" for name, old, new in changed if old != new)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value in (None, "") else str(value)


def _positions(before: Sequence[Position], after: Sequence[Position]) -> tuple[PositionChange, ...]:
    then = {(one.account, contract_key(one.contract)): one for one in before}
    now = {(one.account, contract_key(one.contract)): one for one in after}
    changes = []
    for key in {**then, **now}:
        old, new = then.get(key), now.get(key)
        one = new or old
        had, has = (held.quantity if held else 0.0 for held in (old, new))
        if one is not None and abs(had - has) > ENOUGH:
            changes.append(PositionChange(one.account, one.contract, had, has))
    return tuple(changes)


def _values(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> tuple[ValueChange, ...]:
    changes = [
        ValueChange(account, tag, before.get(account, {}).get(tag), after.get(account, {}).get(tag))
        for account in sorted({*before, *after})
        for tag in WATCHED_TAGS
    ]
    return tuple(one for one in changes if one.before != one.after)
