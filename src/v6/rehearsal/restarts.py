"""What a rehearsal's books say of TWS's restarts: the journal's rows, its states, and the verdict of each report."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from v6.journal import events, restarts
from v6.rehearsal.window import Window

NEAR = timedelta(minutes=15)  # pre_restart begins before its window, post_restart after it
MANY = 1000
STATE_EVENT = "restart_state"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One restart. `outcome`: the journal's, `not over` before there is one. `observed`: whether TWS restarted.
    `words`: the report's first lines, the verdict and what a person has to do."""

    window: str
    start: datetime
    outcome: str
    observed: str
    cancelled: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """One transition. `before`, `after`: states as the journal stores them."""

    at: datetime
    before: str
    after: str
    cause: str


def rehearsed(db: sqlite3.Connection, windows: Sequence[Window], home: Path) -> list[Rehearsed]:
    """The restarts that lie in the windows or close to them, by time; reports are relative to `home`."""
    found = [row for row in restarts.latest(db, MANY) if any(_touches(row, window) for window in windows)]
    return [
        Rehearsed(
            row.window,
            row.window_start,
            row.outcome or "not over",
            row.observed,
            row.orders_cancelled,
            _verdict(home, row.report),
        )
        for row in reversed(found)
    ]


def moves(db: sqlite3.Connection, windows: Sequence[Window]) -> list[Moved]:
    """Every transition since the first window began, by time."""
    start = windows[0].start.timestamp()
    found = [one for one in reversed(events.recent(db, STATE_EVENT, MANY)) if one.at.timestamp() >= start]
    return [Moved(one.at, one.details["from"], one.details["to"], one.details["cause"]) for one in found]


def _touches(row: restarts.Restart, window: Window) -> bool:
    """Compared as instants: two New York datetimes compare as wall clocks."""
    start: float = row.window_start.timestamp() - NEAR.total_seconds()
    end: float = row.window_end.timestamp() + NEAR.total_seconds()
    return start <= window.end.timestamp() and window.start.timestamp() <= end


def _verdict(home: Path, report: str) -> tuple[str, ...]:
    """The lines before the first empty one; none when there is no report."""
    text = (home / report).with_suffix(".txt") if report else None
    if text is None or not text.is_file():
        return ()
    lines = text.read_text(encoding="utf-8").splitlines()
    return tuple(lines[: lines.index("")] if "" in lines else lines)
