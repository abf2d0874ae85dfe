"""The day's universe in the lake: frozen by version, read back by the collectors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from v6 import clock
from v6.analysis.universe import Reason, Selection
from v6.model import Contract
from v6.runner.context import Context
from v6.store.frames import rows_to_frame

DROPPED = "recentred"
"""The reason of a contract that version 1 collected and version 2 does not."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """One version. `contracts`: everything queued, in order of rank; `prices`: what it was centred on, by symbol."""

    version: int
    contracts: tuple[Contract, ...]
    collected_ids: frozenset[int]
    held_ids: frozenset[int]
    prices: dict[str, float]

    @property
    def collected(self) -> tuple[Contract, ...]:
        return tuple(contract for contract in self.contracts if contract.con_id in self.collected_ids)

    def words(self) -> str:
        symbols = sorted({contract.symbol for contract in self.collected})
        return (
            f"version {self.version}: {len(self.collected_ids)} collected of {len(self.contracts)} queued "
            f"({', '.join(symbols)}), {len(self.held_ids)} held"
        )


def load(ctx: Context, on: date, version: int | None = None, *, queued: bool = True) -> Frozen | None:
    """A version of the day `on`, by default the newest; None when there is none. `queued` False: only the collected."""
    rows = ctx.lake.universe(on, version)
    if rows.is_empty():
        return None
    found = int(rows["version"][0])
    if not queued:
        rows = rows.filter(rows["collected"])
    records = rows.sort("rank", nulls_last=True).to_dicts()
    prices = {r["symbol"]: r["underlying_price"] for r in records if r["underlying_price"] is not None}
    return Frozen(
        found,
        tuple(_contract(record) for record in records),
        frozenset(record["con_id"] for record in records if record["collected"]),
        frozenset(record["con_id"] for record in records if record["held"]),
        prices,
    )


def freeze(
    ctx: Context,
    on: date,
    version: int,
    selection: Selection,
    prices: Mapping[str, float],
    dropped: Iterable[Contract] = (),
) -> Frozen:
    """Store a version and read back what stands: the first commit of a version is never changed by a later one."""
    gone = {contract.con_id for contract in dropped}
    created_at = clock.utc_now()
    rows = [
        _row(choice.contract)
        | {
            "trade_date": on,
            "version": version,
            "task": ctx.task,
            "created_at": created_at,
            "dte": choice.dte,
            "underlying_price": prices.get(choice.contract.symbol),
            "collected": choice.collected,
            "held": choice.reason is Reason.POSITION,
            "rank": choice.rank,
            "reason": DROPPED if choice.contract.con_id in gone else str(choice.reason),
        }
        for choice in selection.choices
    ]
    ctx.lake.write_universe(on, version, rows_to_frame("option_contracts", rows))
    stored = load(ctx, on, version)
    assert stored is not None
    return stored


COLUMNS = (
    "con_id",
    "symbol",
    "local_symbol",
    "trading_class",
    "exchange",
    "currency",
    "multiplier",
    "expiry",
    "strike",
    "right",
)


def _row(contract: Contract) -> dict[str, Any]:
    row = {name: getattr(contract, name) for name in COLUMNS}
    return row | {"trading_class": contract.trading_class or contract.symbol}


def _contract(record: Mapping[str, Any]) -> Contract:
    fields = {name: record[name] for name in COLUMNS} | {"local_symbol": record["local_symbol"] or ""}
    return Contract("OPT", **fields)
