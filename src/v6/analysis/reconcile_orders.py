"""Open orders as TWS says them against those of the last check. Pure.

People and programs place, amend and cancel orders all day; that is information. A break is what nobody can have done:

order_missing     gone, but neither filled by executions since, nor among TWS's completed orders, nor a DAY order of an
                  earlier day
order_unexpected  open again after an earlier check had found it over: an order back from the dead can fill twice (L35)
order_changed     the same permId has another contract, side or account, or counts other fills than the executions since

New orders, amended prices, quantities and times in force are counted and no break. One order has one break at most.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from v6.analysis.reconcile import Break, Findings, name_of
from v6.model import Execution, OpenOrder

SAME = 1e-6
AMENDABLE = ("quantity", "limit_price", "stop_price", "tif", "order_type")


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """`before`: key -> order of the last check (of the one before its break, where it has one) with that check's day.
    `fills`: key -> what was executed of it since then. `completed`: permIds that are over: TWS lists them, or V6 has
    cancelled them. `seen`: keys that were open at any earlier check."""

    before: Mapping[str, tuple[OpenOrder, date]]
    now: Mapping[str, OpenOrder]
    fills: Mapping[str, Collection[Execution]]
    completed: Collection[int]
    seen: Collection[str]
    today: date


def order_key(order: OpenOrder) -> str:
    """permId; before IBKR has given one, client and order id."""
    return str(order.perm_id) if order.perm_id else f"{order.client_id}/{order.order_id}"


def orders(facts: OrderFacts) -> Findings:
    breaks: list[Break] = []
    amended, matched = 0, set()
    for key, (before, day) in facts.before.items():
        now = _same_order(key, before, facts.now)
        if now is None:
            breaks += _gone(key, before, day, facts)
            continue
        matched.add(order_key(now))
        if changed := _changed(before, now, facts.fills.get(key, ())):
            breaks.append(_break(now, key, "order_changed", before.filled, now.filled, changed))
        else:
            amended += any(getattr(before, name) != getattr(now, name) for name in AMENDABLE)
    fresh = {key: order for key, order in facts.now.items() if key not in matched}
    breaks += [
        _break(
            order, key, "order_unexpected", None, order.quantity, "it was over at an earlier check and is open again"
        )
        for key, order in fresh.items()
        if key in facts.seen
    ]
    new = sum(key not in facts.seen for key in fresh)
    words = [f"{count} orders {what}" for count, what in ((new, "new"), (amended, "amended")) if count]
    return Findings(tuple(sorted(breaks, key=lambda one: one.subject)), tuple(words))


def _same_order(key: str, before: OpenOrder, now: Mapping[str, OpenOrder]) -> OpenOrder | None:
    if before.perm_id or key in now:
        return now.get(key)
    placed = (before.client_id, before.order_id)
    return next((order for order in now.values() if (order.client_id, order.order_id) == placed), None)


def _gone(key: str, before: OpenOrder, day: date, facts: OrderFacts) -> Iterable[Break]:
    done = executed(before, facts.fills.get(key, ()))
    filled = before.filled + done >= before.quantity - SAME
    completed = before.perm_id in facts.completed or not before.perm_id
    expired = before.tif == "DAY" and day < facts.today
    if not (filled or completed or expired):
        words = f"gone with {before.quantity - before.filled - done:g} unfilled, and neither cancelled nor completed"
        yield _break(before, key, "order_missing", before.quantity, None, words)


def _changed(before: OpenOrder, now: OpenOrder, fills: Iterable[Execution]) -> str:
    """What of an order cannot change, in words; empty when nothing has."""
    if before.contract.con_id != now.contract.con_id:
        return f"was for {name_of(before.contract)}"
    for name in ("action", "account"):
        if getattr(before, name) != getattr(now, name):
            return f"its {name} was {getattr(before, name)} and is {getattr(now, name)}"
    must = before.filled + executed(before, fills)
    if abs(must - now.filled) > SAME:
        return f"executions make {must:g} filled, TWS counts {now.filled:g}"
    return ""


def executed(order: OpenOrder, fills: Iterable[Execution]) -> float:
    """How much of the order; the legs of a combination are not counted beside it."""
    return sum(fill.quantity for fill in fills if fill.contract.con_id == order.contract.con_id)


def _break(order: OpenOrder, key: str, outcome: str, expected: float | None, found: float | None, words: str) -> Break:
    name = f"{order.action} {order.quantity:g} {name_of(order.contract)} {order.order_type} (permId {key})"
    return Break(order.account, outcome, key, order.contract.symbol, expected, found, f"order {name}: {words}")
