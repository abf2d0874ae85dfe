"""The lake's tables: every column with its type, unit and meaning, in this one place.

Every table is partitioned by `trade_date`, the New York date of its slot, and by nothing finer. Timestamps are UTC with
microseconds. A value that is not known is null: never -1, 0 or NaN. Types are Delta's own names. Changing a column here
is a migration: a stored table whose schema differs is refused, not silently adapted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from v6.model import DataType, MissReason, QuoteStatus
from v6.store.errors import LakeError

if TYPE_CHECKING:
    import deltalake
    import polars as pl

Type = Literal["string", "integer", "long", "double", "boolean", "date", "timestamp"]
Unit = Literal["price", "size", "volatility", "greek", "fraction"]

# unit -> what a number of it means
UNITS: dict[Unit, str] = {
    "price": "in the contract's currency, above 0",
    "size": "contracts (options, futures) or shares, 0 or more; 0 is a real count",
    "volatility": "annualised, 0.25 is 25 %, above 0",
    "greek": "of TWS's model, per unit of the underlying: theta per calendar day, vega per 1 point of volatility",
    "fraction": "0.01 is 1 %",
}
ABOVE_ZERO: frozenset[Unit] = frozenset({"price", "volatility"})
NOT_BELOW_ZERO: frozenset[Unit] = frozenset({"size"})

RIGHTS = frozenset({"C", "P"})
STATUSES = frozenset({QuoteStatus.COMPLETE.value, QuoteStatus.PARTIAL.value})
DATA_TYPES = frozenset(kind.value for kind in DataType)
REASONS = frozenset(reason.value for reason in MissReason)
UNIVERSE_REASONS = frozenset({"position", "coverage", "nearest", "beyond_quota", "recentred"})


@dataclass(frozen=True, slots=True)
class Column:
    """`required`: never null. `allowed`: the closed set of a string column. `unit`: what a number means (UNITS)."""

    name: str
    type: Type
    meaning: str
    unit: Unit | None = None
    required: bool = False
    allowed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`key` identifies a row. `order` is how rows lie in a file; `statistics`: the columns files are pruned by."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    statistics: tuple[str, ...]

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise LakeError(f"{self.name}: no column {name}; it has {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


TRADE_DATE = Column("trade_date", "date", "New York date of the slot; the partition", required=True)
TASK = Column("task", "string", "task that wrote the row", required=True)
SLOT = (
    TRADE_DATE,
    Column("slot", "timestamp", "scheduled instant the row belongs to, whole seconds", required=True),
    TASK,
    Column("con_id", "long", "IBKR's id of the contract", required=True),
    Column("symbol", "string", "symbol of the underlying, e.g. SPY", required=True),
)
QUOTE = (
    Column("bid", "double", "best bid; null: nobody bids", "price"),
    Column("ask", "double", "best ask; null: nobody offers", "price"),
    Column("bid_size", "double", "size at the bid", "size"),
    Column("ask_size", "double", "size at the ask", "size"),
    Column("last", "double", "last trade, today or before; null: never traded", "price"),
    Column("volume", "double", "traded so far in this session, cumulative", "size"),
)
ARRIVAL = (
    Column("data_type", "string", "what TWS said it sent; null: it did not say", allowed=DATA_TYPES),
    Column("status", "string", "complete, or partial: something asked for is null", required=True, allowed=STATUSES),
    Column("reason", "string", "why the row is partial", allowed=REASONS),
    Column("received_at", "timestamp", "when the last field arrived", required=True),
)

OPTION_CONTRACTS = Table(
    "option_contracts",
    "the universe: every contract queued for a trade date and which of them are collected; a version is frozen",
    (
        TRADE_DATE,
        Column("version", "integer", "1 before the open, 2 re-centred on the opening price, ...", required=True),
        TASK,
        Column("created_at", "timestamp", "when the version was built", required=True),
        Column("con_id", "long", "IBKR's id of the contract", required=True),
        Column("symbol", "string", "symbol of the underlying", required=True),
        Column("local_symbol", "string", "OCC symbol as TWS writes it"),
        Column("trading_class", "string", "e.g. SPY, SPXW", required=True),
        Column("exchange", "string", "where it is routed, e.g. SMART", required=True),
        Column("currency", "string", "ISO code", required=True),
        Column("multiplier", "double", "shares per contract"),
        Column("expiry", "date", "last trading day", required=True),
        Column("strike", "double", "strike", "price", required=True),
        Column("right", "string", "C call, P put", required=True, allowed=RIGHTS),
        Column("dte", "integer", "calendar days from trade_date to expiry", required=True),
        Column("underlying_price", "double", "price the version was centred on", "price"),
        Column("collected", "boolean", "chosen for the snapshots", required=True),
        Column("held", "boolean", "an open position when the version was built", required=True),
        Column("rank", "integer", "place in the order of choice, from 1"),
        Column("reason", "string", "why it is collected or not", allowed=UNIVERSE_REASONS),
    ),
    key=("trade_date", "version", "con_id"),
    order=("version", "symbol", "expiry", "strike", "right"),
    statistics=("version", "symbol", "con_id"),
)

OPTION_SNAPSHOTS = Table(
    "option_snapshots",
    "one quote of one option in one slot",
    (
        *SLOT,
        Column("expiry", "date", "last trading day", required=True),
        Column("strike", "double", "strike", "price", required=True),
        Column("right", "string", "C call, P put", required=True, allowed=RIGHTS),
        Column("trading_class", "string", "e.g. SPY, SPXW"),
        *QUOTE,
        Column("open_interest", "double", "open contracts at the last close (generic tick 101)", "size"),
        Column("iv", "double", "implied volatility of TWS's model", "volatility"),
        Column("delta", "double", "delta", "greek"),
        Column("gamma", "double", "gamma", "greek"),
        Column("vega", "double", "vega", "greek"),
        Column("theta", "double", "theta", "greek"),
        Column("underlying_price", "double", "price of the underlying that the model used", "price"),
        *ARRIVAL,
    ),
    key=("task", "slot", "con_id"),
    order=("symbol", "expiry", "strike", "right", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

UNDERLYING_SNAPSHOTS = Table(
    "underlying_snapshots",
    "one quote of one underlying in one slot",
    (*SLOT, *QUOTE, Column("close", "double", "close of the previous session", "price"), *ARRIVAL),
    key=("task", "slot", "con_id"),
    order=("symbol", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

FUTURES_SNAPSHOTS = Table(
    "futures_snapshots",
    "one quote of one future in one slot, with its changes from historical bars (formulas: the job's docstring)",
    (
        *SLOT,
        Column("local_symbol", "string", "e.g. ESH6"),
        Column("expiry", "date", "last trading day", required=True),
        *QUOTE,
        Column("open_interest", "double", "open contracts", "size"),
        Column("close", "double", "previous settlement or close as TWS sends it", "price"),
        Column("change_1h", "double", "over the last hour", "fraction"),
        Column("change_4h", "double", "over the last four hours", "fraction"),
        Column("change_overnight", "double", "since the close of the last NYSE session", "fraction"),
        Column("change_daily", "double", "since the previous daily close", "fraction"),
        *ARRIVAL,
    ),
    key=("task", "slot", "con_id"),
    order=("symbol", "expiry", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (OPTION_CONTRACTS, OPTION_SNAPSHOTS, UNDERLYING_SNAPSHOTS, FUTURES_SNAPSHOTS)
}


def table_of(name: str) -> Table:
    if name not in TABLES:
        raise LakeError(f"{name}: no such table; there are {', '.join(TABLES)}")
    return TABLES[name]


@cache
def polars_schema(name: str) -> dict[str, pl.DataType]:
    """Column -> polars type, in the table's order."""
    import polars as pl

    types: dict[Type, pl.DataType] = {
        "string": pl.String(),
        "integer": pl.Int32(),
        "long": pl.Int64(),
        "double": pl.Float64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "timestamp": pl.Datetime("us", "UTC"),
    }
    return {column.name: types[column.type] for column in table_of(name).columns}


@cache
def delta_schema(name: str) -> deltalake.Schema:
    """Every field is nullable in Delta, whose null check other writers lack; `required` is checked before a write."""
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    return Schema([Field(column.name, PrimitiveType(column.type)) for column in table_of(name).columns])
