"""Sessions whose bars TWS does not have: not asked for again until `ask_again_days` are over."""

import sqlite3
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from v6 import clock
from v6.journal.database import transaction
from v6.journal.timestamps import instant_text


class Unavailable(NamedTuple):
    """`reason`: no_data, no_subscription or no_contract."""

    con_id: int
    bar_size: str
    what: str
    trade_date: date
    symbol: str
    reason: str


def record(db: sqlite3.Connection, rows: Iterable[Unavailable]) -> None:
    """TWS was asked now, and does not have them."""
    at = instant_text(clock.now())
    with transaction(db):
        db.executemany(
            "INSERT OR REPLACE INTO bars_unavailable (con_id, bar_size, what, trade_date, symbol, reason, asked_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*row[:3], row.trade_date.isoformat(), row.symbol, row.reason, at) for row in rows],
        )


def forget(db: sqlite3.Connection, symbols: Iterable[str]) -> int:
    """Ask for everything of these symbols again; returns how many records are gone."""
    with transaction(db):
        gone = [db.execute("DELETE FROM bars_unavailable WHERE symbol = ?", (each,)).rowcount for each in symbols]
    return sum(gone)


def known(db: sqlite3.Connection, ask_again_days: int) -> dict[tuple[int, str, str], set[date]]:
    """(con_id, bar_size, what) -> trade dates that were asked for within that many days."""
    since = instant_text(clock.now() - timedelta(days=ask_again_days))
    rows = db.execute("SELECT con_id, bar_size, what, trade_date FROM bars_unavailable WHERE asked_at >= ?", (since,))
    found: dict[tuple[int, str, str], set[date]] = {}
    for con_id, size, what, day in rows:
        found.setdefault((con_id, size, what), set()).add(date.fromisoformat(day))
    return found


def stored(db: sqlite3.Connection) -> list[Unavailable]:
    """All of them, in the order of their keys."""
    rows = db.execute(
        "SELECT con_id, bar_size, what, trade_date, symbol, reason FROM bars_unavailable ORDER BY 1, 2, 3, 4"
    )
    return [Unavailable(row[0], row[1], row[2], date.fromisoformat(row[3]), row[4], row[5]) for row in rows]
