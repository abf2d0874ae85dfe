"""Everything the page of one trade date shows, read from the lake and the journal; nothing is computed anew here."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.journal import ledger, runs
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


class NothingOfDay(V6Error):  # noqa: N818 - an answer: no
    """There is no row, no slot and no run of the day."""


@dataclass(frozen=True, slots=True)
class ReportDay:
    """`session`: what kind of day it is, in words. `ledger_source`: where the slots are from. Instants: New York."""

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


def read(paths: Paths, environ: Mapping[str, str], config: Config, calendar: NYSECalendar, day: date) -> ReportDay:
    """Raises NothingOfDay when nothing is stored of the day."""
    lake = Lake.at(config.settings.lake, paths)
    from_tables = sources.read(lake, day)
    with closing(connect(paths.journal)) as db:
        if not any(source.rows for source in from_tables) and not _happened(db, day):
            raise NothingOfDay(
                f"{day}: nothing is stored of it: {session_words(calendar, day)}, no table has a row of it"
            )
        symbols, limits = list(config.settings.futures.symbols), config.settings.quality
        ledger_source, states, grid = ledger_day.read(paths, environ, lake, day, symbols, db)
        statistics, rows = statistics_table.read(lake, _sessions(calendar, day))
        return ReportDay(
            day,
            clock.now(),
            session_words(calendar, day),
            grid,
            ledger_source,
            smiles.read(lake, day, rows, (limits.min_iv, limits.max_iv)),
            statistics,
            quality_day.read(lake, day),
            missing.read(paths, environ, db, day, states, statistics, from_tables),
            from_tables,
        )


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
