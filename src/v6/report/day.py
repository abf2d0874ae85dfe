"""Everything the page of one trade date shows, read from the lake and the journal; nothing is computed anew here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from v6 import clock
from v6.journal import closed_days, ledger, runs
from v6.journal.database import connect
from v6.model import V6Error
from v6.report import ledger_day, missing, quality_day, smiles, sources, statistics_table
from v6.report.completeness import Grid
from v6.report.missing import Missing
from v6.report.quality_day import Quality
from v6.report.smiles import Smile
from v6.report.sources import Source
from v6.report.statistics_table import SESSIONS, Statistics
from v6.store.lake import Lake

if TYPE_CHECKING:
    from v6.config.load import Config
    from v6.paths import Paths
    from v6.scheduler.nyse_calendar import NYSECalendar

Part = TypeVar("Part")


class NothingOfDay(V6Error):  # noqa: N818 - an answer: no
    """There is no row, no slot and no run of the day."""


@dataclass(frozen=True, slots=True)
class ReportDay:
    """`session`: what kind of day it is, in words. `ledger_source`: where the slots are from. Instants: New York.
    `unreadable`: section of the page -> why it cannot be read."""

    day: date
    made_at: datetime
    session: str
    grid: Grid
    ledger_source: str
    smiles: tuple[Smile, ...]
    statistics: Statistics
    quality: Quality
    missing: Missing
    sources: tuple[Source, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> tuple[Source, ...]:
        """Tables that have rows of the day."""
        return tuple(source for source in self.sources if source.rows)

    @property
    def removed(self) -> tuple[Source, ...]:
        """Those whose rows of the day retention has removed."""
        return tuple(source for source in self.sources if source.removed)

    @property
    def removed_tables(self) -> tuple[str, ...]:
        return tuple(source.table for source in self.removed)


def read(paths: Paths, environ: Mapping[str, str], config: Config, calendar: NYSECalendar, day: date) -> ReportDay:
    """Raises NothingOfDay when nothing is stored of the day. A table that cannot be read leaves its parts empty, and
    `sources` and `unreadable` say so."""
    lake = Lake.at(config.settings.lake, paths)
    with closing(connect(paths.journal)) as db:
        from_tables = sources.read(lake, day, closed_days.of_day(db, day))
        stored = any(source.rows or source.removed or source.unreadable for source in from_tables)
        if not stored and not _happened(db, day):
            raise NothingOfDay(_nothing(calendar, day))
        symbols, limits = list(config.settings.futures.symbols), config.settings.quality
        part = Parts()
        nothing: ledger_day.Day = (ledger_day.JOURNAL, [], Grid((), ()))
        ledger_source, states, grid = part.read(
            "slots", nothing, lambda: ledger_day.read(paths, environ, lake, day, symbols, db)
        )
        sessions = _sessions(calendar, day)
        statistics, rows = part.read(
            "statistics", statistics_table.nothing(sessions), lambda: statistics_table.read(lake, sessions)
        )
        usable = (limits.min_iv, limits.max_iv)
        all_sent = part.read("volatility", False, lambda: smiles.every_volatility_sent(lake, day, usable))
        rightly_empty = ("option_greeks",) if all_sent else ()
        return ReportDay(
            day,
            clock.now(),
            session_words(calendar, day),
            grid,
            ledger_source,
            part.read("volatility", (), lambda: smiles.read(lake, day, rows, usable)),
            statistics,
            part.read("quality", quality_day.NOTHING, lambda: quality_day.read(lake, day)),
            missing.read(paths, environ, db, day, states, statistics, from_tables, rightly_empty),
            from_tables,
            part.unreadable,
        )


class Parts:
    """Reads the parts of the page, each by itself: one that a table cannot give says so in `unreadable`, by section."""

    def __init__(self) -> None:
        self.unreadable: dict[str, str] = {}

    def read(self, section: str, nothing: Part, reading: Callable[[], Part]) -> Part:
        try:
            return reading()
        except V6Error as error:
            self.unreadable[section] = sources.in_one_line(error)
            return nothing


def _nothing(calendar: NYSECalendar, day: date) -> str:
    today = clock.now().date()
    if day <= today:
        return f"{day}: nothing is stored of it: {session_words(calendar, day)}, no table has a row of it"
    words = f"{day} has not begun (it is {today} in New York)"
    if day <= calendar.covers[1] and (closed := calendar.closure_reason(day)):
        words += f", and NYSE is closed then ({closed})"
    return f"{words}; allowed: a day until today, or one of which this home holds something"


def session_words(calendar: NYSECalendar, day: date) -> str:
    session = calendar.session(day)
    if session is None:
        return f"NYSE closed ({calendar.closure_reason(day)})"
    kind = f"early close ({calendar.deviation(day)})" if session.early else "regular session"
    return f"{kind}, {session.open:%H:%M} to {session.close:%H:%M}"


def _happened(db: sqlite3.Connection, day: date) -> bool:
    """Whether a run belongs to the day, or a slot."""
    start, end = ledger_day.bounds(day)
    return bool(runs.between(db, start, end) or ledger.slots_of(db, None, start, end))


def _sessions(calendar: NYSECalendar, day: date) -> list[date]:
    """The sessions of the histories, oldest first; the last one is the day, whether or not it is a session."""
    found, first = [day], calendar.covers[0]
    while len(found) < SESSIONS and found[0] > first:
        before = found[0] - timedelta(days=1)
        while before > first and not calendar.is_trading_day(before):
            before -= timedelta(days=1)
        if not calendar.is_trading_day(before):
            break
        found.insert(0, before)
    return found
