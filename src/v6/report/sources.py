"""Where the page's figures are from: what each table holds of the day, and as of when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from v6.store.lake import Lake

NEWEST = ("slot", "as_of", "received_at", "created_at", "executed_at", "started_at")
"""The column that dates a table's rows: the first of these that it has."""


@dataclass(frozen=True, slots=True)
class Source:
    """`rows` of the day; `as_of`: the newest instant in `dated_by`, None where the table has no such column."""

    table: str
    meaning: str
    rows: int
    dated_by: str
    as_of: datetime | None


def read(lake: Lake, day: date) -> tuple[Source, ...]:
    """One for each table, in the order of store/tables.py."""
    return tuple(_source(lake, name, day) for name in TABLES)


def _source(lake: Lake, name: str, day: date) -> Source:
    form = TABLES[name]
    dated_by = next((column for column in NEWEST if column in form.names), "")
    rows = lake.read(name, trade_date=day, columns=["trade_date", *([dated_by] if dated_by else [])])
    newest = rows[dated_by].max() if dated_by and len(rows) else None
    as_of = newest.astimezone(clock.NEW_YORK) if isinstance(newest, datetime) else None
    return Source(name, form.meaning, len(rows), dated_by, as_of)
