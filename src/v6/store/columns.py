"""What a column of the lake can be: its type, its unit, its closed set; and what makes a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from v6.model import DataType, MissReason, QuoteStatus, WhyNull
from v6.store.errors import LakeError

Type = Literal["string", "integer", "long", "double", "boolean", "date", "timestamp"]
Unit = Literal[
    "price",
    "money",
    "size",
    "signed_size",
    "volatility",
    "difference",
    "greek",
    "fraction",
    "rank",
    "ratio",
    "slope",
    "measure",
]
Partition = Literal["trade_date", "month"]

# unit -> what a number of it means
UNITS: dict[Unit, str] = {
    "price": "in the contract's currency, above 0",
    "money": "in the contract's currency, may be negative",
    "size": "contracts (options, futures) or shares, 0 or more; 0 is a real count",
    "signed_size": "contracts or shares, negative is short",
    "volatility": "annualised, 0.25 is 25 %, above 0",
    "difference": "of two volatilities, 0.01 is one percentage point, may be negative",
    "greek": "of TWS's model, per unit of the underlying: theta per calendar day, vega per 1 point of volatility",
    "fraction": "0.01 is 1 %",
    "rank": "0 to 100",
    "ratio": "one number over another, 0 or more",
    "slope": "natural logarithm of a price per session: 0.01 is 1 % a session",
    "measure": "in the unit of the rule that measured it",
}
ABOVE_ZERO: frozenset[Unit] = frozenset({"price", "volatility"})
NOT_BELOW_ZERO: frozenset[Unit] = frozenset({"size", "rank", "ratio"})
AT_MOST: dict[Unit, float] = {"rank": 100.0}

RIGHTS = frozenset({"C", "P"})
STATUSES = frozenset({QuoteStatus.COMPLETE.value, QuoteStatus.PARTIAL.value})
DATA_TYPES = frozenset(kind.value for kind in DataType)
REASONS = frozenset(reason.value for reason in MissReason)
WHY_NULL = frozenset(why.value for why in WhyNull)


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
    """`key` identifies a row. `order` is how rows lie in a file; `statistics`: the columns files are pruned by.

    `partition`: the trade date, or for tables of few rows a day its month, so that a year is a dozen files.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    statistics: tuple[str, ...]
    partition: Partition = "trade_date"

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise LakeError(f"{self.name}: no column {name}; it has {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def partition_of(form: Table, trade_date: date) -> date:
    """The partition that a trade date lies in."""
    return trade_date.replace(day=1) if form.partition == "month" else trade_date


TRADE_DATE = Column("trade_date", "date", "New York date of the slot; the partition", required=True)
DAY = Column("trade_date", "date", "New York date of the session it belongs to", required=True)
MONTH = Column("month", "date", "first day of the trade date's month; the partition", required=True)
TASK = Column("task", "string", "task that wrote the row", required=True)
CON_ID = Column("con_id", "long", "IBKR's id of the contract", required=True)
SYMBOL = Column("symbol", "string", "symbol of the underlying, e.g. SPY", required=True)
SLOT = (
    TRADE_DATE,
    Column("slot", "timestamp", "scheduled instant the row belongs to, whole seconds", required=True),
    TASK,
    CON_ID,
    SYMBOL,
)
OPTION = (
    Column("expiry", "date", "last trading day", required=True),
    Column("strike", "double", "strike", "price", required=True),
    Column("right", "string", "C call, P put", required=True, allowed=RIGHTS),
    Column("trading_class", "string", "e.g. SPY, SPXW"),
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
