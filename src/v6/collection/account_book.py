"""The accounts in the lake: what each check saw, what it found, and what the next one compares with.

The accepted state is that of the last check, but a position or order with an open break keeps what it was at the last
check before the break began, with every execution since then: a break never heals by having been seen. It ends when
TWS agrees again, when an execution explains it after all, or when a person accepts the present state (`--baseline`).
A check counts when its rows in `reconciliation` are there, which are written last: one that was killed before is as if
it had never been.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from v6 import clock, failpoint, file_locks
from v6.analysis.expected_positions import Heard, Held, Key
from v6.analysis.reconcile import ARROW, Break
from v6.analysis.reconcile_orders import order_key
from v6.collection.account_watch import Observed
from v6.journal import restarts
from v6.model import Contract, Execution, OpenOrder, RecoverableError
from v6.runner.context import Context
from v6.store.account_tables import BREAKS
from v6.store.frames import rows_to_frame

CHECKED, BASELINE, RESOLVED = "checked", "baseline", "resolved"
WHOLE_ACCOUNT = "account"
NOT_TOLD = "unknown"
"""In the place of a word that TWS left empty."""
ORDERS_SEEN = timedelta(days=8)
EXECUTIONS_KEPT_BY_TWS = timedelta(days=8)
"""TWS can be set to tell the executions of up to seven days."""
RECENT = timedelta(days=62)
LOCK = "accounts.check"
LONGEST_CHECK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class OpenBreak:
    """A break that the last check reported. `found`: its outcome and what TWS said at each check since it began, oldest
    first."""

    account: str
    outcome: str
    subject: str
    symbol: str
    since: datetime
    found: tuple[tuple[str, float | None], ...]

    @property
    def of_order(self) -> bool:
        return self.outcome.startswith("order_")

    @property
    def con_ids(self) -> frozenset[int]:
        return frozenset() if self.of_order else frozenset(map(int, self.subject.split(ARROW)))

    def concerns(self, one: Break) -> bool:
        """Whether the break of a later check is of the same position or order."""
        if self.account != one.account or self.of_order != one.outcome.startswith("order_"):
            return False
        if self.of_order:
            return self.subject == one.subject
        return bool(self.con_ids & set(map(int, one.subject.split(ARROW))))


class AccountBook:
    """What the checks before have left; `last` is None before the first."""

    def __init__(self, ctx: Context) -> None:
        self._lake = ctx.lake
        self._ctx = ctx
        self._today = ctx.now().date()

    @cached_property
    def _checks(self) -> list[datetime]:
        for start in (self._today - RECENT, None):
            rows = self._lake.read("reconciliation", start=start, columns=["slot", "outcome"])
            slots = {slot for slot, outcome in rows.iter_rows() if outcome in (CHECKED, BASELINE)}
            if slots:
                return sorted(slots)
        return []

    @property
    def last(self) -> datetime | None:
        return self._checks[-1] if self._checks else None

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Those of the last check."""
        return frozenset(row["account"] for row in self._found_at(self.last) if row["outcome"] in (CHECKED, BASELINE))

    @cached_property
    def open_breaks(self) -> list[OpenBreak]:
        rows = [row for row in self._found_at(self.last) if row["outcome"] in BREAKS]
        if not rows:
            return []
        start = min(row["since"] for row in rows)
        history = self._lake.read("reconciliation", start=start.astimezone(clock.NEW_YORK).date()).to_dicts()
        return [_open_break(row, history) for row in rows]

    def before(self, broken: OpenBreak) -> datetime:
        """The last check before the break began."""
        earlier = [slot for slot in self._all_checks if slot < broken.since]
        return earlier[-1] if earlier else broken.since

    @cached_property
    def _all_checks(self) -> list[datetime]:
        if all(self._checks[0] < broken.since for broken in self.open_breaks):
            return self._checks
        rows = self._lake.read("reconciliation", columns=["slot", "outcome"])
        return sorted({slot for slot, outcome in rows.iter_rows() if outcome in (CHECKED, BASELINE)})

    def positions(self) -> tuple[dict[Key, Held], dict[Key, datetime]]:
        """The accepted positions, and of which check those are that are not of the last."""
        accepted = self._positions_at(self.last)
        as_of: dict[Key, datetime] = {}
        for broken in self.open_breaks:
            when = self.before(broken)
            then = self._positions_at(when) if broken.con_ids else {}
            for con_id in broken.con_ids:
                key = broken.account, con_id
                accepted.pop(key, None)
                as_of[key] = when
                if key in then:
                    accepted[key] = then[key]
        return accepted, as_of

    def orders(self) -> tuple[dict[str, OpenOrder], dict[str, datetime]]:
        """The same of open orders, by order_key."""
        accepted = self._orders_at(self.last)
        as_of: dict[str, datetime] = {}
        for broken in self.open_breaks:
            if not broken.of_order:
                continue
            when = self.before(broken)
            accepted.pop(broken.subject, None)
            as_of[broken.subject] = when
            then = self._orders_at(when)
            if broken.subject in then:
                accepted[broken.subject] = then[broken.subject]
        return accepted, as_of

    def seen_orders(self) -> set[str]:
        """Keys of orders with a permId that were open at a check of the last days."""
        rows = self._lake.read("open_orders", start=self._today - ORDERS_SEEN, columns=["perm_id"])
        return {str(perm_id) for perm_id in rows["perm_id"].unique() if perm_id}

    def cancelled(self, since: datetime) -> set[int]:
        """permIds of the orders that pre_restart has cancelled since: after midnight TWS lists them no more."""
        return restarts.cancelled_since(self._ctx.journal, since)

    def heard(self, since: datetime) -> list[Heard]:
        """The executions stored by checks, those that could have been heard after `since` and what they correct."""
        start = since.astimezone(clock.NEW_YORK).date() - EXECUTIONS_KEPT_BY_TWS
        return [Heard(_execution(row), row["slot"]) for row in self._lake.read("executions", start=start).to_dicts()]

    def store(self, seen: Observed, fresh: Iterable[Execution], outcomes: Sequence[Mapping[str, Any]]) -> None:
        """The check's rows; `outcomes`, its findings, last."""
        stamp = {"slot": seen.at, "task": self._ctx.task}
        day = {"trade_date": seen.at.astimezone(clock.NEW_YORK).date()}
        fills = [stamp | _execution_cells(each) for each in fresh]
        self._lake.unite("executions", rows_to_frame("executions", fills))
        failpoint.reach("executions_stored")
        held = [
            stamp | day | _contract_cells(each.contract)
            | {"account": each.account, "quantity": each.quantity, "average_cost": each.average_cost}
            for each in seen.positions
        ]  # fmt: skip
        self._lake.unite("positions", rows_to_frame("positions", held))
        self._lake.unite(
            "open_orders", rows_to_frame("open_orders", [stamp | day | _order_cells(o) for o in seen.orders])
        )
        failpoint.reach("positions_stored")
        self._lake.unite(
            "reconciliation", rows_to_frame("reconciliation", [stamp | day | dict(row) for row in outcomes])
        )

    def _found_at(self, slot: datetime | None) -> list[dict[str, Any]]:
        return [] if slot is None else self._lake.read("reconciliation", slot=slot).to_dicts()

    def _positions_at(self, slot: datetime | None) -> dict[Key, Held]:
        rows = [] if slot is None else self._lake.read("positions", slot=slot).to_dicts()
        return {
            (row["account"], row["con_id"]): Held(_contract(row), row["quantity"], row["average_cost"]) for row in rows
        }

    def _orders_at(self, slot: datetime | None) -> dict[str, OpenOrder]:
        rows = [] if slot is None else self._lake.read("open_orders", slot=slot).to_dicts()
        return {order_key(order): order for order in map(_order, rows)}


@contextmanager
def alone(ctx: Context, wait_seconds: float = LONGEST_CHECK_SECONDS) -> Iterator[None]:
    """One check at a time, from reading the last one to storing this one: of two that read the same last check, one by
    hand beside cron's, one would count fills again that the other had stored. Raises RecoverableError."""
    ctx.paths.locks.mkdir(parents=True, exist_ok=True)
    held = file_locks.acquire(ctx.paths.locks / LOCK, wait_seconds)
    if held is None:
        raise RecoverableError(f"another check of the positions has been at work for {wait_seconds:g} s")
    try:
        yield
    finally:
        os.close(held)


def not_heard(executions: Iterable[Execution], heard: Iterable[Heard]) -> list[Execution]:
    known = {one.execution.exec_id for one in heard}
    return [each for each in executions if each.exec_id not in known]


def _open_break(row: Mapping[str, Any], history: Iterable[Mapping[str, Any]]) -> OpenBreak:
    same = (row["account"], row["subject"])
    found = [
        (each["outcome"], each["found"])
        for each in sorted(history, key=lambda each: each["slot"])
        if (each["account"], each["subject"]) == same and each["outcome"] in BREAKS and each["slot"] >= row["since"]
    ]
    return OpenBreak(row["account"], row["outcome"], row["subject"], row["symbol"] or "", row["since"], tuple(found))


INSTRUMENT = ("con_id", "symbol", "sec_type", "local_symbol", "expiry", "strike", "right", "multiplier")
ORDER = ("perm_id", "client_id", "order_id", "action", "order_type", "quantity", "filled", "limit_price", "stop_price")


def _contract_cells(contract: Contract) -> dict[str, Any]:
    cells = {name: getattr(contract, name) for name in INSTRUMENT}
    return cells | {"symbol": contract.symbol or contract.local_symbol or contract.sec_type}


def _contract(row: Mapping[str, Any]) -> Contract:
    fields = {name: row[name] for name in INSTRUMENT} | {"local_symbol": row["local_symbol"] or ""}
    return Contract(exchange="", **fields)


def _order_cells(order: OpenOrder) -> dict[str, Any]:
    cells = {name: getattr(order, name) for name in ORDER}
    told = {"account": order.account, "tif": order.tif or NOT_TOLD, "state": order.status or NOT_TOLD}
    return cells | _contract_cells(order.contract) | told


def _order(row: Mapping[str, Any]) -> OpenOrder:
    fields = {name: row[name] for name in ORDER}
    return OpenOrder(account=row["account"], contract=_contract(row), tif=row["tif"], status=row["state"], **fields)


def _execution_cells(each: Execution) -> dict[str, Any]:
    return _contract_cells(each.contract) | {
        "trade_date": each.at.astimezone(clock.NEW_YORK).date(),
        "account": each.account,
        "exec_id": each.exec_id,
        "perm_id": each.perm_id,
        "client_id": each.client_id,
        "order_id": each.order_id,
        "side": each.side,
        "quantity": each.quantity,
        "price": each.price,
        "executed_at": each.at,
    }


def _execution(row: Mapping[str, Any]) -> Execution:
    names = ("exec_id", "perm_id", "client_id", "order_id", "account", "side", "quantity", "price")
    return Execution(
        contract=_contract(row), at=row["executed_at"].astimezone(UTC), **{name: row[name] for name in names}
    )
