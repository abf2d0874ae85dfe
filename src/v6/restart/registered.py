"""What long-lived programs hold at TWS and want back after a restart: subscriptions and market scanners.

    with closing(database.connect(paths.journal)) as db:
        registered.subscribe(db, "market_session", [spy, es])
        registered.scan(db, "market_session", {"gainers": ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN")})
        ...
        registered.withdraw(db, "market_session")

They live in the journal, so they survive the program; who ends for good withdraws them.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from v6.journal import restarts
from v6.journal.database import transaction
from v6.model import Contract, ScannerFilter
from v6.restart.records.trading_state import distinct
from v6.restart.records.typed_json import Mismatch, plain, typed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A registration that an older or newer program wrote in another form."""

    owner: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.owner}'s {self.name}: {self.why}"


def subscribe(db: sqlite3.Connection, owner: str, contracts: Iterable[Contract]) -> None:
    """Add to what this program is subscribed to. A contract without con_id is refused: it could mean another one
    tomorrow."""
    wanted = list(contracts)
    if vague := [str(contract) for contract in wanted if not contract.con_id]:
        raise ValueError(f"{owner}: without con_id: {', '.join(vague)}, allowed: contracts that TWS has resolved")
    with transaction(db):
        for contract in wanted:
            restarts.register(db, owner, "subscription", str(contract.con_id), plain(contract))


def unsubscribe(db: sqlite3.Connection, owner: str, contracts: Iterable[Contract]) -> None:
    """Take single ones back; nothing happens to those that were not registered."""
    with transaction(db):
        for contract in contracts:
            restarts.unregister_one(db, owner, "subscription", str(contract.con_id))


def scan(db: sqlite3.Connection, owner: str, scanners: Mapping[str, ScannerFilter]) -> None:
    """Add scanners by the program's own names for them; a known name is replaced."""
    with transaction(db):
        for name, scanner in scanners.items():
            restarts.register(db, owner, "scanner", name, plain(scanner))


def stop_scan(db: sqlite3.Connection, owner: str, name: str) -> None:
    restarts.unregister_one(db, owner, "scanner", name)


def withdraw(db: sqlite3.Connection, owner: str) -> None:
    """Everything that this program has registered."""
    restarts.unregister(db, owner)


def subscriptions(db: sqlite3.Connection) -> tuple[tuple[Contract, ...], tuple[Unreadable, ...]]:
    """What all programs together are subscribed to, each contract once."""
    found, unreadable = _read(db, "subscription", Contract)
    return distinct(found), unreadable


def scanners(db: sqlite3.Connection) -> tuple[tuple[ScannerFilter, ...], tuple[Unreadable, ...]]:
    """The filters of all programs, each once."""
    found, unreadable = _read(db, "scanner", ScannerFilter)
    return tuple(dict.fromkeys(found)), unreadable


def _read(db: sqlite3.Connection, kind: str, form: type[T]) -> tuple[list[T], tuple[Unreadable, ...]]:
    found: list[T] = []
    unreadable: list[Unreadable] = []
    for row in restarts.registrations(db, kind):
        try:
            found.append(typed(form, row.body))
        except Mismatch as error:
            unreadable.append(Unreadable(row.owner, row.name, str(error)))
    return found, tuple(unreadable)
