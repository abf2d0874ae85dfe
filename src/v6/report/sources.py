"""Where the page's figures are from: what each table holds of the day, and as of when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.model import V6Error
from v6.store.tables import TABLES

if TYPE_CHECKING:
    from v6.journal.closed_days import Closed
    from v6.store.lake import Lake

NEWEST = ("slot", "as_of", "received_at", "created_at", "executed_at", "started_at")
"""The column that dates a table's rows: the first of these that it has."""


@dataclass(frozen=True, slots=True)
class Source:
    """`rows` of the day; `as_of`: the newest instant in `dated_by`, None where the table has no such column.

    `removed`: when retention let the day's rows go, and how many those were (`had`); None: it has not. `unreadable`:
    why the table cannot be read; its rows are 0 then.
    """

    table: str
    meaning: str
    rows: int
    dated_by: str
    as_of: datetime | None
    removed: date | None = None
    had: int = 0
    unreadable: str = ""


def read(lake: Lake, day: date, closed: Mapping[str, Closed]) -> tuple[Source, ...]:
    """One for each table, in the order of store/tables.py. `closed`: the journal's closed_days of the day."""
    return tuple(_with_removal(_readable(lake, name, day), closed.get(name)) for name in TABLES)


def _readable(lake: Lake, name: str, day: date) -> Source:
    try:
        return _source(lake, name, day)
    except V6Error as error:
        return Source(name, TABLES[name].meaning, 0, "", None, unreadable=in_one_line(error))


def in_one_line(error: V6Error) -> str:
    """Without what deltalake adds below it: where in its own code it failed."""
    return str(error).partition("\n")[0]


def _with_removal(source: Source, closed: Closed | None) -> Source:
    """What is marked to be removed and still there is shown as it is."""
    if closed is None or closed.removed_at is None or source.rows or source.unreadable:
        return source
    return replace(source, removed=closed.removed_at.astimezone(clock.NEW_YORK).date(), had=closed.rows)


def _source(lake: Lake, name: str, day: date) -> Source:
    form = TABLES[name]
    dated_by = next((column for column in NEWEST if column in form.names), "")
    rows = lake.read(name, trade_date=day, columns=["trade_date", *([dated_by] if dated_by else [])])
    newest = rows[dated_by].max() if dated_by and len(rows) else None
    as_of = newest.astimezone(clock.NEW_YORK) if isinstance(newest, datetime) else None
    return Source(name, form.meaning, len(rows), dated_by, as_of)
