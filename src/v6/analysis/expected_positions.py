"""What a position must be now: what it was, and every execution since. Pure.

Quantity: the sum. Average cost, as TWS counts it (of one share or contract, multiplier included): buying more of a long
position (selling more of a short one) weighs the price in, closing a part leaves it, going through zero begins anew at
the price of that fill. TWS adds commissions and fees, which executions do not tell: `allowance` bounds them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from v6.model import Contract, Execution

BY_CONTRACT = frozenset({"OPT", "FUT", "FOP"})
"""Kinds whose commissions are charged by the contract; of others by the share, with a minimum an order."""
COMBINATION = "BAG"
"""The fill of a combination as a whole: its legs come as executions of their own, and nobody holds it."""
OTHER_SIDE = {"BOT": "SLD", "SLD": "BOT"}

Key = tuple[str, int]
"""(account, con_id)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`cost_tolerance`: a fraction of the average cost. Commissions with fees at most, in money: `per_contract` (and of
    one fill at least), `per_share`."""

    cost_tolerance: float = 0.001
    per_contract: float = 3.0
    per_share: float = 0.01


@dataclass(frozen=True, slots=True)
class Held:
    """A position. `average_cost` None: not known. `allowance`: commissions that may be in TWS's figure and not in ours,
    in money, of the whole position."""

    contract: Contract
    quantity: float
    average_cost: float | None
    allowance: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """An execution, and the check that first heard of it."""

    execution: Execution
    at: datetime


def position_key(execution: Execution) -> Key:
    return execution.account, execution.contract.con_id


def signed(execution: Execution) -> float:
    return execution.quantity if execution.side == "BOT" else -execution.quantity


def root(exec_id: str) -> str:
    """What a fill and its corrections have in common: `0001.a.01.01`, corrected `0001.a.01.02`, is `0001.a.01`."""
    return exec_id.rpartition(".")[0] or exec_id


@dataclass(frozen=True, slots=True)
class Since:
    """Executions in order of time; `corrected`: one of them takes back what was heard before, costs cannot be told."""

    executions: tuple[Execution, ...]
    corrected: bool = False


def since(heard: Iterable[Heard], as_of: datetime) -> Since:
    """What became known after the check `as_of`. A correction first takes back the fill as it was known then."""
    by_root: dict[str, list[Heard]] = {}
    for one in heard:
        by_root.setdefault(root(one.execution.exec_id), []).append(one)
    found: list[Execution] = []
    corrected = False
    for versions in by_root.values():
        ordered = sorted(versions, key=lambda one: one.execution.exec_id)
        known = [one for one in ordered if one.at <= as_of]
        newest = ordered[-1]
        if newest.at <= as_of:
            continue
        if known:
            corrected = True
            before = known[-1].execution
            found.append(replace(before, side=OTHER_SIDE[before.side]))
        found.append(newest.execution)
    return Since(tuple(sorted(found, key=lambda each: each.at)), corrected)


def after(base: Held | None, fills: Since, rules: Rules) -> Held | None:
    """The position after the fills; quantity 0 when they closed it, None when there never was one."""
    held = base
    for fill in fills.executions:
        if fill.contract.sec_type != COMBINATION:
            held = _traded(held or Held(fill.contract, 0.0, None), fill, rules)
    if held is not None and fills.corrected:
        held = replace(held, average_cost=None)
    return held


def _traded(held: Held, fill: Execution, rules: Rules) -> Held:
    change, before = signed(fill), held.quantity
    quantity = round(before + change, 9)
    if before * change >= 0:
        return _added(held, fill, quantity, rules)
    if quantity * before > 0:
        return replace(held, quantity=quantity, allowance=held.allowance * quantity / before)
    if quantity == 0:
        return replace(held, quantity=0.0, average_cost=None, allowance=0.0)
    rest = abs(quantity / change)
    return replace(held, quantity=quantity, average_cost=_unit_cost(fill), allowance=_commission(fill, rules) * rest)


def _added(held: Held, fill: Execution, quantity: float, rules: Rules) -> Held:
    allowance = held.allowance + _commission(fill, rules)
    if held.quantity == 0:
        return replace(held, quantity=quantity, average_cost=_unit_cost(fill), allowance=allowance)
    unit_cost = _unit_cost(fill)
    if held.average_cost is None or unit_cost is None:
        return replace(held, quantity=quantity, average_cost=None, allowance=allowance)
    paid = held.average_cost * held.quantity + unit_cost * signed(fill)
    return replace(held, quantity=quantity, average_cost=paid / quantity, allowance=allowance)


def _unit_cost(fill: Execution) -> float | None:
    """None for a contract of many units when TWS does not say how many."""
    if fill.contract.multiplier is None and fill.contract.sec_type in BY_CONTRACT:
        return None
    return fill.price * (fill.contract.multiplier or 1.0)


def _commission(fill: Execution, rules: Rules) -> float:
    unit = rules.per_contract if fill.contract.sec_type in BY_CONTRACT else rules.per_share
    return max(rules.per_contract, unit * fill.quantity)


def expected(
    base: Mapping[Key, Held], as_of: Mapping[Key, datetime], last: datetime, heard: Iterable[Heard], rules: Rules
) -> dict[Key, Held]:
    """Every position that there must be now. `as_of`: of which check a base is, where that is not the `last`."""
    by_key: dict[Key, list[Heard]] = {}
    for one in heard:
        by_key.setdefault(position_key(one.execution), []).append(one)
    found = {}
    for key in base.keys() | by_key.keys():
        held = after(base.get(key), since(by_key.get(key, ()), as_of.get(key, last)), rules)
        if held is not None and held.quantity:
            found[key] = held
    return found
