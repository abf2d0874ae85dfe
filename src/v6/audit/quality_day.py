"""The quality of one trade date: what the rules need, read from lake, journal and schedule; and what they say, stored.

A table that cannot be read leaves its rules unable to look, and is a finding of schema_drift. Slots are those of the
collectors and of the closing quotes, as calendar and schedule want them.
"""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from v6.clock import NEW_YORK
from v6.collection.sessions import previous_session
from v6.journal import closed_days, evidence, ledger, runs
from v6.model import V6Error
from v6.runner.context import Context
from v6.scheduler import futures_calendar
from v6.scheduler.compiled import ScheduleError
from v6.scheduler.futures_calendar import FuturesCalendar
from v6.scheduler.nyse_calendar import CalendarError
from v6.store.errors import LakeError
from v6.store.frames import fitted
from v6.store.tables import TABLES

if TYPE_CHECKING:
    import polars as pl

    from v6.analysis.quality.given import Given, Span
    from v6.analysis.quality.judgement import Judgement
    from v6.analysis.slot_states import SlotState

SNAPSHOTS = ("option_snapshots", "underlying_snapshots", "futures_snapshots")
LOOKED_AT = ("option_snapshots", "underlying_snapshots", "futures_snapshots", "closing_marks", "bars")
WRITTEN_HERE = ("quality_findings", "quality_scores", "slot_ledger", "task_runs")
"""By this run itself, which refuses another shape anyway: looked at, they would make a second run differ."""
OF_ITS_DAY = ("option_contracts", *SNAPSHOTS, "closing_marks", "slot_ledger", "task_runs")
"""Tables that hold a day only when V6 ran on it. Bars are loaded of years before."""
BARS_BACK = timedelta(days=45)
"""Holds the 20 sessions that a day's volume is compared with."""
CALENDAR_DAYS_A_SESSION = 2
"""Never fewer: even ten sessions around Christmas lie within 16 days."""


def judged(ctx: Context, day: date) -> Judgement:
    """Everything that is known of the day, judged by every rule. Writes nothing."""
    from v6.analysis.quality.judgement import judge

    return judge(given(ctx, day))


def given(ctx: Context, day: date) -> Given:
    from v6.analysis.quality.given import Given

    drift = _drift(ctx)
    readable = [table for table in LOOKED_AT if drift.get(table) == ""]
    session = ctx.calendar.session(day)
    before = previous_session(ctx.calendar, day)
    return Given(
        day=day,
        limits=ctx.settings.quality,
        rate=ctx.settings.statistics.risk_free_rate,
        session=(session.open, session.close) if session else None,
        tables={table: ctx.lake.read(table, trade_date=before.date if table == "bars" else day) for table in readable},
        states=_states(ctx, day),
        null_shares=_null_shares(ctx, day, readable),
        closed_rows=_closed_rows(ctx, before.date, day, readable),
        bar_day=before.date,
        bar_session=(before.open, before.close),
        bar_spans=_futures_hours(ctx, before.date),
        bars_before=_bars_before(ctx, before.date) if "bars" in readable else None,
        drift=drift,
    )


def removed(ctx: Context, day: date) -> list[str]:
    """The tables whose rows of that day cleanup_old_data has let go: it can be judged no more."""
    return sorted(one.table for one in closed_days.of_day(ctx.journal, day).values() if one.removed_at is not None)


def known(ctx: Context, day: date) -> bool:
    """Whether V6 was there: today it is, and on any day since its first run; before that only where something is stored
    of the day. A day before would be one of which every slot is missing."""
    start = datetime.combine(day, time(), NEW_YORK)
    end = start + timedelta(days=1)
    first = runs.first_started(ctx.journal)
    if day >= ctx.now().date() or (first is not None and first < end):
        return True
    if ledger.slots_of(ctx.journal, None, start, end) or closed_days.of_day(ctx.journal, day):
        return True
    return any(_has_rows(ctx, table, day) for table in OF_ITS_DAY)


def _has_rows(ctx: Context, table: str, day: date) -> bool:
    """A table that cannot be read may have some."""
    try:
        return len(ctx.lake.read(table, trade_date=day, columns=["trade_date"])) > 0
    except V6Error as error:
        ctx.log.warning("{} cannot be read: {}", table, error)
        return True


def store(ctx: Context, day: date, judgement: Judgement) -> None:
    """Put findings and scores in the place of those of an earlier run; a repeat that finds the same commits nothing."""
    for table, frame in (("quality_findings", judgement.findings), ("quality_scores", judgement.scores)):
        ctx.lake.replace(table, fitted(table, frame, trade_date=day, task=ctx.task), trade_date=day)


def _drift(ctx: Context) -> dict[str, str]:
    """Stored table -> how its schema differs from the declared one; "": it does not. Not of what this run writes."""
    found = {}
    for table in (name for name in TABLES if name not in WRITTEN_HERE):
        try:
            if ctx.lake.exists(table):
                found[table] = ""
        except LakeError as error:
            found[table] = str(error)
    return found


def _states(ctx: Context, day: date) -> list[SlotState] | None:
    start = datetime.combine(day, time(), NEW_YORK)
    end = start + timedelta(days=1)
    try:
        if not evidence.entries(ctx.journal, start, end) and len(ctx.lake.read("slot_ledger", trade_date=day)):
            ctx.log.warning("the slots of {} cannot be told: the journal no longer has them, the lake has", day)
            return None
        return evidence.slot_states(ctx.paths, os.environ, start, end, ctx.now())
    except (ScheduleError, LakeError, OSError) as error:
        ctx.log.warning("the slots of {} cannot be told: {}", day, error)
        return None


def _closed_rows(ctx: Context, before: date, day: date, readable: list[str]) -> dict[str, pl.DataFrame]:
    """Table -> rows of the days between that session and this one; tables without any are left out."""
    first, last = before + timedelta(days=1), day - timedelta(days=1)
    if first > last:
        return {}
    found = {table: ctx.lake.read(table, start=first, end=last) for table in SNAPSHOTS if table in readable}
    return {table: rows for table, rows in found.items() if len(rows)}


def _null_shares(ctx: Context, day: date, readable: list[str]) -> pl.DataFrame | None:
    """Of the days before, as many calendar days back as hold the sessions that are compared with."""
    import polars as pl

    from v6.analysis.quality.nulls import WATCHED, shares

    start = day - CALENDAR_DAYS_A_SESSION * timedelta(days=ctx.settings.quality.null_share_days)
    parts = []
    for table in WATCHED:
        if table in readable:
            wanted = ["trade_date", *WATCHED[table]]
            parts.append(shares(table, ctx.lake.read(table, start=start, end=day - timedelta(days=1), columns=wanted)))
    return pl.concat(parts) if parts else None


def _futures_hours(ctx: Context, day: date) -> dict[str, Span]:
    """When futures traded on that trade date; empty where the calendar cannot tell: their holes are not looked for."""
    try:
        session = FuturesCalendar(ctx.paths.compiled / futures_calendar.FILE).session(day)
    except CalendarError as error:
        ctx.log.warning("holes in the bars of futures cannot be told: {}", error)
        return {}
    return {"FUT": (session.open, session.close)} if session else {}


def _bars_before(ctx: Context, day: date) -> pl.DataFrame:
    return ctx.lake.read("bars", start=day - BARS_BACK, end=day - timedelta(days=1))
