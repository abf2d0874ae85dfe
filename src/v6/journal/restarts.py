"""What the journal keeps of restarts: where we are, one row a window, order ids, registrations, outages.

Instants are aware in and out (New York out).
"""

import json
import sqlite3
from collections import namedtuple
from collections.abc import Mapping
from datetime import datetime

from v6 import clock
from v6.journal.database import transaction
from v6.journal.timestamps import instant_text, optional, slot_text

Current = namedtuple("Current", "state since window window_start window_end cause")
Restart = namedtuple(
    "Restart",
    "id window window_start window_end prepared_at state_file listener_before listener_after away_at started_at "
    "connected_at first_tick_seconds validated_at outcome orders_cancelled restored observed report",
)
OrderStep = namedtuple(
    "OrderStep", "restart perm_id client_id order_id words sent_at outcome detail deed", defaults=("cancel",)
)
Registered = namedtuple("Registered", "owner kind name body at")
Outage = namedtuple("Outage", "id at kind task evidence")

INSTANTS = ("window_start", "window_end", "prepared_at", "away_at", "started_at", "connected_at", "validated_at")


# where we are


def current(db: sqlite3.Connection) -> Current | None:
    """None before the first transition: that is NORMAL."""
    row = db.execute("SELECT state, since, window, window_start, window_end, cause FROM restart_state").fetchone()
    if row is None:
        return None
    return Current(row[0], optional(row[1]), row[2], optional(row[3]), optional(row[4]), row[5])


def set_current(
    db: sqlite3.Connection,
    state: str,
    cause: str,
    window: str = "",
    window_start: datetime | None = None,
    window_end: datetime | None = None,
    since: datetime | None = None,
) -> None:
    """`since`: of a state that goes on; None: it begins now."""
    db.execute(
        "INSERT OR REPLACE INTO restart_state (one, state, since, window, window_start, window_end, cause) "
        "VALUES (1, ?, ?, ?, ?, ?, ?)",
        (state, instant_text(since or clock.now()), window, _slot(window_start), _slot(window_end), cause),
    )


def restate(db: sqlite3.Connection, state: str, cause: str) -> None:
    """The cause of the state, when it still is that one."""
    db.execute("UPDATE restart_state SET cause = ? WHERE state = ?", (cause, state))


# one row a window


def begin(db: sqlite3.Connection, window: str, start: datetime, end: datetime, *, anew: bool = False) -> Restart:
    """The row of this window, made when it is not there yet. `anew`: one that was validated has been a restart of its
    own, tried by hand before the window, and the next one begins."""
    with transaction(db):
        row = of_window(db, window, start)
        if row is None or (anew and row.validated_at is not None):
            db.execute(
                "INSERT INTO restarts (window, window_start, window_end) VALUES (?, ?, ?)",
                (window, slot_text(start), slot_text(end)),
            )
            row = of_window(db, window, start)
    assert row is not None
    return row


def of_window(db: sqlite3.Connection, window: str, start: datetime) -> Restart | None:
    """The latest row of this window, None when it was neither prepared nor validated yet."""
    rows = _select(db, "window = ? AND window_start = ? ORDER BY id DESC LIMIT 1", (window, slot_text(start)))
    return rows[0] if rows else None


def is_validated(row: Restart) -> bool:
    """Whether TWS was proven to work after this restart; what was tried by hand before its window is none of it."""
    return row.validated_at is not None and row.validated_at.timestamp() >= row.window_start.timestamp()


def note(db: sqlite3.Connection, restart_id: int, **columns: object) -> None:
    """Fill columns of the row; instants as aware datetimes."""
    names = ", ".join(f"{name} = ?" for name in columns)
    values = [instant_text(value) if isinstance(value, datetime) else value for value in columns.values()]
    db.execute(f"UPDATE restarts SET {names} WHERE id = ?", (*values, restart_id))  # noqa: S608 - our own column names


def latest(db: sqlite3.Connection, limit: int = 30) -> list[Restart]:
    """Newest window first."""
    return _select(db, "1 ORDER BY window_start DESC, id DESC LIMIT ?", (limit,))


def last_reached(db: sqlite3.Connection) -> Restart | None:
    """The row of the TWS that works now: the last one that was connected to and whose listener was seen."""
    seen = _select(db, "listener_after <> '' AND connected_at IS NOT NULL ORDER BY connected_at DESC LIMIT 1", ())
    return seen[0] if seen else None


def of_id(db: sqlite3.Connection, restart_id: int) -> Restart:
    return _select(db, "id = ?", (restart_id,))[0]


# what was done to orders


def intend(
    db: sqlite3.Connection,
    restart_id: int,
    perm_id: int,
    client_id: int,
    order_id: int,
    words: str,
    deed: str = "cancel",
) -> None:
    """Before an order is touched: its row says `sent`, whatever it said before."""
    db.execute(
        "INSERT INTO restart_orders (restart, perm_id, client_id, order_id, words, sent_at, deed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET outcome = 'sent', detail = '', sent_at = excluded.sent_at",
        (restart_id, perm_id, client_id, order_id, words, instant_text(clock.now()), deed),
    )


def settle(
    db: sqlite3.Connection,
    restart_id: int,
    perm_id: int,
    client_id: int,
    order_id: int,
    outcome: str,
    detail: str = "",
) -> None:
    """What came of it."""
    db.execute(
        "UPDATE restart_orders SET outcome = ?, detail = ? "
        "WHERE restart = ? AND perm_id = ? AND client_id = ? AND order_id = ?",
        (outcome, detail, restart_id, perm_id, client_id, order_id),
    )


def order_steps(db: sqlite3.Connection, restart_id: int) -> list[OrderStep]:
    rows = db.execute(
        f"SELECT {', '.join(OrderStep._fields)} FROM restart_orders WHERE restart = ? ORDER BY perm_id",  # noqa: S608
        (restart_id,),
    )
    return [step._replace(sent_at=optional(step.sent_at)) for step in (OrderStep(*row) for row in rows)]


def cancelled_since(db: sqlite3.Connection, since: datetime) -> set[int]:
    """permIds of the orders that V6 itself has cancelled from then on, confirmed by TWS."""
    rows = db.execute(
        "SELECT perm_id FROM restart_orders "
        "WHERE deed = 'cancel' AND outcome = 'cancelled' AND perm_id != 0 AND sent_at >= ?",
        (instant_text(since),),
    )
    return {int(perm_id) for (perm_id,) in rows}


def closings(db: sqlite3.Connection) -> list[OrderStep]:
    """The orders that were to close positions, of every restart."""
    rows = db.execute(
        f"SELECT {', '.join(OrderStep._fields)} FROM restart_orders WHERE deed = 'close' ORDER BY restart, order_id",  # noqa: S608
    )
    return [step._replace(sent_at=optional(step.sent_at)) for step in (OrderStep(*row) for row in rows)]


# order ids


def raise_high_water(db: sqlite3.Connection, client_id: int, order_id: int) -> None:
    """The highest order id seen of this client id; it never falls."""
    db.execute(
        "INSERT INTO order_ids (client_id, high_water, updated_at) VALUES (?, ?, ?) ON CONFLICT (client_id) DO UPDATE "
        "SET high_water = excluded.high_water, updated_at = excluded.updated_at "
        "WHERE excluded.high_water > order_ids.high_water",
        (client_id, order_id, instant_text(clock.now())),
    )


def high_waters(db: sqlite3.Connection) -> dict[int, int]:
    """client id -> the highest order id ever seen."""
    return {row[0]: row[1] for row in db.execute("SELECT client_id, high_water FROM order_ids ORDER BY client_id")}


# registrations


def register(db: sqlite3.Connection, owner: str, kind: str, name: str, body: Mapping[str, object]) -> None:
    db.execute(
        "INSERT OR REPLACE INTO registered (owner, kind, name, body, at) VALUES (?, ?, ?, ?, ?)",
        (owner, kind, name, json.dumps(dict(body)), instant_text(clock.now())),
    )


def unregister(db: sqlite3.Connection, owner: str) -> None:
    db.execute("DELETE FROM registered WHERE owner = ?", (owner,))


def unregister_one(db: sqlite3.Connection, owner: str, kind: str, name: str) -> None:
    db.execute("DELETE FROM registered WHERE owner = ? AND kind = ? AND name = ?", (owner, kind, name))


def registrations(db: sqlite3.Connection, kind: str) -> list[Registered]:
    rows = db.execute("SELECT owner, kind, name, body, at FROM registered WHERE kind = ? ORDER BY owner, name", (kind,))
    return [Registered(row[0], row[1], row[2], json.loads(row[3]), optional(row[4])) for row in rows]


# outages


def outage(db: sqlite3.Connection, kind: str, evidence: str, task: str | None = None) -> None:
    """A sign that TWS or IBKR was away now."""
    db.execute(
        "INSERT INTO outages (at, kind, task, evidence) VALUES (?, ?, ?, ?)",
        (instant_text(clock.now()), kind, task, evidence),
    )


def outages(db: sqlite3.Connection, start: datetime, end: datetime) -> list[Outage]:
    rows = db.execute(
        "SELECT id, at, kind, task, evidence FROM outages WHERE at >= ? AND at < ? ORDER BY at",
        (instant_text(start), instant_text(end)),
    )
    return [Outage(row[0], optional(row[1]), *row[2:]) for row in rows]


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[Restart]:
    rows = db.execute(f"SELECT {', '.join(Restart._fields)} FROM restarts WHERE {condition}", values)  # noqa: S608
    found = (Restart(*row) for row in rows)
    return [restart._replace(**{name: optional(getattr(restart, name)) for name in INSTANTS}) for restart in found]


def _slot(moment: datetime | None) -> str | None:
    return None if moment is None else slot_text(moment)
