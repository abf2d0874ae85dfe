"""What TWS says of the accounts at one instant, and whether it can be believed.

Positions, orders and executions are three answers. The executions are asked for before and after: when a fill came in
between, everything is asked again, so that positions and fills belong together. A half-dead TWS answers [] for
positions that are there: an account without any is believed only when its own values say so too (L24, L30).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from v6.model import Execution, OpenOrder, Position, RecoverableError
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

READINGS = 5
UNALLOCATED = "unallocated"
"""The account of an order for a group of accounts: TWS names none."""
UNSET = 1e300
"""TWS's word for a figure it does not tell is 1.8e308."""
NOTHING_HELD = ("GrossPositionValue", "MaintMarginReq")
"""Values of an account that are 0 when it holds nothing: stocks and options have the first, futures only the second."""


class UntrustedError(RecoverableError):
    """TWS's answer contradicts itself: the check could not be made."""

    reason = "could_not_check"


@dataclass(frozen=True, slots=True)
class Observed:
    """One consistent reading; `at` is UTC in whole seconds."""

    at: datetime
    accounts: tuple[str, ...]
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    completed: tuple[OpenOrder, ...]
    executions: tuple[Execution, ...]


def observe(ctx: Context, gateway: "Gateway", after: datetime | None) -> Observed:
    """Raises UntrustedError, and what the gateway raises. `after`: the last check; this one is later on any clock."""
    for _ in range(READINGS):
        before = gateway.executions()
        positions, orders, completed = gateway.positions(), gateway.open_orders(), gateway.completed_orders()
        executions = gateway.executions()
        if {each.exec_id for each in before} == {each.exec_id for each in executions}:
            break
    else:
        raise UntrustedError(f"fills came in during each of {READINGS} readings: positions would not fit to them")
    if gateway.server_lost:
        raise UntrustedError("TWS has lost IBKR: what it says of the account is old")
    accounts = tuple(sorted(gateway.accounts))
    require_figures(accounts, positions)
    _require_believable(gateway, accounts, positions)
    now = ctx.now().astimezone(UTC).replace(microsecond=0)
    at = now if after is None else max(now, after + timedelta(seconds=1))
    working = tuple(replace(order, account=order.account or UNALLOCATED) for order in orders)
    return Observed(at, accounts, tuple(positions), working, tuple(completed), tuple(executions))


def require_figures(accounts: Sequence[str], positions: Sequence[Position]) -> None:
    """Raises UntrustedError when there is no account, or a quantity that is none."""
    if not accounts:
        raise UntrustedError("TWS names no account of this login")
    for each in positions:
        if not abs(each.quantity) < UNSET:  # NaN is not either
            name = each.contract.local_symbol or each.contract.symbol
            raise UntrustedError(f"TWS says {each.quantity:g} for the quantity of {name} in {each.account}")


def _require_believable(gateway: "Gateway", accounts: Sequence[str], positions: Sequence[Position]) -> None:
    empty = sorted(set(accounts) - {each.account for each in positions})
    if not empty:
        return
    values = gateway.account_summary()
    for account in empty:
        if said := _holds_something(values.get(account, {})):
            raise UntrustedError(f"TWS lists no position of {account}, but {said}: nothing can be told from that")


def _holds_something(values: Mapping[str, str]) -> str:
    """Why an account without positions is not believed; empty when its values agree."""
    if not any(name in values for name in NOTHING_HELD):
        return "does not say what it is worth either"
    for name in NOTHING_HELD:
        try:
            if abs(float(values.get(name, "0") or "0")) > 0:
                return f"its {name} is {values[name]}"
        except ValueError:
            return f"its {name} is {values[name]!r}"
    return ""
